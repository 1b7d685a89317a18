package import CanonicalJSON

/// The error codes that MCP uses.
package enum RPCCode {
    /// The text is no JSON.
    package static let parseError: Int64 = -32700
    /// The JSON is no message.
    package static let invalidRequest: Int64 = -32600
    /// There is no such method.
    package static let methodNotFound: Int64 = -32601
    /// The method does not take these parameters.
    package static let invalidParams: Int64 = -32602
    /// The receiver failed.
    package static let internalError: Int64 = -32603
    /// Headers and body say different things (2026-07-28).
    package static let headerMismatch: Int64 = -32020
    /// The request needs a capability that its client did not declare (2026-07-28).
    package static let missingCapability: Int64 = -32021
    /// The revision asked for is not served (2026-07-28).
    package static let unsupportedVersion: Int64 = -32022
    /// A URL has to be visited first (2025-11-25 only).
    package static let urlElicitationRequired: Int64 = -32042
    /// There is no such resource (before 2026-07-28).
    package static let resourceNotFound: Int64 = -32002
}

/// A JSON-RPC error, as it is answered to a peer; its words are fit for a stranger.
package struct RPCError: Error, Hashable, Sendable {
    /// Which kind: one of `RPCCode`, or an upstream's own.
    package let code: Int64
    /// What was wrong, in one sentence.
    package let message: String
    /// More about it, in a shape that the code defines.
    package let data: JSONValue?

    /// An error of that code, with these words.
    package init(code: Int64, message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    /// The HTTP status that 2026-07-28 sends with it.
    package var httpStatus: Int {
        switch code {
        case RPCCode.parseError, RPCCode.invalidRequest, RPCCode.invalidParams, RPCCode.headerMismatch,
            RPCCode.missingCapability, RPCCode.unsupportedVersion:
            400
        case RPCCode.methodNotFound: 404
        default: 200
        }
    }

    /// The value of a message's `error` member.
    package var json: JSONObject {
        var object: JSONObject = ["code": .integer(code), "message": .string(message)]
        object["data"] = data
        return object
    }
}

/// Why something a server sent was refused; nothing of what it sent is repeated.
package struct RPCFault: Error, Hashable, Sendable {
    /// What was wrong, in one sentence.
    package let message: String

    /// A fault with these words.
    package init(message: String) { self.message = message }

    init(_ message: String) { self.message = message }
}

extension RPCFault: CustomStringConvertible {
    /// The message.
    package var description: String { message }
}
