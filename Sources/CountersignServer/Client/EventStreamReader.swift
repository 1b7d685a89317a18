/// Splits a stream of server-sent events into messages, whatever pieces it comes in.
package struct EventStreamReader: Sendable {
    /// One message.
    package struct Message: Hashable, Sendable {
        /// The id to go on from.
        package let id: String?
        /// The lines of `data`, joined.
        package let data: String
    }

    private var line: [UInt8] = []
    private var id: String?
    private var data: [String] = []

    /// Begins a stream.
    package init() {}

    /// The messages that these bytes complete.
    package mutating func read(_ bytes: [UInt8]) -> [Message] {
        var messages = [Message]()
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let message = take(line) { messages.append(message) }
            line.removeAll(keepingCapacity: true)
        }
        return messages
    }

    private mutating func take(_ line: [UInt8]) -> Message? {
        guard !line.isEmpty else {
            defer { data = [] }
            return data.isEmpty ? nil : Message(id: id, data: data.joined(separator: "\n"))
        }
        let name = line.prefix { $0 != UInt8(ascii: ":") }
        var value = line.dropFirst(name.count + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: name, as: UTF8.self) {
        case "data": data.append(text)
        case "id": id = text
        default: break
        }
        return nil
    }
}
