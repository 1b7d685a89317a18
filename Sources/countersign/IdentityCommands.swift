import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

/// The command `countersign agent`.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Makes, lists and revokes agents.",
        subcommands: [Add.self, List.self, Revoke.self],
    )

    /// The command `countersign agent add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an agent, or changes one that was made by command, and prints a key for a new one."
        )

        @Argument(help: "The agent's id.")
        var id: String

        @Option(help: "The human who answers for it.")
        var owner: String?

        @Option(help: "A group; may be repeated.")
        var group: [String] = []

        @Option(help: "A human for whom it may act; may be repeated. Any user if not given.")
        var onBehalfOf: [String] = []

        @Flag(help: "Do not make a key.")
        var noKey = false

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            var agent = JSONObject([("groups", .array(group.map { .string($0) })), ("id", .string(id))])
            if let owner { agent["owner"] = .string(owner) }
            if !onBehalfOf.isEmpty { agent["acts_for"] = .array(onBehalfOf.map { .string($0) }) }
            let (id, noKey, value) = (id, noKey, JSONValue.object(agent))
            let made = try await IdentityCalls.with(try access.access()) { calls in
                let isNew = try await calls.list(.agents).contains { $0["id"]?.stringValue == id } == false
                var made = JSONObject([("agent", try await calls.put(.agents, value))])
                if isNew, !noKey {
                    let key = try await calls.makeKey(agent: id, expiresIn: nil)
                    made["key"] = key["key"]
                    made["secret"] = key["secret"]
                }
                return JSONValue.object(made)
            }
            format.print(made) {
                Output.line("The agent \(Output.safe(id)) is in force.")
                KeyCommand.tell(made["secret"]?.stringValue)
            }
        }
    }

    /// The command `countersign agent list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists agents.")

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let items = try await IdentityCalls.with(try access.access()) { try await $0.list(.agents) }
            format.print(["items": .array(items)]) {
                let rows = items.map { item in
                    [item.cell("id"), item.cell("owner"), IdentityCalls.names(item["groups"])]
                }
                Output.table(["AGENT", "OWNER", "GROUPS"], rows, empty: "There are no agents.")
            }
        }
    }

    /// The command `countersign agent revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes an agent and its keys.",
            aliases: ["remove"],
        )

        @Argument(help: "The agent's id.")
        var id: String

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let id = id
            try await IdentityCalls.with(try access.access()) { try await $0.remove(.agents, id) }
            format.print(["removed": .string(id)]) {
                Output.line("The agent \(Output.safe(id)) is gone, and its keys.")
            }
        }
    }
}

/// The command `countersign user`.
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "Makes, lists and removes users, links their accounts in chats, and prints tokens and sign-in links.",
        subcommands: [Add.self, List.self, Remove.self, Token.self, Link.self, Unlink.self, Links.self],
    )

    /// The command `countersign user add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a user, or changes one who was made by command."
        )

        @Argument(help: "The user's id, an e-mail address mostly.")
        var id: String

        @Option(help: "A group; may be repeated.")
        var group: [String] = []

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let user = JSONObject([("groups", .array(group.map { .string($0) })), ("id", .string(id))])
            let value = try await IdentityCalls.with(try access.access()) { try await $0.put(.users, .object(user)) }
            format.print(value) { Output.line("The user \(Output.safe(id)) is in force.") }
        }
    }

    /// The command `countersign user list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists users.")

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let items = try await IdentityCalls.with(try access.access()) { try await $0.list(.users) }
            format.print(["items": .array(items)]) {
                let rows = items.map { [$0.cell("id"), IdentityCalls.names($0["groups"])] }
                Output.table(["USER", "GROUPS"], rows, empty: "There are no users.")
            }
        }
    }

    /// The command `countersign user remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes a user and ends their sessions.",
            aliases: ["revoke"],
        )

        @Argument(help: "The user's id.")
        var id: String

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let id = id
            try await IdentityCalls.with(try access.access()) { try await $0.remove(.users, id) }
            format.print(["removed": .string(id)]) { Output.line("The user \(Output.safe(id)) is gone.") }
        }
    }

    /// The command `countersign user token`.
    struct Token: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a short-lived bearer token for a user, signed with the data folder's key."
        )

        @Argument(help: "The user's id.")
        var id: String

        @Option(help: "How long it lives, at most 24h.")
        var ttl = "10m"

        @Flag(help: "The token may also change agents, users and keys.")
        var admin = false

        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let access = try ControlAccess(configuration: configuration.load(), url: nil, token: nil, user: nil)
            let token = try access.mint(id, isLocalAdministrator: admin, life: try Life.parse(ttl))
            format.print(["token": .string(token)]) { Output.line(token) }
        }
    }
}

/// The command `countersign key`.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Makes, lists and revokes agents' keys.",
        subcommands: [Add.self, List.self, Revoke.self],
    )

    /// The command `countersign key add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a key for an agent; it is shown once.")

        @Option(help: "The agent's id.")
        var agent: String

        @Option(help: "When it ends by itself: 12h, 30d. Never if not given.")
        var expires: String?

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let (agent, expires) = (agent, expires)
            let made = try await IdentityCalls.with(try access.access()) {
                try await $0.makeKey(agent: agent, expiresIn: expires)
            }
            format.print(made) { KeyCommand.tell(made["secret"]?.stringValue) }
        }
    }

    /// The command `countersign key list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists keys, without their secrets.")

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let items = try await IdentityCalls.with(try access.access()) { try await $0.list(.keys) }
            format.print(["items": .array(items)]) {
                let rows = items.map { item in
                    [
                        item.cell("id"), item.cell("agent"), item.cell("prefix") + "…", item.cell("created_at"),
                        item.cell("expires_at"), item.cell("revoked_at"),
                    ]
                }
                Output.table(["KEY", "AGENT", "BEGINS", "MADE", "ENDS", "REVOKED"], rows, empty: "There are no keys.")
            }
        }
    }

    /// The command `countersign key revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revokes a key.")

        @Argument(help: "The key's id, key_….")
        var id: String

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let id = id
            try await IdentityCalls.with(try access.access()) { try await $0.remove(.keys, id) }
            format.print(["revoked": .string(id)]) { Output.line("The key \(Output.safe(id)) no longer works.") }
        }
    }

    /// Prints a new key for a person.
    static func tell(_ secret: String?) {
        guard let secret else { return }
        Output.line("Its key, which is not shown again:\n\n  \(secret)")
    }
}

/// Lives of tokens and links.
enum Life {
    /// Reads a duration of at most a day.
    static func parse(_ text: String) throws -> Duration {
        guard let life = Duration(text: text), life >= .seconds(1), life <= .seconds(24 * 3600) else {
            throw ValidationError("--ttl is a duration of at most 24h: 90s, 10m, 8h")
        }
        return life
    }
}
