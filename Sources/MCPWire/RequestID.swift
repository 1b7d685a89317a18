package import CanonicalJSON

/// The id of a request, which its answer repeats: a string or an integer.
///
/// JSON-RPC would also have fractions and null; MCP has neither. Two strings are one id only if their bytes are the same.
package enum RequestID: Hashable, Sendable {
    /// An id that is a string.
    case string(String)
    /// An id that is an integer.
    case integer(Int64)

    /// The id that a value is; nil of null, booleans, fractions (`1.0` and `1e2` among them), arrays and objects.
    package init?(_ json: JSONValue) {
        switch json {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .integer(number)
        case .null, .bool, .number, .array, .object: return nil
        }
    }

    /// The id as it is written in a message.
    package var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        }
    }

    /// Whether both are one id: `1` is not `"1"`, and precomposed é is not e + ◌́.
    package static func == (left: RequestID, right: RequestID) -> Bool { left.json == right.json }

    /// Feeds what equality looks at.
    package func hash(into hasher: inout Hasher) { hasher.combine(json) }
}
