import CanonicalJSON
import Cedar

extension PolicySet {
    /// A set of one text.
    init(text: String) throws(PolicyErrors) {
        try self.init(parsing: [PolicySource(name: "test.cedar", text: text)])
    }

    /// A set of one policy that permits when an expression equals `true`.
    init(whenever expression: String) throws(PolicyErrors) {
        try self.init(text: "permit (principal, action, resource) when { (\(expression)) == true };")
    }
}

extension Request {
    static let sample = Request(
        principal: EntityUID(type: "User", id: "a"),
        action: EntityUID(type: "Action", id: "x"),
        resource: EntityUID(type: "R", id: "r"),
    )
}

extension JSONValue {
    /// Reads JSON with Cedar's integers of 64 bits.
    init(cedar text: String) throws(JSONError) {
        let limits = JSONLimits(maxDepth: 512, numbers: .int64, allowsNoncharacters: true)
        self = try JSONParser.parse(text, limits: limits)
    }
}
