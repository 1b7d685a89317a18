import ArgumentParser
import CanonicalJSON
import CountersignServer

extension LogCommand {
    /// The command `countersign log entries`.
    struct Entries: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Searches the log, newest first.",
            discussion: """
                All conditions must hold. Kinds, effects and statuses may be several, comma-separated or given several \
                times: any of them.
                """,
        )

        @Option(help: "Only these kinds: approval.decided, for instance.")
        var kind: [String] = []

        @Option(help: "Only about this agent.")
        var agent: String?

        @Option(help: "Only what this user did, was done for them or to their record.")
        var user: String?

        @Option(help: "Only about this connection.")
        var connection: String?

        @Option(
            help: "Only with these effects: read, write, delete, export, privilege, infrastructure, execute, unknown."
        )
        var effect: [String] = []

        @Option(
            help: """
                Only where this became of the action: allowed, denied, pending, approved, redeemed, succeeded, failed, \
                unknown, expired, withdrawn, lapsed, revoked.
                """
        )
        var status: [String] = []

        @Option(help: "Only of this approval.")
        var approval: String?

        @Option(help: "Not before this moment, RFC 3339.")
        var from: String?

        @Option(help: "Before this moment, RFC 3339.")
        var to: String?

        @Option(
            name: .customShort("q"),
            help: "Words that all occur in the entry's values, each where a word begins; upper or lower case.",
        )
        var text: String?

        @Option(help: "At most so many.")
        var limit = 50

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            func any(_ words: [String]) -> String? { words.isEmpty ? nil : words.joined(separator: ",") }
            let query = [
                ("kind", any(kind)), ("agent", agent), ("user", user), ("connection", connection),
                ("effect", any(effect)), ("status", any(status)), ("approval", approval), ("from", from), ("to", to),
                ("q", text),
            ]
            let items = try await access.access().caller().list("/v1/entries", query: query, limit: limit)
            format.print(["items": .array(items)]) {
                let rows = items.map { entry in
                    let action = entry["action"] ?? .null
                    return [
                        String(entry["sequence"]?.integerValue ?? 0), entry.cell("time"), entry.cell("kind"),
                        (entry["actor"] ?? .null).cell("id"), action.cell("name"), action.cell("resource"),
                    ]
                }
                let columns = ["ENTRY", "TIME", "KIND", "ACTOR", "ACTION", "RESOURCE"]
                Output.table(columns, rows, empty: "No entries match.")
            }
        }
    }
}
