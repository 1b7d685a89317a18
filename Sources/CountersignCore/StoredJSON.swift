package import CanonicalJSON

/// JSON that we wrote ourselves: what was taken in when it was stored must be readable for ever, by every reader alike.
///
/// Texts from outside may hold noncharacters, and a document that was just deep enough stands one level deeper here. A
/// reader that is stricter than the writer was would overlook an entry, and so hide it.
package enum StoredJSON {
    private static let limits = JSONLimits(maxDepth: 256, allowsNoncharacters: true)

    /// The value of stored bytes; `nil` only if they are broken.
    package static func value(_ bytes: [UInt8]) -> JSONValue? { try? parse(bytes) }

    /// The value of a stored text; `nil` only if it is broken.
    package static func value(_ text: String) -> JSONValue? { try? JSONParser.parse(text, limits: limits) }

    /// The value of stored bytes, or what is wrong with them.
    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try JSONParser.parse(bytes, limits: limits)
    }
}
