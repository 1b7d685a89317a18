import ArgumentParser
import CanonicalJSON
import CountersignServer

/// The command `countersign approvals`.
struct ApprovalsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approvals",
        abstract: "Lists, shows, decides, comments on and watches approvals.",
        subcommands: [List.self, Show.self, Approve.self, Deny.self, Comment.self, Watch.self],
    )

    /// The command `countersign approvals list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists approvals, newest first.")

        @Option(help: "Only with this status, pending for instance.")
        var status: String?

        @Option(help: "Only of this agent.")
        var agent: String?

        @Option(help: "Only on this connection.")
        var connection: String?

        @Option(help: "At most so many.")
        var limit = 50

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let query = [("status", status), ("agent", agent), ("connection", connection)]
            let items = try await access.access().caller().list("/v1/approvals", query: query, limit: limit)
            format.print(["items": .array(items)]) {
                let rows = items.map { item in
                    [
                        item.cell("id"), item.cell("status"), item.cell("agent"),
                        (item["action"]?["action"] ?? .null).cell("name"), item.cell("resource"),
                        item.cell("requested_at"),
                    ]
                }
                let heading = ["APPROVAL", "STATUS", "AGENT", "ACTION", "RESOURCE", "REQUESTED"]
                Output.table(heading, rows, empty: "There are no approvals.")
            }
        }
    }

    /// The command `countersign approvals show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one approval: who asks, what exactly it will do, which gates stop it."
        )

        @Argument(help: "The approval's id.")
        var id: String

        @Flag(help: "Print how it was decided as an in-toto statement in a DSSE envelope (JSON), signed.")
        var attestation = false

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let path = "/v1/approvals/" + Query.encode(id)
            if attestation {
                return Output.json(try await access.access().caller().value("GET", path + "/attestation"))
            }
            let client = try access.access().caller()
            let value = try await client.value("GET", path)
            // Who may not read tools, or asks for one that is not known any more, sees the rest.
            var tool = JSONValue.null
            if !format.json, let path = ApprovalText.toolPath(of: value) {
                tool = (try? await client.value("GET", path)) ?? .null
            }
            format.print(value) { [tool] in ApprovalText.print(value, tool: tool) }
        }
    }

    /// The command `countersign approvals approve`.
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Approves an action.",
            discussion: "Say who approves: --as USER on the gateway's machine, or --token.",
        )

        @OptionGroup var ballot: BallotOptions

        @Option(help: "Why.")
        var reason = ""

        mutating func run() async throws { try await ballot.cast("approve", reason: reason) }
    }

    /// The command `countersign approvals deny`.
    struct Deny: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Denies an action.",
            discussion: "Say who denies: --as USER on the gateway's machine, or --token.",
        )

        @OptionGroup var ballot: BallotOptions

        @Option(help: "Why; the agent is told.")
        var reason: String

        mutating func run() async throws { try await ballot.cast("deny", reason: reason) }
    }

    /// The command `countersign approvals watch`.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints approvals as they change, until interrupted."
        )

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let isJSON = format.json
            let client = try access.access().caller()
            let refusal = try await client.events("/v1/events") { _, data in
                if isJSON {
                    Output.json(data, isStream: true)
                } else {
                    let name = (data["action"]?["action"] ?? .null).cell("name")
                    let words = [
                        data.cell("id"), data.cell("status"), data.cell("agent"), name, data.cell("resource"),
                    ]
                    Output.line(words.joined(separator: "  "))
                }
                return true
            }
            if let refusal { throw Failure(of: refusal) }
            throw Failure(.unreachable, "the server ended the stream")
        }
    }
}

/// What both decisions take.
struct BallotOptions: ParsableArguments {
    @Argument(help: "The approval's id.")
    var id: String

    @Option(help: "The digest of the action that you saw; refused if it is another one.")
    var digest: String?

    @OptionGroup var access: AccessOptions
    @OptionGroup var format: FormatOptions

