package import CountersignCards
package import CountersignCore

/// What a Slack channel needs to know.
package struct SlackSettings: Sendable {
    /// The channel's name.
    package let name: ChannelName
    /// The app's id, `A…`: what Slack sends for another app is refused.
    package let app: String
    /// The workspace's id, `T…`, if the configuration pins it; else the one in which the token was given.
    package let team: String?
    /// The bot's token, `xoxb-…`.
    package let token: String
    /// Checks what comes over HTTP; `nil` if nothing may.
    package let signature: SlackSignature?
    /// The app's own token, `xapp-…`, with which a socket is opened; `nil` without Socket Mode.
    package let appToken: String?
    /// Whether an account that nobody linked may be matched by its address, once.
    package let matchesEmail: Bool
    /// How many cards may begin each second in one conversation.
    package let perSecond: Double
    /// How many at once before that counts.
    package let burst: Int
    /// Where Slack's Web API is, without a slash at its end.
    package let apiURL: String
    /// Whether the Web API is on this machine, where a socket may go without TLS, too.
    package let isLocal: Bool
    /// A file of certificates to trust instead of the system's.
    package let trustRoots: String?

    /// Collects settings.
    package init(
        name: ChannelName,
        app: String,
        team: String?,
        token: String,
        signature: SlackSignature?,
        appToken: String?,
        matchesEmail: Bool = true,
        perSecond: Double = 1,
        burst: Int = 4,
        apiURL: String = "https://slack.com/api",
        isLocal: Bool = false,
        trustRoots: String? = nil,
    ) {
        self.name = name
        self.app = app
        self.team = team
        self.token = token
        self.signature = signature
        self.appToken = appToken
        self.matchesEmail = matchesEmail
        self.perSecond = perSecond
        self.burst = burst
        self.apiURL = apiURL
        self.isLocal = isLocal
        self.trustRoots = trustRoots
    }

    /// What is wrong with an address of a destination, or `nil`.
    ///
    /// Names of conversations change and can be taken over; ids do neither.
    package static func objection(to address: String) -> String? {
        let isID =
            address.utf8.count <= 32 && address.utf8.count >= 2
            && address.utf8.first.map { "CGDUW".utf8.contains($0) } ?? false
            && address.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) }
        return isID
            ? nil
            : "is not the id of a Slack conversation (C0123456789) or person (U0123456789); Slack shows a conversation's "
                + "at the bottom of its details, and a person's in the menu of the profile"
    }
}

/// The workspace in which the app is installed, as Slack says by its token.
struct SlackHome: Hashable, Sendable {
    let team: String
    let enterprise: String?
    /// The app's own account.
    let bot: String?
}
