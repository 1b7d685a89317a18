import ArgumentParser
import CountersignServer

/// The command `countersign channels teams`.
struct ChannelsTeamsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "teams",
        abstract: "Sets up the bot in Microsoft Teams.",
        subcommands: [Manifest.self],
    )

    /// The command `countersign channels teams manifest`.
    struct Manifest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the app package that an administrator of Teams uploads.",
            discussion: """
                The package has the manifest and two icons, and no secret. Upload it in the Teams admin center, "Manage \
                apps", "Upload new app", then add the app to the conversations where approvals are asked for.
                """,
        )

        @Option(help: "The channel's name in the configuration; not needed where there is one of the kind teams.")
        var name: String?

        @Option(help: "Write this file; it must not be there yet.")
        var output = "countersign-teams.zip"

        @Option(help: "The app's version; an update of an app that Teams has wants a higher one.")
        var appVersion = Product.version

        @OptionGroup var configuration: ConfigurationOptions

        mutating func run() async throws {
            let archive: [UInt8]
            do {
                archive = try TeamsSetup.package(try configuration.load(), channel: name, version: appVersion)
            } catch let error as StartupError {
                throw ValidationError("\(error)")
            }
            guard try LocalFile.create(output, bytes: archive) else {
                throw ValidationError("\(output) is there already; name another file with --output")
            }
            Output.error("The app package is in \(output).")
        }
    }
}
