package import CanonicalJSON

/// What an agent answered to a request of the server's.
package enum ServerAnswer: Hashable, Sendable {
    /// What came out.
    case result(JSONValue)
    /// Why nothing did.
    case error(JSONValue)
}

/// Why a client's message was refused, and whom to tell.
package struct ClientMessageFault: Error, Hashable, Sendable {
    /// What to answer.
    package let error: RPCError
    /// The id to answer to; null is written if it could not be read.
    package let id: RequestID?
}

/// One message of an agent's, read strictly.
///
/// It is one JSON object with `jsonrpc` `"2.0"`, an id that is a string or an integer, parameters that are an object, no key
/// twice, and only numbers that every reader understands alike (I-JSON). Members that JSON-RPC does not define are
/// passed over: nothing of the bytes is sent on, only what was understood.
package enum ClientMessage: Hashable, Sendable {
    /// Wants an answer.
    case request(id: RequestID, method: String, params: JSONObject)
    /// Wants none.
    case notification(method: String, params: JSONObject)
    /// Answers a request of the server's.
    case response(id: RequestID, ServerAnswer)

    /// Reads a message of at most so many bytes.
    package static func parse(_ bytes: [UInt8], maximumBytes: Int) throws(ClientMessageFault) -> ClientMessage {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes, limits: JSONLimits(maxBytes: maximumBytes))
        } catch {
            throw fault(error, bytes)
        }
        guard case .object(let object) = value else {
            let isBatch = value.arrayValue != nil
            throw .invalid(isBatch ? "batches are not served; send one message a request" : "a message is an object")
        }
        return try message(object)
    }

    private static func message(_ object: JSONObject) throws(ClientMessageFault) -> ClientMessage {
        let id = object["id"].flatMap(RequestID.init)
        guard object["jsonrpc"] == .string("2.0") else { throw .invalid("jsonrpc must be \"2.0\"", id) }
        guard id != nil || object["id"] == nil else { throw .invalid("an id must be a string or an integer") }
        let answers = [object["result"], object["error"]].compactMap(\.self)
        guard let method = object["method"] else { return try response(object, id, answers) }
        guard answers.isEmpty else { throw .invalid("a message is either a request or a response", id) }
        guard case .string(let method) = method else { throw .invalid("a method must be a string", id) }
        let params: JSONObject
        switch object["params"] {
        case .object(let members): params = members
        case nil: params = [:]
        case .null, .bool, .integer, .number, .string, .array: throw .invalid("params must be an object", id)
        }
        guard let id else { return .notification(method: method, params: params) }
        return .request(id: id, method: method, params: params)
    }

    private static func response(
        _ object: JSONObject,
        _ id: RequestID?,
        _ answers: [JSONValue],
    ) throws(ClientMessageFault) -> ClientMessage {
        guard let answer = answers.first, answers.count == 1 else {
            throw .invalid("a message has a method, a result or an error", id)
        }
        guard let id else { throw .invalid("a response needs the id that it answers") }
        guard answer.objectValue != nil else { throw .invalid("a result or an error must be an object", id) }
        return .response(id: id, object["error"] == nil ? .result(answer) : .error(answer))
    }

    /// What to say of a text that was refused: that it is no JSON, or that it is JSON which readers understand differently.
    private static func fault(_ error: JSONError, _ bytes: [UInt8]) -> ClientMessageFault {
        switch error.code {
        case .unexpectedEnd, .unexpectedCharacter, .trailingData, .byteOrderMark, .invalidUTF8, .controlCharacter,
            .invalidEscape, .invalidNumber:
            return ClientMessageFault(error: RPCError(code: RPCCode.parseError, message: "\(error)"), id: nil)
        case .tooLarge:
            return .invalid(error.code.rawValue)
        case .loneSurrogate, .noncharacter, .numberOutOfRange, .duplicateKey, .tooDeep:
            return ClientMessageFault(
                error: RPCError(code: RPCCode.invalidRequest, message: "\(error)"),
                id: ObjectScan.id(ofMessage: bytes),
            )
        }
    }
}

extension ClientMessageFault {
    fileprivate static func invalid(_ message: String, _ id: RequestID? = nil) -> ClientMessageFault {
        ClientMessageFault(error: RPCError(code: RPCCode.invalidRequest, message: message), id: id)
    }
}
