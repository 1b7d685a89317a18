import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

/// The command `countersign channels`.
struct ChannelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channels",
        abstract: "Shows how channels stand and what they tell, sends notices again, and prints what their apps need.",
        subcommands: [
            Status.self,
            Notices.self,
            Replay.self,
            ChannelsEnableCommand.self,
            ChannelsWebhookCommand.self,
            ChannelsSlackCommand.self,
            ChannelsTeamsCommand.self,
        ],
    )

    /// The command `countersign channels status`.
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists channels: how each stands, what waits for it and what has failed.",
            discussion: """
                States: ok; waiting: something is due; failing: the latest attempt failed, and the next is made by \
                itself; unconfigured: notices are kept for a channel that the configuration does not name.
                """,
        )

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let items = try await access.access().caller().value("GET", "/v1/channels")["items"]?.arrayValue ?? []
            format.print(["items": .array(items)]) {
                let rows = items.map { item in
                    [
                        item.cell("name"), item.cell("kind"), item.cell("state"), item.count("due"),
                        item.count("scheduled"), item.count("failed"), item.count("delivered"),
                        item.cell("oldest_due_at"), item.cell("trouble"),
                    ]
                }
                let heading = ["CHANNEL", "KIND", "STATE", "DUE", "LATER", "FAILED", "DELIVERED", "OLDEST", "TROUBLE"]
                Output.table(heading, rows, empty: "No channel is configured.")
            }
        }
    }

    /// The command `countersign channels notices`.
    struct Notices: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists notices, newest first: who was told of an approval, where, when and why."
        )

        @Option(help: "Only of this channel.")
        var channel: String?

        @Option(help: "Only about this approval.")
        var approval: String?

        @Option(help: "Only in this state: waiting, sending, delivered, dropped, failed.")
        var state: String?

        @Option(help: "At most so many.")
        var limit = 50

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit is at least 1") }
        }

        mutating func run() async throws {
            let query = [("channel", channel), ("approval", approval), ("state", state)]
            let items = try await access.access().caller().list("/v1/notices", query: query, limit: limit)
            format.print(["items": .array(items)]) {
                let rows = items.map { item in
                    [
                        item.count("number"), item.cell("channel"), Self.shortened(item.cell("address")),
                        item.cell("cause"), item.cell("state"), item.count("tries"), item.cell("due_at"),
                        item.cell("approval"), item.cell("trouble"),
                    ]
                }
                let heading = ["NUMBER", "CHANNEL", "TO", "CAUSE", "STATE", "TRIES", "DUE", "APPROVAL", "TROUBLE"]
                Output.table(heading, rows, empty: "There are no such notices.")
            }
        }

        private static func shortened(_ text: String) -> String {
            if text.isEmpty { return "-" }
            return text.unicodeScalars.count <= 40 ? text : String(text.unicodeScalars.prefix(39)) + "…"
        }
    }

    /// The command `countersign channels replay`.
    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends notices again that were delivered or have failed.",
            discussion: """
                Each has an entry notice.replayed. A question that is settled by now is not asked again: its notice is \
                dropped. The local administrator and the groups of notices.replayers may do it.
                """,
        )

        @Argument(help: "The notices' numbers.")
        var numbers: [Int64] = []

        @Flag(help: "All that have failed, at most 200.")
        var failed = false

        @Option(help: "With --failed: only of this channel.")
        var channel: String?

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func validate() throws {
            guard numbers.isEmpty == failed else {
                throw ValidationError("name numbers or say --failed, one of the two")
            }
            guard channel == nil || failed else { throw ValidationError("--channel goes with --failed") }
            guard numbers.allSatisfy({ $0 > 0 }) else { throw ValidationError("a notice's number is at least 1") }
        }

        mutating func run() async throws {
            let client = try access.access().caller()
            var numbers = numbers
            if failed {
                let query = [("channel", channel), ("state", "failed")]
                let items = try await client.list("/v1/notices", query: query, limit: 200)
                // The oldest first, as they were made.
                numbers = items.compactMap { $0["number"]?.integerValue }.reversed()
            }
            if !format.json, numbers.isEmpty { Output.line("No notice has failed.") }
            var replayed = [JSONValue]()
            var refused = false
            for number in numbers {
                do {
                    let value = try await client.value("POST", "/v1/notices/\(number)/replay")
                    replayed.append(value)
                    if !format.json { Output.line("The notice \(number) goes to \(value.cell("channel")) again.") }
                } catch let failure as Failure where numbers.count > 1 {
                    // One that cannot be sent again must not keep the others.
                    refused = true
                    Output.error("The notice \(number): \(failure.message)")
                }
            }
            if format.json { Output.json(["items": .array(replayed)]) }
            if refused { throw ExitCode(1) }
        }
    }
}

extension JSONValue {
    /// A member's whole number for a table; `-` if there is none.
    fileprivate func count(_ key: String) -> String { self[key]?.integerValue.map { String($0) } ?? "-" }
}
