import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

extension UserCommand {
    /// The command `countersign user link`.
    struct Link: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Links an account in a chat to a user; without an account, prints a sign-in link.",
            discussion: """
                With an account, what is pressed and written under it in the chat is the user's:
                  countersign user link alice@example.com slack:T0123/U0456
                  countersign user link alice@example.com teams:TENANT-ID/OBJECT-ID
                Without one, the printed link signs the user in to the dashboard, once.
                """,
        )

        @Argument(help: "The user's id.")
        var id: String

        @Argument(help: "The account: slack:WORKSPACE/MEMBER, or teams:TENANT/OBJECT-ID.")
        var account: String?

        @Option(help: "How long a sign-in link lives, at most 24h; 1h if not given.")
        var ttl: String?

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func validate() throws {
            if account != nil {
                guard ttl == nil else {
                    throw ValidationError("--ttl is of sign-in links: leave it or the account out")
                }
            } else if access.url != nil || access.token != nil || access.user != nil {
                throw ValidationError(
                    "a sign-in link is made with the data folder's key: leave --url, --token and --as out"
                )
            }
        }

        mutating func run() async throws {
            guard let account else { return try printSignInLink() }
            let value: JSONValue = ["account": .string(account), "user": .string(id)]
            let made = try await IdentityCalls.with(try access.access()) { try await $0.put(.links, value) }
            format.print(made) {
                Output.line("The account \(Output.safe(account)) is \(Output.safe(id)) from now on.")
            }
        }

        private func printSignInLink() throws {
            let access = try ControlAccess(configuration: access.configuration.load(), url: nil, token: nil, user: nil)
            let link = try access.link(id, life: try Life.parse(ttl ?? "1h"))
            format.print(["link": .string(link)]) { Output.line(link) }
        }
    }

    /// The command `countersign user unlink`.
    struct Unlink: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an account in a chat nobody's; what is pressed under it is refused.",
            discussion: """
                It stays so until `countersign user link` makes the account somebody's: its address does not. Nor does an \
                address link another account of the workspace or tenant to the user whose it was.
                """,
        )

        @Argument(help: "The account: slack:WORKSPACE/MEMBER, or teams:TENANT/OBJECT-ID.")
        var account: String

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let account = account
            try await IdentityCalls.with(try access.access()) { try await $0.remove(.links, account) }
            format.print(["unlinked": .string(account)]) {
                Output.line("The account \(Output.safe(account)) is nobody's any more.")
            }
        }
    }

    /// The command `countersign user links`.
    struct Links: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the accounts in chats that are users or were.")

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let items = try await IdentityCalls.with(try access.access()) { try await $0.list(.links) }
            format.print(["items": .array(items)]) {
                let rows = items.map { [$0.cell("account"), Self.user(of: $0), $0.cell("by"), $0.cell("made_at")] }
                Output.table(["ACCOUNT", "USER", "BY", "MADE"], rows, empty: "No account is linked.")
            }
        }

        private static func user(of link: JSONValue) -> String {
            let isUnlinked = link["unlinked_from"]?.stringValue != nil
            return isUnlinked ? "nobody, unlinked from \(link.cell("unlinked_from"))" : link.cell("user")
        }
    }
}
