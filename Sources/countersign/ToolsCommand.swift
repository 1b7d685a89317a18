import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The command `countersign tools`.
struct ToolsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tools",
        abstract: "Lists, shows and accepts the definitions of MCP servers' tools.",
        subcommands: [List.self, Show.self, Accept.self],
    )

    /// The command `countersign tools list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists tools, and how their definitions stand.",
            discussion: """
                What --definitions --json prints is what policies are checked against without a server:
                  countersign tools list --definitions --json > tools.json
                  countersign policy check --tools tools.json
                """,
        )

        @Option(help: "Only of this connection.")
        var connection: String?

        @Option(help: "Only those that stand so: accepted, new, changed, gone, unseen.")
        var status: String?

        @Option(help: "At most so many; 200 if not given, with --definitions all.")
        var limit: Int?

        @Flag(help: "With --json: all definitions that were accepted and that servers list.")
        var definitions = false

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func validate() throws {
            guard definitions else { return }
            guard format.json else { throw ValidationError("--definitions are for programs: say --json, too") }
            // Who checks policies against a part takes the rest for missing.
            guard status == nil, limit == nil else {
                throw ValidationError("--definitions are of all tools of a connection: leave --status and --limit out")
            }
        }

        mutating func run() async throws {
            let whole = definitions ? "true" : nil
            let query = [("connection", connection), ("status", status), ("definitions", whole)]
            let limit = limit ?? (definitions ? Int.max : 200)
            let items = try await access.access().caller().list("/v1/tools", query: query, limit: limit)
            format.print(["items": .array(items)]) {
                let rows = items.map { item in
                    [
                        item.cell("connection"), item.cell("tool"), item.cell("status"),
                        (item["accepted"]?["by"] ?? .null).cell("id"), (item["listed"] ?? .null).cell("digest"),
                    ]
                }
                let heading = ["CONNECTION", "TOOL", "STATUS", "ACCEPTED BY", "DIGEST"]
                Output.table(heading, rows, empty: "No server has listed tools.")
            }
        }
    }

    /// The command `countersign tools show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a tool's definition, and what has changed since it was accepted."
        )

        @OptionGroup var tool: ToolOptions

        mutating func run() async throws {
            let value = try await tool.access.access().caller().value("GET", tool.path)
            tool.format.print(value) { ToolText.print(value) }
        }
    }

    /// The command `countersign tools accept`.
    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accepts the definition that the server lists now.",
            discussion:
                "Say who accepts: --as USER on the gateway's machine, or --token; else the local administrator does.",
        )

        @OptionGroup var tool: ToolOptions

        @Option(help: "The digest of the definition that you saw; refused if the server lists another one.")
        var digest: String?

        @Flag(help: "Do not ask whether it is meant.")
        var yes = false

        mutating func run() async throws {
            let client = try tool.access.access().caller()
            let seen = try await client.value("GET", tool.path)
            if digest == nil {
                if !tool.format.json { ToolText.print(seen) }
                try confirm()
            }
            guard let digest = digest ?? seen["listed"]?["digest"]?.stringValue else {
                throw Failure(.conflict, "the server does not list this tool now, so there is nothing to accept")
            }
            let value = try await client.value("POST", tool.path + "/accept", ["digest": .string(digest)])
            tool.format.print(value) {
                Output.line(
                    "The definition \(digest) of \(Output.safe(tool.connection))/\(Output.safe(tool.tool)) is accepted."
                )
            }
        }

        /// Asks on a terminal; a script names the digest that somebody has seen, or says --yes.
        private func confirm() throws {
            guard !yes else { return }
            guard isatty(0) == 1 else { throw Failure(.usage, "name the --digest that you saw, or say --yes") }
            Output.error("\nAgents will see this definition. Type yes to accept it: ")
            guard readLine() == "yes" else { throw Failure(.failed, "nothing was accepted") }
        }
    }
}

/// What names a tool.
struct ToolOptions: ParsableArguments {
    @Argument(help: "The connection's name.")
    var connection: String

    @Argument(help: "The tool's name.")
    var tool: String

    @OptionGroup var access: AccessOptions
    @OptionGroup var format: FormatOptions

    /// Its path in the API.
    var path: String { "/v1/tools/\(Query.encode(connection))/\(Query.encode(tool))" }
}

/// Shows a tool to a person.
enum ToolText {
    /// Prints how it stands, and its definition; of a changed one, the difference.
    static func print(_ value: JSONValue) {
        Output.line("\(value.cell("connection"))/\(value.cell("tool")) is \(value.cell("status")).")
        if let accepted = value["accepted"], !accepted.isNull {
            let by =
                accepted["by"]?["type"] == "System" ? "the gateway, at first use" : (accepted["by"] ?? .null).cell("id")
            Output.line("  accepted by \(by) at \(accepted.cell("at")), digest \(accepted.cell("digest"))")
        }
        if let listed = value["listed"], !listed.isNull {
            Output.line("  listed with the digest \(listed.cell("digest"))")
            for warning in listed["warnings"]?.arrayValue ?? [] {
                Output.line("  hidden: \(Output.safe(warning.stringValue ?? ""))")
            }
        }
        Output.line("\n  the definition, in the server's words:")
        let old = value["accepted"]?["definition"]?.stringValue.map(pretty)
        let new = value["listed"]?["definition"]?.stringValue.map(pretty)
        let isChanged = value["status"]?.stringValue == "changed"
        for line in LineDifference.lines(from: (isChanged ? old : new ?? old) ?? "", to: new ?? old ?? "") {
            let mark =
                switch line.kind {
                case .kept: " "
                case .removed: "-"
                case .added: "+"
                }
            Output.line("  \(mark) " + Output.safe(line.text))
        }
    }

    /// The description of the tool that an action calls, as its server words it; `nil` if nobody knows it any more.
    static func description(of action: JSONValue, in tool: JSONValue) -> String? {
        let digest = action["context"]?["definition"]?.stringValue
        let definition = [tool["listed"], tool["accepted"]].first { $0?["digest"]?.stringValue == digest }
        let value = definition??["definition"]?.stringValue.flatMap { try? JSONParser.parse($0, limits: limits) }
        return value?["description"]?.stringValue
    }

    private static let limits = JSONLimits(maxDepth: 128, allowsNoncharacters: true)

    private static func pretty(_ text: String) -> String {
        (try? JSONParser.parse(text, limits: limits))?.prettyText() ?? text
    }
}
