import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

/// The command `countersign log`.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Looks into the log.",
        subcommands: [Key.self, Checkpoint.self, Entries.self, Export.self, Fsck.self, Erase.self],
    )

    /// The command `countersign log key`.
    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the log's verifier key, which receipts are verified with."
        )

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let access = try access.access()
            var key: String?
            if !access.isServerNamed { key = try access.verifierKey() }
            if key == nil {
                let answer = try await access.anyone().send("GET", "/log/key")
                guard answer.isSuccess else { throw Failure(of: answer) }
                key = String(decoding: answer.body.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            }
            let text = key ?? ""
            format.print(["key": .string(text)]) { Output.line(text) }
        }
    }

    /// The command `countersign log checkpoint`.
    struct Checkpoint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints the log's signed head.")

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let answer = try await access.access().anyone().send("GET", "/log/checkpoint")
            guard answer.isSuccess else { throw Failure(of: answer) }
            let text = String(decoding: answer.body, as: UTF8.self)
            format.print(["checkpoint": .string(text)]) { Output.line(text) }
        }
    }

    /// The command `countersign log entries`.
    struct Entries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Searches the log, newest first.")

        @Option(help: "Only these kinds, comma-separated: approval.decided, for instance.")
        var kind: String?

        @Option(help: "Only about this agent.")
        var agent: String?

        @Option(help: "Only of this approval.")
        var approval: String?

        @Option(help: "Not before this moment, RFC 3339.")
        var from: String?

        @Option(help: "Before this moment, RFC 3339.")
        var to: String?

        @Option(name: .customShort("q"), help: "Text that occurs in the entry.")
        var text: String?

        @Option(help: "At most so many.")
        var limit = 50

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let query = [
                ("kind", kind), ("agent", agent), ("approval", approval), ("from", from), ("to", to), ("q", text),
            ]
            let items = try await access.access().caller().list("/v1/entries", query: query, limit: limit)
            format.print(["items": .array(items)]) {
                let rows = items.map { entry in
                    [
                        String(entry["sequence"]?.integerValue ?? 0), entry.cell("time"), entry.cell("kind"),
                        (entry["actor"] ?? .null).cell("id"), (entry["action"] ?? .null).cell("resource"),
                    ]
                }
                Output.table(["ENTRY", "TIME", "KIND", "ACTOR", "RESOURCE"], rows, empty: "No entries match.")
            }
        }
    }

    /// The command `countersign log export`.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints every judged action with its document, one JSON object a line, oldest first.",
            discussion: """
                Reads the data folder's ledger beside the running server, and changes nothing. A line has the entry, which \
                is in the log, and the action's document, which is beside it; `countersign policy diff --against` takes \
                the lines elsewhere. They hold what agents sent: keep them as you keep the ledger.
                """,
        )

        @OptionGroup var filter: RecordFilterOptions
        @OptionGroup var configuration: ConfigurationOptions

        mutating func run() async throws {
            let configuration = try configuration.load(withSecrets: false)
            let records = try ActionRecords(path: configuration.data, configuration: configuration)
            try records.export(try filter.filter()) { Output.json($0, isStream: true) }
        }
    }
}

/// Which recorded actions are wanted.
struct RecordFilterOptions: ParsableArguments {
    @Option(help: "Only this agent's.")
    var agent: String?

    @Option(help: "Not before this moment, RFC 3339.")
    var from: String?

    @Option(help: "Before this moment, RFC 3339.")
    var to: String?

    /// The filter.
    func filter() throws -> ActionRecords.Filter {
        func moment(_ name: String, _ text: String?) throws -> Timestamp? {
            guard let text else { return nil }
            guard let time = Timestamp(rfc3339: text) else {
                throw ValidationError("--\(name) \(text) is not a time such as 2026-07-01T12:00:00Z")
            }
            return time
        }
        let name = try agent.map { text in
            guard let id = AgentID(text) else { throw ValidationError("--agent \(text) is not an agent's id") }
            return id
        }
        return ActionRecords.Filter(agent: name, from: try moment("from", from), to: try moment("to", to))
    }
}
