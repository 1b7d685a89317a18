import CanonicalJSON

/// One message of an upstream's, as ranges of the bytes it came in: a result may be large, and is passed on as it stands.
///
/// All of the bytes are checked, grammar and UTF-8, because what is passed on becomes part of a message of ours.
package enum ServerMessage: Hashable, Sendable {
    /// Answers a request; the range is that of the result, an object.
    case result(id: RequestID, Range<Int>)
    /// Answers a request, or nobody's, with an error; the range is that of the error, an object.
    case error(id: RequestID?, Range<Int>)
    /// Asks something of the client; the range is that of the parameters, an object.
    case request(id: RequestID, method: String, params: Range<Int>?)
    /// Tells the client something.
    case notification(method: String, params: Range<Int>?)

    /// Reads a message in one pass, whatever the order of its members.
    package static func scan(_ bytes: [UInt8]) throws(RPCFault) -> ServerMessage {
        guard bytes.first != 0xEF else { throw RPCFault("the text begins with a byte order mark") }
        var parts = Parts()
        for (name, value) in try ObjectScan.members(bytes, in: bytes.indices) { parts.take(name, value) }
        guard let version = parts.version, ObjectScan.value(bytes, in: version) == "2.0" else {
            throw RPCFault("jsonrpc must be \"2.0\"")
        }
        let id = try id(parts, bytes)
        guard let method = parts.method else { return try response(parts, id, bytes) }
        guard parts.result == nil, parts.error == nil else {
            throw RPCFault("a message is either a request or a response")
        }
        guard let name = ObjectScan.value(bytes, in: method)?.stringValue else {
            throw RPCFault("a method must be a string")
        }
        let params = try params(parts, bytes)
        guard parts.id != nil else { return .notification(method: name, params: params) }
        guard let id else { throw .badID }
        return .request(id: id, method: name, params: params)
    }

    private static func id(_ parts: Parts, _ bytes: [UInt8]) throws(RPCFault) -> RequestID? {
        guard let range = parts.id, bytes[range.lowerBound] != UInt8(ascii: "n") else { return nil }
        // Looked at before it is read: only strings and numbers are, whatever else stands there.
        let first = bytes[range.lowerBound]
        let isScalar = first == UInt8(ascii: "\"") || first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") <= 9
        guard isScalar, let id = ObjectScan.value(bytes, in: range).flatMap(RequestID.init) else { throw .badID }
        return id
    }

    /// The parameters: an object, or nothing, for which some servers write null.
    private static func params(_ parts: Parts, _ bytes: [UInt8]) throws(RPCFault) -> Range<Int>? {
        guard let range = parts.params, bytes[range.lowerBound] != UInt8(ascii: "n") else { return nil }
        guard bytes[range.lowerBound] == UInt8(ascii: "{") else { throw RPCFault("params must be an object") }
        return range
    }

    private static func response(
        _ parts: Parts,
        _ id: RequestID?,
        _ bytes: [UInt8],
    ) throws(RPCFault) -> ServerMessage {
        // Some servers write the one that there is not as null, as JSON-RPC 1.0 did.
        let answers = [parts.result, parts.error].compactMap(\.self)
            .filter { bytes[$0.lowerBound] != UInt8(ascii: "n") }
        guard let range = answers.first, answers.count == 1 else {
            throw RPCFault("a message has a method, a result or an error")
        }
        guard bytes[range.lowerBound] == UInt8(ascii: "{") else {
            throw RPCFault("a result or an error must be an object")
        }
        guard range == parts.result else { return .error(id: id, range) }
        guard let id else { throw .badID }
        return .result(id: id, range)
    }
}

/// Where the members of a message are.
private struct Parts {
    var version: Range<Int>?
    var id: Range<Int>?
    var method: Range<Int>?
    var params: Range<Int>?
    var result: Range<Int>?
    var error: Range<Int>?

    mutating func take(_ name: String, _ value: Range<Int>) {
        switch name {
        case "jsonrpc": version = value
        case "id": id = value
        case "method": method = value
        case "params": params = value
        case "result": result = value
        case "error": error = value
        default: break
        }
    }
}

extension RPCFault {
    fileprivate static let badID = RPCFault("an id must be a string or an integer")
}
