import ArgumentParser
import CanonicalJSON
import CountersignServer

extension ApprovalsCommand {
    /// The command `countersign approvals comment`.
    struct Comment: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Asks or tells something on an approval; it decides nothing.",
            discussion: "Say who speaks: --as USER on the gateway's machine, or --token.",
        )

        @Argument(help: "The approval's id.")
        var id: String

        @Argument(help: "The words, 1,000 characters at most; the agent and everybody who decides can read them.")
        var text: String

        @OptionGroup var access: AccessOptions
        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            let access = try access.access()
            guard access.namesUser else {
                throw Failure(.usage, "say who speaks: --as USER on the gateway's machine, or --token")
            }
            let path = "/v1/approvals/\(Query.encode(id))/comments"
            let value = try await access.caller().value("POST", path, ["text": .string(text)])
            format.print(value) {
                Output.line("The comment is with \(value.cell("id")), which is \(value.cell("status")).")
            }
        }
    }
}
