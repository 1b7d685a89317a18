/// The name of a configured channel: `slack`, `dba-mail`.
package struct ChannelName: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes a name from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    /// 63 bytes, as a DNS label.
    package static var maximumLength: Int { 63 }
    /// Letters, digits, `-` and `_`: it is a segment of a path.
    package static func allows(_ byte: UInt8) -> Bool { ConnectionName.allows(byte) }
}

/// What kind of channel it is.
package enum ChannelKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// A Slack app.
    case slack
    /// A bot in Microsoft Teams.
    case teams
    /// A Workflows webhook of Microsoft Teams, which only notifies.
    case workflows
    /// Standard Webhooks to a program.
    case webhook
    /// E-mail.
    case email
}

/// A place where a channel can put a notice.
package struct Destination: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// The channel.
    package let channel: ChannelName
    /// The place in the channel's own words: a Slack conversation, a mailbox; empty where a channel has one place only.
    package let address: String

    /// The longest address, in bytes, where a channel does not say otherwise.
    package static let maximumAddress = 512

    /// Names a place.
    package init(channel: ChannelName, address: String = "") {
        self.channel = channel
        self.address = address
    }

    /// `slack C0123`.
    package var description: String { address.isEmpty ? channel.rawValue : "\(channel) \(address)" }

    /// By channel, then address.
    package static func < (left: Destination, right: Destination) -> Bool {
        (left.channel, left.address) < (right.channel, right.address)
    }
}
