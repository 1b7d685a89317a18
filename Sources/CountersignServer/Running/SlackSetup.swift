package import CanonicalJSON
import CountersignCards
import CountersignCore

/// What an operator needs to set up a Slack app.
package enum SlackSetup {
    /// The manifest of the app that a channel needs.
    package static func manifest(
        _ configuration: Configuration,
        channel: String,
        usesSocket: Bool,
    ) throws -> JSONValue {
        guard let name = ChannelName(channel) else {
            throw StartupError("\"\(channel)\" cannot be a channel's name: letters, digits, - and _")
        }
        let url = configuration.publicURL
        guard usesSocket || url.utf8.starts(with: "https://".utf8) else {
            throw StartupError(
                "Slack calls https:// addresses only, and public_url is \(url); set it, or use Socket Mode (--socket)"
            )
        }
        return SlackManifest(publicURL: url, channel: name.rawValue, usesSocket: usesSocket).json
    }
}