    /// Reads the approval and decides on exactly what was read.
    func cast(_ decision: String, reason: String) async throws {
        let access = try access.access()
        guard access.namesUser else {
            throw Failure(.usage, "say who decides: --as USER on the gateway's machine, or --token")
        }
        let client = try access.caller()
        let path = "/v1/approvals/" + Query.encode(id)
        let approval = try await client.value("GET", path)
        var ballot = JSONObject([("decision", .string(decision)), ("reason", .string(reason))])
        ballot["action_digest"] = digest.map { .string($0) } ?? approval["action_digest"]
        ballot["preview_digest"] = approval["preview_digest"]
        let value = try await client.value("POST", path + "/decisions", .object(ballot))
        format.print(value) {
            Output.line("\(value.cell("id")) is \(value.cell("status")).")
            guard value["status"]?.stringValue == "pending" else { return }
            for gate in value["gates"]?.arrayValue ?? [] where gate["met"]?.boolValue == false {
                Output.line("The gate \(gate.cell("policy")) needs \(gate["missing"]?.integerValue ?? 0) more.")
            }
        }
    }
}

/// Shows an approval to a person.
enum ApprovalText {
    /// Where the API has the tool that an approval's action calls; `nil` if it calls none.
    static func toolPath(of value: JSONValue) -> String? {
        let context = value["action"]?["context"]
        guard context?["method"]?.stringValue == "tools/call", let tool = context?["tool"]?.stringValue,
            let connection = value["action"]?["resource"]?["id"]?.stringValue
        else { return nil }
        return "/v1/tools/\(Query.encode(connection))/\(Query.encode(tool))"
    }

    /// Who made a comment, with what they are: an agent may have the name of a person.
    private static func author(of comment: JSONValue) -> String {
        let author = comment["author"] ?? .null
        guard author["type"]?.stringValue == "User" else { return "the agent \(author.cell("id"))" }
        return "the person \(author.cell("id")) through \(author.cell("via"))"
    }

    private static func words(of comment: JSONValue) -> String { Output.quoted(comment["text"]?.stringValue ?? "") }

    /// Prints the three answers: who asks, what exactly it will do, which gates stop it.
    static func print(_ value: JSONValue, tool: JSONValue = .null) {
        func field(_ name: String, _ text: String?) {
            guard let text, !text.isEmpty else { return }
            Output.line("  \(name)" + String(repeating: " ", count: max(1, 14 - name.count)) + Output.safe(text))
        }
        Output.line("\(value.cell("id")) is \(value.cell("status")).\n\n")
        field("asked by", value["agent"]?.stringValue)
        field("owner", value["owner"]?.stringValue)
        field("on behalf of", value["on_behalf_of"]?.stringValue)
        field("from", value["source_address"]?.stringValue)
        field("justification", value["justification"]?.stringValue)
        for comment in value["comments"]?.arrayValue ?? [] {
            field("added by", "\(author(of: comment)) at \(comment.cell("commented_at")), \(words(of: comment))")
        }
        field("asked at", value["requested_at"]?.stringValue)
        field("expires at", value["expires_at"]?.stringValue)
        field("action", value["action"]?["action"]?["name"]?.stringValue)
        field("resource", value["resource"]?.stringValue)
        field("tool", toolPath(of: value) == nil ? nil : value["action"]?["context"]?["tool"]?.stringValue)
        if let words = ToolText.description(of: value["action"] ?? .null, in: tool) {
            field("server says", words)
        }
        if let arguments = toolPath(of: value).flatMap({ _ in value["action"]?["context"]?["arguments"] }) {
            Output.line("  arguments")
            for line in arguments.prettyText().split(separator: "\n") {
                Output.line("    " + Output.safe(String(line)))
            }
        }
        field("digest", value["action_digest"]?.stringValue)
        for gate in value["gates"]?.arrayValue ?? [] {
            let groups = gate["approvers"]?.arrayValue?.compactMap(\.stringValue).joined(separator: ", ") ?? ""
            let missing = gate["missing"]?.integerValue ?? 0
            let state = missing == 0 ? "met" : "\(missing) missing"
            field("gate", "\(gate.cell("policy")) (\(gate.cell("position"))): \(groups); \(state)")
            field("advice", gate["advice"]?.stringValue)
        }
        for decision in value["decisions"]?.arrayValue ?? [] {
            let reason = decision["reason"]?.stringValue.map { $0.isEmpty ? "" : ", \(Output.quoted($0))" } ?? ""
            field(decision.cell("decision"), "\(decision.cell("user")) at \(decision.cell("decided_at"))\(reason)")
        }
        field("outcome", value["outcome"]?["result"]?.stringValue)
        Output.line("\n  the action, exactly:")
        let text = value["action"]?.prettyText() ?? ""
        for line in text.split(separator: "\n") { Output.line("    " + Output.safe(String(line))) }
    }
}
