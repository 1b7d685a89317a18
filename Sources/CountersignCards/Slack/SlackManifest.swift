package import CanonicalJSON
import CountersignCore

/// The manifest of the Slack app that a channel needs: paste it into "Create an app, From a manifest".
package struct SlackManifest: Hashable, Sendable {
    /// The base of the addresses that Slack calls.
    package let publicURL: String
    /// The channel's name in the configuration.
    package let channel: String
    /// Whether Slack calls nobody, and we open the connection.
    package let usesSocket: Bool

    /// The rights of the app, and why it needs each.
    package static let scopes: [(name: String, why: String)] = [
        ("channels:history", "to find a card again after a crash, and to take replies below it as comments"),
        ("chat:write", "to post cards and to correct them"),
        ("commands", "for /countersign"),
        ("groups:history", "as channels:history, in private channels"),
        ("im:history", "as channels:history, in direct messages"),
        ("im:write", "to write to a person who is named in a route"),
        ("mpim:history", "as channels:history, in group direct messages"),
        ("users:read", "to ask whether an account is closed, a bot or a guest"),
        ("users:read.email", "for the first match of an account by its address"),
    ]

    /// Makes the manifest of one channel.
    package init(publicURL: String, channel: String, usesSocket: Bool) {
        self.publicURL = publicURL.utf8.last == UInt8(ascii: "/") ? String(publicURL.dropLast()) : publicURL
        self.channel = channel
        self.usesSocket = usesSocket
    }

    /// The manifest, in version 1 of Slack's form.
    package var json: JSONValue {
        var command: JSONObject = [
            "command": "/countersign", "description": "What waits for my decision", "should_escape": true,
        ]
        var events: JSONObject = ["bot_events": ["message.channels", "message.groups", "message.im", "message.mpim"]]
        var interactivity: JSONObject = ["is_enabled": true]
        if !usesSocket {
            command["url"] = .string(address("commands"))
            events["request_url"] = .string(address("events"))
            interactivity["request_url"] = .string(address("interactions"))
        }
        return [
            "_metadata": ["major_version": 1, "minor_version": 1],
            "display_information": [
                "background_color": "#1a2a44",
                "description": "Holds AI agents' sensitive actions until people approve them.",
                "name": "Countersign",
            ],
            "features": [
                "app_home": [
                    "home_tab_enabled": false, "messages_tab_enabled": true,
                    "messages_tab_read_only_enabled": false,
                ],
                "bot_user": ["always_online": true, "display_name": "Countersign"],
                "slash_commands": [.object(command)],
            ],
            "oauth_config": ["scopes": ["bot": .array(Self.scopes.map { .string($0.name) })]],
            "settings": [
                "event_subscriptions": .object(events), "interactivity": .object(interactivity),
                "org_deploy_enabled": false, "socket_mode_enabled": .bool(usesSocket),
                "token_rotation_enabled": false,
            ],
        ]
    }

    private func address(_ endpoint: String) -> String { "\(publicURL)/channels/\(channel)/\(endpoint)" }
}
