import CanonicalJSON
import Cedar
import CountersignCore
import Testing

@Suite("Policies against the arguments of tools", .timeLimit(.minutes(10)))
struct ToolPolicyTests {
    private static let files = ConnectionName(unchecked: "files")
    private static let mail = ConnectionName(unchecked: "mail")

    static func tool(
        _ name: String,
        _ effect: CountersignCore.Effect?,
        _ schema: String,
        on connection: ConnectionName = files,
    ) throws -> KnownTool {
        KnownTool(name: ToolName(connection, name), effect: effect, inputSchema: try JSONParser.parse(schema))
    }

    private static func tools() throws -> [KnownTool] {
        [
            try tool(
                "delete_file",
                .delete,
                #"{"type": "object", "properties": {"path": {"type": "string"}, "recursive": {"type": "boolean"}, "depth": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}, "size": {"type": "number"}, "owner": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}, "required": ["path"]}"#
            ),
            try tool(
                "read_file",
                .read,
                #"{"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]}"#
            ),
            try tool("query", .read, #"{"type": "object"}"#),
            try tool("send", nil, #"{"type": "object", "properties": {"to": {"type": "string"}}}"#, on: mail),
        ]
    }

    /// The warnings as `code: message`, each with the column that it is at.
    private static func warnings(_ policy: String, _ directory: Directory? = nil) throws -> [String] {
        let text = #"@id("all") permit (principal, action, resource);"# + "\n" + policy
        let source = PolicySource(name: "p", text: text)
        let set = try GatedPolicySet(parsing: [source], groups: [GroupName(unchecked: "dba")])
        let without = Set(set.warnings(directory))
        return set.warnings(directory, tools: try tools()).filter { !without.contains($0) }
            .map { "\($0.position?.column ?? 0) \($0.code.rawValue): \($0.message)" }
    }

    private static func on(_ scope: String, _ condition: String) -> String {
        "@id(\"p\") forbid (principal, \(scope)) when { \(condition) };"
    }

    private static func deleting(_ condition: String) -> String {
        on(#"action == Action::"mcp:delete", resource == Tool::"files/delete_file""#, condition)
    }

    @Test(
        "what does not fit a tool's arguments is warned of, with what there is",
        arguments: [
            (
                #"context.arguments.pth like "/etc/*""#,
                "for the tool files/delete_file, `context.arguments` has no attribute `pth`; did you mean `path`?"
            ),
            (
                #"context.arguments.elsewhere == "x""#,
                "for the tool files/delete_file, `context.arguments` has no attribute `elsewhere`; it has `depth`, `owner`, `path`, `recursive`, `size`, `tags`"
            ),
            (
                #"context.arguments has pth && context.arguments.pth like "/etc/*""#,
                "for the tool files/delete_file, `context.arguments` has no attribute `pth`; did you mean `path`?"
            ),
            (
                "context has arguments.owner.nme",
                "for the tool files/delete_file, `context.arguments.owner` has no attribute `nme`; did you mean `name`?"
            ),
            (
                "context.arguments.recursive",
                "for the tool files/delete_file, the attribute `recursive` of `context.arguments` is optional and may not be there; test for it first: `context.arguments has recursive && …`"
            ),
            (
                "context.arguments.path == 5",
                "for the tool files/delete_file, both operands of `==` must have compatible types, found Long and String; the types must be the same"
            ),
            (
                #"context.arguments has depth && context.arguments.depth == "5""#,
                "for the tool files/delete_file, both operands of `==` must have compatible types, found Long and String; the types must be the same"
            ),
            (
                "context.arguments.path > 5",
                "for the tool files/delete_file, expected Long, found String"
            ),
            (
                "context.arguments has tags && context.arguments.tags.contains(1)",
                "for the tool files/delete_file, the elements of the set and the operand of `contains` must have compatible types, found Long and String; the types must be the same"
            ),
            (
                #"context.arguments has tags && context.arguments.tags == "x""#,
                "for the tool files/delete_file, both operands of `==` must have compatible types, found Set<String> and String; the types must be the same"
            ),
            (
                #"context.argument.path == "x""#,
                "for the tool files/delete_file, `context` has no attribute `argument`; did you mean `arguments`?"
            ),
        ],
    )
    func misfits(_ condition: String, _ message: String) throws {
        let found = try Self.warnings(Self.deleting(condition))
        #expect(found.count == 1)
        #expect(found.first?.hasSuffix(" tool-arguments: " + message) ?? false, "\(found)")
    }

    @Test(
        "what fits, or is not known, is not warned of",
        arguments: [
            #"context.arguments.path like "/etc/*" && context.arguments.path == "/etc/passwd""#,
            "context.arguments has recursive && context.arguments.recursive",
            "context.arguments has depth && context.arguments.depth > 5",
            #"context.arguments has tags && context.arguments.tags.containsAny(["a", "b"])"#,
            #"context.arguments has size && (context.arguments.size == 5 || context.arguments.size == "5" || context.arguments.size.lessThan(decimal("0.5")))"#,
            #"context.arguments has owner && context.arguments.owner.name == "x""#,
            // Records of other members are not equal; that is no mistake that evaluation would show.
            #"context.arguments == {path: "/etc/passwd"}"#,
            #"context.tool == "other" && context.arguments.pth"#,
            #"resource == Tool::"files/read_file" && context.arguments.file"#,
            #"resource in Connection::"mail" && context.arguments.to"#,
            #"context.tool like "read_*" && context.arguments.file"#,
            #"["read_file", "query"].contains(context.tool) && context.arguments.file"#,
            #"context.method == "prompts/get" && context.arguments.topic == "x""#,
            #"context has param_inputResponses && context.param_inputResponses.x == 1"#,
            #"context has definition && context.definition == "x""#,
            #"context has justification && context.justification == "x""#,
            #"context has on_behalf_of && context.on_behalf_of in Group::"dba""#,
            #"context.source_address.isLoopback() && context.time > datetime("2026-01-01")"#,
        ],
    )
    func fits(_ condition: String) throws {
        let found: [String]
        let policy = Self.on(
            #"action in Action::"mcp", resource in Connection::"files""#,
            #"resource == Tool::"files/delete_file" && \#(condition)"#
        )
        found = try Self.warnings(policy)
        #expect(found == [])
    }

    @Test("a policy about several tools is warned of those that it does not fit")
    func several() throws {
        var found: [String]
        let policy = Self.on(
            #"action in Action::"mcp", resource in Connection::"files""#,
            #"context has tool && context.arguments.path == "x""#
        )
        found = try Self.warnings(policy)
        #expect(
            found == [
                "114 tool-arguments: for the tool files/read_file, `context.arguments` has no attribute `path`; it has `file`"
            ]
        )
        let everywhere = Self.on(
            #"action in Action::"mcp", resource"#,
            #"context has tool && context.arguments.other == "x""#
        )
        found = try Self.warnings(everywhere)
        #expect(
            found == [
                "91 tool-arguments: for the tools files/delete_file, files/read_file and mail/send, `context.arguments` has no attribute `other`"
            ]
        )
    }

    @Test("what is asked for with has is warned of only if nothing that the policy is about can have it")
    func asked() throws {
        var found: [String]
        // read_file has it.
        let one = #"context has tool && context.arguments has file && context.arguments.file == "x""#
        found = try Self.warnings(Self.on(#"action in Action::"mcp", resource in Connection::"files""#, one))
        #expect(found == [])
        // The tool query may have anything.
        let none = "context.arguments has pth"
        found = try Self.warnings(Self.on(#"action in Action::"mcp", resource in Connection::"files""#, none))
        #expect(found == [])
        found = try Self.warnings(
            Self.on(#"action == Action::"mcp:delete", resource is Tool in Connection::"files""#, none)
        )
        #expect(
            found == [
                "109 tool-arguments: for the tool files/delete_file, `context.arguments` has no attribute `pth`; did you mean `path`?"
            ]
        )
        // A prompt could have it, until it is said that a tool is meant; other connections always could.
        found = try Self.warnings(Self.on(#"action in Action::"mcp", resource in Connection::"mail""#, none))
        #expect(found == [])
        #expect(
            try Self.warnings(
                Self.on(#"action in Action::"mcp", resource in Connection::"mail""#, "context has tool && \(none)")
            ).count == 1
        )
        found = try Self.warnings(Self.on(#"action in Action::"mcp", resource"#, "context has tool && \(none)"))
        #expect(found == [])
    }

    @Test("a tool of which no definition was accepted is warned of, where its connection has others")
    func unknownTools() throws {
        var found: [String]
        let policy = Self.on(#"action in Action::"mcp", resource == Tool::"files/delete_fil""#, "true")
        found = try Self.warnings(policy)
        #expect(
            found == [
                "66 unknown-tool: the policy p names the tool files/delete_fil, and no definition of it was accepted; did you mean delete_file?"
            ]
        )
        let inCondition = Self.on(#"action in Action::"mcp", resource"#, #"resource == Tool::"files/nothing_like_it""#)
        found = try Self.warnings(inCondition)
        #expect(
            found == [
                "83 unknown-tool: the policy p names the tool files/nothing_like_it, and no definition of it was accepted"
            ]
        )
        found = try Self.warnings(Self.on(#"action in Action::"mcp", resource == Tool::"shell/run""#, "true"))
        #expect(found == [])
        found = try Self.warnings(Self.on(#"action in Action::"mcp", resource == Endpoint::"files/x""#, "true"))
        #expect(found == [])
    }

    @Test("a policy about a tool that never does that is warned of, where the configuration says what it does")
    func never() throws {
        var found: [String]
        let other = #"action == Action::"mcp:write", resource == Tool::"files/delete_file""#
        found = try Self.warnings(Self.on(other, "context.arguments.path == \"x\""))
        #expect(
            found == [
                "1 never-applies: the policy p never applies: every call of the tool files/delete_file is mcp:delete"
            ]
        )
        found = try Self.warnings(Self.on(#"action == Action::"mcp:write", resource == Tool::"mail/send""#, "true"))
        #expect(found == [])
        found = try Self.warnings(Self.deleting(#"context.tool == "delete_files""#))
        #expect(
            found == [
                "1 never-applies: the policy p never applies: no call of the tool files/delete_file is as it says"
            ]
        )
    }

    @Test("the environment of a connection is known where the configuration is")
    func environments() throws {
        let connection = Connection(name: Self.files, kind: "mcp", labels: ["env": "prod"])
        let more = Connection(name: Self.mail, kind: "mcp", labels: ["env": "test"])
        let directory = try Directory(agents: [], users: [], connections: [connection, more])
        let policy = Self.on(
            #"action in Action::"mcp", resource in Environment::"test""#,
            "context has tool && context.arguments.to == 1"
        )
        #expect(try Self.warnings(policy, directory).map { $0.contains("mail/send") } == [true, true])
        #expect(try Self.warnings(policy, directory).contains { $0.contains("files/") } == false)
        #expect(try Self.warnings(policy).contains { $0.contains("files/") })
    }

    @Test("the gateway takes a set whatever tools there are")
    func loads() throws {
        _ = try GatedPolicySet(
            parsing: [PolicySource(name: "p", text: Self.deleting("context.arguments.pth == 5"))],
            groups: [],
        )
    }
}
