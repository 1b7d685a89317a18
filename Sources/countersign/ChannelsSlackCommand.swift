import ArgumentParser
import CanonicalJSON
import CountersignServer

/// The command `countersign channels slack`.
struct ChannelsSlackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slack",
        abstract: "Sets up a Slack app.",
        subcommands: [Manifest.self],
    )

    /// The command `countersign channels slack manifest`.
    struct Manifest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints the manifest of the Slack app that a channel needs.",
            discussion: """
                Paste it at https://api.slack.com/apps, "Create New App", "From a manifest". It names public_url of the \
                configuration, which Slack must reach; with --socket Slack needs to reach nothing.
                """,
        )

        @Option(help: "The channel's name in the configuration.")
        var name = "slack"

        @Flag(help: "For Socket Mode: the gateway opens the connection, and needs no address that Slack can reach.")
        var socket = false

        @OptionGroup var configuration: ConfigurationOptions

        mutating func run() async throws {
            let configuration = try configuration.load()
            do {
                let manifest = try SlackSetup.manifest(configuration, channel: name, usesSocket: socket)
                Output.line(manifest.prettyText())
            } catch let error as StartupError {
                throw ValidationError("\(error)")
            }
        }
    }
}
