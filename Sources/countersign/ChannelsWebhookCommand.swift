import ArgumentParser
import CanonicalJSON
import CountersignCore
import CountersignServer

/// The command `countersign channels webhook`.
struct ChannelsWebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook",
        abstract: "Makes what webhooks need.",
        subcommands: [Secret.self],
    )

    /// The command `countersign channels webhook secret`.
    struct Secret: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a new secret, which signs webhooks.",
            discussion: """
                It is printed and kept nowhere: put it where the configuration's reference points to (env:NAME or \
                file:PATH), and give it to the receiver. To change one, put the new secret before the old in `secrets`, \
                give it to the receiver, and take the old one away. With --ed25519 the receiver gets the public key, which \
                is printed in the second line.
                """,
        )

        @Flag(help: "Makes an Ed25519 key (v1a), of which the receiver only needs the public half.")
        var ed25519 = false

        @OptionGroup var format: FormatOptions

        mutating func run() async throws {
            if ed25519 {
                let (secret, publicKey) = try WebhookSecret.makeSigning()
                return format.print(["public_key": .string(publicKey), "secret": .string(secret)]) {
                    Output.line(secret)
                    Output.line(publicKey)
                }
            }
            let secret = WebhookSecret.make()
            format.print(["secret": .string(secret)]) { Output.line(secret) }
        }
    }
}

/// The command `countersign channels enable`.
struct ChannelsEnableCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Uses a channel again that its receiver switched off.",
        discussion: """
            A receiver of webhooks that answers 410 is left alone. What it was not told in the meantime has failed, and is \
            sent again by `countersign channels replay`. It has an entry channel.changed.
            """,
    )

    @Argument(help: "The channel's name.")
    var name: String

    @OptionGroup var access: AccessOptions
    @OptionGroup var format: FormatOptions

    mutating func run() async throws {
        let client = try access.access().administrator()
        let value = try await client.value("POST", "/v1/channels/\(PercentCoding.encode(name))/enable")
        let name = name
        format.print(value) { Output.line("The channel \(Output.safe(name)) is used again.") }
    }
}
