import CanonicalJSON

extension JSONParser {
    /// Whether a text is a JSON object, which no text of Cedar's own languages can begin like.
    static func isObject(_ text: String) -> Bool {
        text.utf8.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } == UInt8(ascii: "{")
    }
}

extension JSONLimits {
    /// Cedar's integers, and as deep as the official engine's JSON parser goes.
    static func cedar(bytes: Int) -> JSONLimits {
        JSONLimits(maxDepth: 127, maxBytes: bytes, numbers: .int64, allowsNoncharacters: true)
    }
}
