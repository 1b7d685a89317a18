package import CanonicalJSON

/// One tool, as an upstream defines it.
package struct ToolDefinition: Hashable, Sendable {
    /// What the upstream says of what the tool does, nil where it says nothing; not to be believed of a stranger.
    package struct Hints: Hashable, Sendable {
        /// That it changes nothing.
        package var readOnly: Bool?
        /// That what it changes may be lost.
        package var destructive: Bool?
        /// That twice is as once.
        package var idempotent: Bool?
        /// That it reaches beyond a closed domain.
        package var openWorld: Bool?

        /// Hints of these.
        package init(
            readOnly: Bool? = nil,
            destructive: Bool? = nil,
            idempotent: Bool? = nil,
            openWorld: Bool? = nil,
        ) {
            self.readOnly = readOnly
            self.destructive = destructive
            self.idempotent = idempotent
            self.openWorld = openWorld
        }
    }

    /// The most characters (code points) of a name.
    package static let maxName = 128

    /// Its name, with the upstream.
    package let name: String
    /// The whole definition.
    package let json: JSONObject
    /// What its arguments must be: a JSON Schema, an object.
    package let inputSchema: JSONValue
    /// Whether results have `structuredContent`.
    package let hasOutputSchema: Bool
    /// What the upstream says of it.
    package let hints: Hints

    /// The tool of that definition.
    ///
    /// Strict in what is decided by (name, schemas, annotations) and what people are shown. A name may have any
    /// characters, as with the official SDKs; `hiddenCharacters` tells of those that deceive.
    package init(_ json: JSONValue) throws(RPCFault) {
        guard case .object(let json) = json else { throw RPCFault("a tool must be an object") }
        guard let name = json["name"]?.stringValue, !name.isEmpty, name.unicodeScalars.count <= Self.maxName else {
            throw RPCFault("a tool's name must be a string of 1 to \(Self.maxName) characters")
        }
        for key in ["title", "description"] where json[key].isPresent && json[key]?.stringValue == nil {
            throw RPCFault("a tool's \(key) must be a string")
        }
        guard let schema = json["inputSchema"], schema.objectValue != nil, schema["type"] == "object" else {
            throw RPCFault("a tool's inputSchema must be an object of type \"object\"")
        }
        guard !json["outputSchema"].isPresent || json["outputSchema"]?.objectValue != nil else {
            throw RPCFault("a tool's outputSchema must be an object")
        }
        self.name = name
        self.json = json
        inputSchema = schema
        hasOutputSchema = json["outputSchema"].isPresent
        hints = try Hints(json["annotations"])
    }

    /// The canonical bytes that a definition's digest is over: all that a model or a person may see or be led by.
    ///
    /// That is every member but `_meta`, `icons` and `execution`, so that one which a later revision adds counts as well.
    /// Null counts as absent, and an integer of any size is its digits.
    package var canonical: [UInt8] {
        var seen = json
        for member in json where Self.unseen.contains(member.key) || member.value.isNull { seen[member.key] = nil }
        return JSONValue.object(seen).exactBytes()
    }

    private static let unseen: Set<String> = ["_meta", "icons", "execution"]

    /// The definition under another name, which a virtual server's prefix makes, and with members set.
    package func renamed(_ name: String, setting members: [(String, JSONValue)] = []) -> JSONObject {
        var json = json
        for (key, value) in members { json[key] = value }
        json["name"] = .string(name)
        return json
    }
}

extension ToolDefinition.Hints {
    fileprivate init(_ annotations: JSONValue?) throws(RPCFault) {
        let members: JSONObject
        switch annotations {
        case nil, .null: members = [:]
        case .object(let object): members = object
        case .bool, .integer, .number, .string, .array: throw RPCFault("a tool's annotations must be an object")
        }
        func hint(_ key: String) throws(RPCFault) -> Bool? {
            guard let value = members[key], !value.isNull else { return nil }
            guard case .bool(let flag) = value else { throw RPCFault("a tool's \(key) must be true or false") }
            return flag
        }
        self.init(
            readOnly: try hint("readOnlyHint"),
            destructive: try hint("destructiveHint"),
            idempotent: try hint("idempotentHint"),
            openWorld: try hint("openWorldHint"),
        )
    }
}

extension JSONValue? {
    /// Whether a member is there; null, which some servers write, counts as absent.
    fileprivate var isPresent: Bool { self.map { !$0.isNull } ?? false }
}
