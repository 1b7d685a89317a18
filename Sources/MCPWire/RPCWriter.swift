package import CanonicalJSON

/// Writes messages as compact JSON.
///
/// A line break never occurs, so that each can be a line of stdio and a data line of an event. Numbers are written as they
/// were read, so that an id comes back as it was sent.
package enum RPCWriter {
    /// A request.
    package static func request(id: RequestID, method: String, params: JSONObject? = nil) -> [UInt8] {
        message(id: id, method: method) { append(params, "params", to: &$0) }
    }

    /// A notification.
    package static func notification(method: String, params: JSONObject? = nil) -> [UInt8] {
        message(id: nil, method: method) { append(params, "params", to: &$0) }
    }

    /// A request with parameters that were scanned, as an upstream sent them.
    package static func request(
        id: RequestID,
        method: String,
        rawParams: (some Collection<UInt8>)?,
    ) -> [UInt8] {
        message(id: id, method: method) { append(raw: rawParams, "params", to: &$0) }
    }

    /// A notification with parameters that were scanned, as an upstream sent them.
    package static func notification(method: String, rawParams: (some Collection<UInt8>)?) -> [UInt8] {
        message(id: nil, method: method) { append(raw: rawParams, "params", to: &$0) }
    }

    /// An answer.
    package static func result(id: RequestID, _ result: JSONValue) -> [UInt8] {
        answer(id: id, "result", capacity: 256) { result.appendCanonical(to: &$0, exactly: true) }
    }

    /// An answer of bytes that were scanned to be an object; line breaks between its tokens are dropped.
    package static func result(id: RequestID, raw: some Collection<UInt8>) -> [UInt8] {
        answer(id: id, "result", capacity: raw.count) { append(raw, to: &$0) }
    }

    /// An answer that there is none; to nobody in particular without an id.
    package static func error(id: RequestID?, _ error: RPCError) -> [UInt8] {
        answer(id: id, "error", capacity: 256) { error.json.appendCanonical(to: &$0, exactly: true) }
    }

    /// The same with an error's bytes, which were scanned to be an object.
    package static func error(id: RequestID?, raw: some Collection<UInt8>) -> [UInt8] {
        answer(id: id, "error", capacity: raw.count) { append(raw, to: &$0) }
    }

    private static func message(id: RequestID?, method: String, params: (inout [UInt8]) -> Void) -> [UInt8] {
        var output = Array(#"{"jsonrpc":"2.0","#.utf8)
        if let id {
            output.append(contentsOf: #""id":"#.utf8)
            id.json.appendCanonical(to: &output, exactly: true)
            output.append(UInt8(ascii: ","))
        }
        output.append(contentsOf: #""method":"#.utf8)
        appendJSONString(method, to: &output)
        params(&output)
        output.append(UInt8(ascii: "}"))
        return output
    }

    private static func answer(
        id: RequestID?,
        _ name: String,
        capacity: Int,
        value: (inout [UInt8]) -> Void,
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(capacity + 64)
        output.append(contentsOf: #"{"jsonrpc":"2.0","id":"#.utf8)
        (id?.json ?? .null).appendCanonical(to: &output, exactly: true)
        output.append(contentsOf: #",""#.utf8)
        output.append(contentsOf: name.utf8)
        output.append(contentsOf: #"":"#.utf8)
        value(&output)
        output.append(UInt8(ascii: "}"))
        return output
    }

    private static func append(_ object: JSONObject?, _ name: String, to output: inout [UInt8]) {
        guard let object else { return }
        output.append(contentsOf: #",""#.utf8)
        output.append(contentsOf: name.utf8)
        output.append(contentsOf: #"":"#.utf8)
        object.appendCanonical(to: &output, exactly: true)
    }

    private static func append(raw: (some Collection<UInt8>)?, _ name: String, to output: inout [UInt8]) {
        guard let raw else { return }
        output.append(contentsOf: #",""#.utf8)
        output.append(contentsOf: name.utf8)
        output.append(contentsOf: #"":"#.utf8)
        append(raw, to: &output)
    }

    /// Appends JSON without its line breaks: a string has none, so each of them is white space.
    private static func append(_ raw: some Collection<UInt8>, to output: inout [UInt8]) {
        // Not through the collection itself: callers of other modules get no copy of this code made for theirs.
        append(slice: raw as? ArraySlice<UInt8> ?? Array(raw)[...], to: &output)
    }

    private static func append(slice: ArraySlice<UInt8>, to output: inout [UInt8]) {
        let span = slice.span
        var start = 0
        for index in span.indices where span[index] == 0x0A || span[index] == 0x0D {
            output.append(contentsOf: slice[(slice.startIndex + start)..<(slice.startIndex + index)])
            start = index + 1
        }
        output.append(contentsOf: slice[(slice.startIndex + start)...])
    }
}

/// Adds to an object that is only bytes.
package enum RawObject {
    /// Puts members at an object's front, those aside whose names it has already; what is no object stays as it is.
    package static func adding(
        _ members: [(String, JSONValue)],
        to raw: ArraySlice<UInt8>,
        existing names: Set<String>,
    ) -> [UInt8] {
        let space: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        let new = members.filter { !names.contains($0.0) }
        guard !new.isEmpty, let brace = raw.firstIndex(where: { !space.contains($0) }),
            raw[brace] == UInt8(ascii: "{")
        else { return Array(raw) }
        var output: [UInt8] = []
        output.reserveCapacity(raw.count + new.count * 64)
        output.append(UInt8(ascii: "{"))
        for (index, (name, value)) in new.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            appendJSONString(name, to: &output)
            output.append(UInt8(ascii: ":"))
            value.appendCanonical(to: &output, exactly: true)
        }
        let rest = raw[(brace + 1)...]
        let isEmpty = rest.first { !space.contains($0) } == UInt8(ascii: "}")
        if !isEmpty { output.append(UInt8(ascii: ",")) }
        output.append(contentsOf: rest)
        return output
    }
}
