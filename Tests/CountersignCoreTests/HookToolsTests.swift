import CanonicalJSON
import CountersignCore
import Testing

@Suite("what a coding agent's tools do", .timeLimit(.minutes(5)))
struct HookToolsTests {
    @Test(
        "built in",
        arguments: [
            ("Read", Effect.read), ("Glob", .read), ("Grep", .read), ("LS", .read), ("NotebookRead", .read),
            ("WebSearch", .read), ("TodoWrite", .read), ("Edit", .write), ("MultiEdit", .write), ("Write", .write),
            ("NotebookEdit", .write), ("Bash", .execute), ("BashOutput", .execute), ("KillShell", .execute),
            ("Task", .execute), ("Agent", .execute), ("mcp__github__get_issue", .unknown), ("Anything", .unknown),
            ("read", .unknown), ("Read ", .unknown), ("", .unknown),
        ],
    )
    func builtIn(tool: String, effect: Effect) {
        #expect(HookTools().effect(of: tool, [:]) == effect)
    }

    @Test(
        "an address that says more than which page is wanted takes data out",
        arguments: [
            ("https://example.com/a", Effect.read), ("https://example.com/a#b", .read),
            ("https://example.com/?q=secret", .export), ("https://me:secret@example.com/", .export), ("", .read),
        ] as [(String, Effect)],
    )
    func addresses(url: String, effect: Effect) {
        #expect(HookTools().effect(of: "WebFetch", ["url": .string(url)]) == effect)
    }

    @Test("an address that is none takes data out")
    func noAddress() {
        #expect(HookTools().effect(of: "WebFetch", [:]) == .export)
        #expect(HookTools().effect(of: "WebFetch", ["url": 7]) == .export)
    }

    @Test("the configuration's first match wins over what is built in")
    func configured() {
        let tools = HookTools(rules: [
            ToolRule(pattern: "mcp__github__delete_*", effect: .delete),
            ToolRule(pattern: "mcp__github__*", effect: .read),
            ToolRule(pattern: "Bash", effect: .infrastructure),
        ])
        #expect(tools.effect(of: "mcp__github__delete_repo", [:]) == .delete)
        #expect(tools.effect(of: "mcp__github__get_issue", [:]) == .read)
        #expect(tools.effect(of: "Bash", [:]) == .infrastructure)
    }

    @Test("the document says tool, arguments and folder, and the effect of the tool")
    func document() {
        let action = HookTools().action(
            agent: AgentID(unchecked: "bot"),
            onBehalfOf: nil,
            connection: ConnectionName(unchecked: "claude-code"),
            tool: "Bash",
            arguments: ["command": "make"],
            folder: "/home/me",
        )
        #expect(action.name == "mcp:execute")
        #expect(action.operations.map(\.resource.id) == ["claude-code/Bash"])
        #expect(action.details["tool"] == "Bash")
        #expect(action.details["cwd"] == "/home/me")
        #expect(action.details["arguments"]?["command"] == "make")
    }
}
