import CanonicalJSON

/// JSON that we wrote ourselves: what was taken in when it was stored must be readable for ever.
///
/// Texts from outside may hold noncharacters, and a document that was just deep enough stands one level deeper here.
enum StoredJSON {
    private static let limits = JSONLimits(maxDepth: 256, allowsNoncharacters: true)

    /// The value of stored bytes; `nil` only if they are broken.
    static func value(_ bytes: [UInt8]) -> JSONValue? { try? JSONParser.parse(bytes, limits: limits) }

    /// The value of a stored text; `nil` only if it is broken.
    static func value(_ text: String) -> JSONValue? { try? JSONParser.parse(text, limits: limits) }
}
