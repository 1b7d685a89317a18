import CanonicalJSON

/// An object that Slack sent, read member by member; a fault names the member and not what stands in it.
struct SlackJSON {
    /// What Slack sends may have ids beyond 2⁵³ in members that are not read here.
    static let limits = JSONLimits(maxDepth: 64, maxBytes: 1 << 20, numbers: .int64, allowsNoncharacters: true)

    let json: JSONValue
    private let place: String

    init(_ json: JSONValue, at place: String = "") {
        self.json = json
        self.place = place
    }

    /// A string that must be there and not be empty.
    func text(_ name: String) throws(ChannelFault) -> String {
        guard let text = try textIfPresent(name), !text.isEmpty else {
            throw ChannelFault(.payloadMalformed, "`\(place)\(name)` is missing or empty.")
        }
        return text
    }

    /// A string; `nil` if it is missing or null.
    func textIfPresent(_ name: String) throws(ChannelFault) -> String? {
        switch json[name] {
        case nil, .null: return nil
        case .string(let text): return text
        case .bool, .integer, .number, .array, .object:
            throw ChannelFault(.payloadMalformed, "`\(place)\(name)` is not a string.")
        }
    }
}
