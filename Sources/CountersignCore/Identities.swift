package import CanonicalJSON

/// Who made a change, and through what.
package protocol Identities: Sendable {
    /// Everybody in force now: declared by the configuration or made by command.
    func agents() -> [Agent]
    /// Every user in force now.
    func users() -> [User]
    /// The keys made by command, revoked ones too, without their secrets.
    func keys() -> [AgentKey]

    /// Makes or changes an agent; refused for one that the configuration declares.
    func put(_ agent: Agent, by actor: Actor) async -> Result<Agent, Reason>
    /// Removes an agent and revokes its keys.
    func remove(_ agent: AgentID, by actor: Actor) async -> Result<Void, Reason>
    /// Makes or changes a user; refused for one that the configuration declares.
    func put(_ user: User, by actor: Actor) async -> Result<User, Reason>
    /// Removes a user, ends their sessions and unlinks their accounts in chats.
    func remove(_ user: UserID, by actor: Actor) async -> Result<Void, Reason>
    /// Makes a key. The secret is in the answer and nowhere else, ever.
    func makeKey(for agent: AgentID, expires: Duration?, by actor: Actor) async -> Result<NewKey, Reason>
    /// Revokes a key by its id.
    func revokeKey(_ id: String, by actor: Actor) async -> Result<AgentKey, Reason>

    /// The accounts in chats that are users, and those that were unlinked, ordered by account.
    func links() -> [ChannelLink]
    /// Says that an account in a chat is a user, who must be known.
    func link(_ identity: ChannelIdentity, to user: UserID, by actor: Actor) async -> Result<ChannelLink, Reason>
    /// Says that an account in a chat is nobody any more; only ``link(_:to:by:)`` makes it a user's again.
    func unlink(_ identity: ChannelIdentity, by actor: Actor) async -> Result<ChannelLink, Reason>
    /// The user that an account in a chat is.
    ///
    /// Without a stored link, an e-mail address that the platform vouches for makes one, once: if it is a user's name,
    /// and that user neither has nor had another account of this tenant. From then on only the link counts, and that an
    /// account was unlinked counts as well.
    func linkedUser(_ identity: ChannelIdentity, email: String?) async -> Result<User, Reason>

    /// Uses a one-time sign-in link. Each works once, until it expires.
    func signIn(link: String) async -> Result<NewSession, Reason>
    /// Ends a session.
    func signOut(_ session: Session) async -> Result<Void, Reason>
}

/// A key that was just made.
package struct NewKey: Hashable, Sendable {
    /// What is kept of it.
    package let key: AgentKey
    /// The key itself, `cs_…`; shown once.
    package let secret: String

    /// Joins key and secret.
    package init(key: AgentKey, secret: String) {
        self.key = key
        self.secret = secret
    }
}

/// A session that just began.
package struct NewSession: Hashable, Sendable {
    /// What is kept of it.
    package let session: Session
    /// The cookie's value; only the browser has it.
    package let cookie: String

    /// Joins session and cookie.
    package init(session: Session, cookie: String) {
        self.session = session
        self.cookie = cookie
    }
}

/// Signs grants: that an approved action may run, once.
package protocol GrantIssuer: Sendable {
    /// A grant as a compact JWS (EdDSA): agent, connection, approval, action digest and expiry.
    func grant(for approval: Approval) throws -> String
}

/// Signs the log's head and hands out proofs.
package protocol LogKeeper: GrantIssuer {
    /// The verifier key of the log (a C2SP vkey).
    var verifierKey: String { get }
    /// The newest checkpoint that anybody may see; of entries beyond it nothing is shown as a part of the log.
    var newest: SignedHead? { get }
    /// A signed checkpoint (C2SP tlog-checkpoint) of everything committed before the call.
    ///
    /// Throws `.unsigned` where none can be had in time.
    func checkpoint() async throws(LedgerError) -> String
    /// The receipt of one approval: its entries with proofs, as canonical JSON. `nil` if there is no such approval.
    func receipt(for approval: ApprovalID) async throws(LedgerError) -> [UInt8]?
    /// The receipt of one entry, for actions that passed without an approval.
    func receipt(forEntry sequence: UInt64) async throws(LedgerError) -> [UInt8]?
    /// The key that grants and attestations are signed with, as a JWK set.
    var grantKeys: JSONValue { get }
    /// How an approval was decided and what came of it, as a DSSE envelope; `nil` while it is pending.
    func attestation(of approval: Approval) async throws -> [UInt8]?
}
