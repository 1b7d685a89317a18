import ArgumentParser
import CountersignServer

/// The command line of the product.
@main
struct CountersignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "countersign",
        abstract: "A gateway that holds AI agents' sensitive actions until humans approve them.",
        discussion: """
            Exit codes:
              0  done, or allowed
              1  failed, or denied
              2  the command line, the configuration or the policies are wrong
              3  the server cannot be reached
              4  there is no such thing, a receipt does not verify, or the log is not sound (log fsck)
              5  not allowed
              6  it does not fit the present state: decided already, another digest, expired
              7  held: policy wants a human's approval (policy evaluate)
            """,
        version: Product.version,
        subcommands: [
            ServeCommand.self, SampleAPICommand.self, ApprovalsCommand.self, AgentCommand.self, UserCommand.self,
            KeyCommand.self, ToolsCommand.self, PolicyCommand.self, LogCommand.self, VerifyCommand.self,
            DoctorCommand.self, WitnessCommand.self, MCPCommand.self, MCPStdioCommand.self, HookCommand.self,
            ChannelsCommand.self,
        ],
    )

    /// Runs, and turns whatever goes wrong into one message and an exit code of the list above.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(with: error)
        }
    }
}
