package import CountersignCards
package import CountersignCore

/// What a bot in Teams needs to know.
package struct TeamsSettings: Sendable {
    /// The channel's name.
    package let name: ChannelName
    /// The bot's application id, in lower case: for whom tokens of Teams are.
    package let application: String
    /// What proves to the login that we are the application.
    package let secret: String
    /// The Entra tenant whose people may answer, in lower case.
    package let tenant: String
    /// Where the connector is, for conversations that no activity proved yet.
    package let service: TeamsServiceURL?
    /// Whether an address that the tenant vouches for makes the first link of an account.
    package let matchesEmail: Bool
    /// Where our own token comes from.
    package let tokenURL: String
    /// Where the metadata of Teams' tokens are.
    package let metadataURL: String
    /// Who issues them.
    package let issuer: String

    /// Collects settings.
    package init(
        name: ChannelName,
        application: String,
        secret: String,
        tenant: String,
        service: TeamsServiceURL?,
        matchesEmail: Bool,
        tokenURL: String,
        metadataURL: String,
        issuer: String,
    ) {
        self.name = name
        self.application = application.lowercased()
        self.secret = secret
        self.tenant = tenant.lowercased()
        self.service = service
        self.matchesEmail = matchesEmail
        self.tokenURL = tokenURL
        self.metadataURL = metadataURL
        self.issuer = issuer
    }

    /// What our token is for.
    static let scope = "https://api.botframework.com/.default"
}
