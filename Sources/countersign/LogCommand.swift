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
