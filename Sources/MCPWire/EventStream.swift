/// One event of a stream.
package struct StreamEvent: Hashable, Sendable {
    /// What the `event` field says; `message` if there is none.
    package var type: String
    /// The `data` lines, joined by line feeds.
    package var data: [UInt8]
    /// The `id` field of this event; empty where the server takes its id back.
    package var id: String?
    /// The `retry` field of this event, in milliseconds.
    package var retry: Int64?

    /// An event of these fields.
    package init(type: String = "message", data: [UInt8], id: String? = nil, retry: Int64? = nil) {
        self.type = type
        self.data = data
        self.id = id
        self.retry = retry
    }
}

/// Reads server-sent events (WHATWG HTML, section 9.2.6) from any split of their bytes.
///
/// Lines end in CR LF, LF or CR. An event without data is none, but its `id` and `retry` count: see the two properties.
package struct EventStreamParser: Sendable {
    /// The id of the last event that had one: what `Last-Event-ID` is to say.
    package private(set) var lastEventID: String?
    /// How long to wait before connecting again, in milliseconds, if the server said so.
    package private(set) var reconnectionTime: Int64?

    private let maximumEvent: Int
    private var line: [UInt8] = []
    private var skipsLineFeed = false
    private var isFirstLine = true
    private var hasFailed = false
    private var event = PartialEvent()

    /// A parser of events whose data, and the line being read, are at most so many bytes; comments do not count.
    package init(maximumEvent: Int) { self.maximumEvent = maximumEvent }

    /// Takes bytes as they come, and returns the events that end in them; after one that is too large, never again.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws(RPCFault) -> [StreamEvent] {
        let chunk = Array(bytes)
        let span = chunk.span
        var events: [StreamEvent] = []
        var start = 0
        while start < chunk.count, !hasFailed {
            if skipsLineFeed {
                skipsLineFeed = false
                if span[start] == 0x0A {
                    start += 1
                    continue
                }
            }
            var end = start
            while end < span.count, span[end] != 0x0A, span[end] != 0x0D { end += 1 }
            hasFailed = event.size + line.count + (end - start) > maximumEvent
            if hasFailed { break }
            line.append(contentsOf: chunk[start..<end])
            start = end + 1
            if end == chunk.count { break }
            skipsLineFeed = span[end] == 0x0D
            if let event = endLine() { events.append(event) }
        }
        guard !hasFailed else {
            (line, event) = ([], PartialEvent())
            throw RPCFault("an event is too large")
        }
        return events
    }

    private mutating func endLine() -> StreamEvent? {
        defer { line.removeAll(keepingCapacity: line.count < 4096) }
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        }
        guard !line.isEmpty else { return dispatch() }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == 0x20 { value = value.dropFirst() }
        switch String(decoding: line[..<min(colon, 6)], as: UTF8.self) {
        case "data" where colon == 4:
            if event.data != nil { event.data?.append(0x0A) }
            event.data = event.data ?? []
            event.data?.append(contentsOf: value)
            event.size += value.count + 1
        case "event" where colon == 5:
            event.type = String(decoding: value, as: UTF8.self)
        case "id" where colon == 2 && !value.contains(0):
            event.id = String(decoding: value, as: UTF8.self)
            lastEventID = event.id
        case "retry" where colon == 5 && !value.isEmpty && value.allSatisfy { $0 &- UInt8(ascii: "0") <= 9 }:
            event.retry = Int64(String(decoding: value, as: UTF8.self))
            reconnectionTime = event.retry ?? reconnectionTime
        default:
            break
        }
        return nil
    }

    private mutating func dispatch() -> StreamEvent? {
        defer { event = PartialEvent() }
        guard let data = event.data else { return nil }
        return StreamEvent(
            type: event.type.isEmpty ? "message" : event.type,
            data: data,
            id: event.id,
            retry: event.retry,
        )
    }
}

/// What of an event has been read.
private struct PartialEvent {
    var type = ""
    var data: [UInt8]?
    var id: String?
    var retry: Int64?
    /// The bytes of its data so far.
    var size = 0
}
