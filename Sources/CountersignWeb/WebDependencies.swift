package import CountersignCore
package import Logging
package import NIOCore

/// Everything that the control plane uses and does not own.
package struct WebDependencies: Sendable {
    /// Opens the body of a kept response that lies in the spool, by the name that ``KeptResponse/file`` has.
    package typealias SpoolReader = @Sendable (_ file: String) async throws -> any AsyncSequence<ByteBuffer, any Error>
    /// Why an action that an agent describes itself is not taken as it stands.
    package typealias Objection = @Sendable (Action) -> Reason?

    /// The pipeline that judges, holds and lets run.
    package let enforcement: Enforcement
    /// Where everything is kept; the same as the pipeline's.
    package let ledger: any Ledger
    /// Agents, users, keys and sessions.
    package let identities: any Identities
    /// Says who a caller is.
    package let authenticator: any Authenticator
    /// Signs checkpoints, receipts and grants.
    package let log: any LogKeeper
    /// Opens the body of a kept response.
    package let openKept: SpoolReader
    /// What the configuration has against an agent's own description of an action.
    package let objection: Objection
    /// The version of the access request profile that is served; `nil` for none.
    package let accessRequests: AccessRequestVersion?
    /// Where people and agents reach this server, without a slash at the end.
    package let publicURL: String
    /// The product's version.
    package let version: String
    /// Whether cookies are for TLS only; true whenever the public URL is `https`.
    package let secureCookies: Bool
    /// Whether new work can be taken on: the ledger writes, and no shutdown has begun.
    package let isReady: @Sendable () -> Bool
    /// Tells from where the calls came that the gateway passes on.
    package let relay: RelayedSource
    /// How far the log has come outside of the ledger.
    package let logStatus: @Sendable () -> LogStatus
    /// Takes what chats send.
    package let channels: any ChannelInbox
    /// What each configured channel did since the start.
    package let channelActivity: @Sendable () -> [ChannelActivity]
    /// Whether anybody, not only users, may read the log's entries.
    package let entriesArePublic: Bool
    /// Where the server writes its log.
    package let logger: Logger

    /// Collects the parts.
    package init(
        enforcement: Enforcement,
        ledger: any Ledger,
        identities: any Identities,
        authenticator: any Authenticator,
        log: any LogKeeper,
        openKept: @escaping SpoolReader,
        objection: @escaping Objection,
        accessRequests: AccessRequestVersion?,
        publicURL: String,
        version: String,
        secureCookies: Bool,
        isReady: @escaping @Sendable () -> Bool,
        relay: RelayedSource,
        logStatus: @escaping @Sendable () -> LogStatus,
        channels: any ChannelInbox,
        channelActivity: @escaping @Sendable () -> [ChannelActivity],
        entriesArePublic: Bool,
        logger: Logger,
    ) {
        self.enforcement = enforcement
        self.ledger = ledger
        self.identities = identities
        self.authenticator = authenticator
        self.log = log
        self.openKept = openKept
        self.objection = objection
        self.accessRequests = accessRequests
        self.publicURL = publicURL
        self.version = version
        self.secureCookies = secureCookies
        self.isReady = isReady
        self.relay = relay
        self.logStatus = logStatus
        self.channels = channels
        self.channelActivity = channelActivity
        self.entriesArePublic = entriesArePublic
        self.logger = logger
    }
}
