/// A change of agents, users, keys or sessions; committed together with its `identity.changed` or session entry.
package enum IdentityChange: Hashable, Sendable {
    /// A new or changed agent.
    case putAgent(Agent)
    /// The agent is gone, and its keys with it.
    case removeAgent(AgentID)
    /// A new or changed user.
    case putUser(User)
    /// The user is gone, and their sessions and links with them; what was unlinked stays.
    case removeUser(UserID)
    /// A new key.
    case putKey(AgentKey)
    /// The key no longer works.
    case revokeKey(id: String, at: Timestamp)
    /// A user signed in.
    case putSession(Session)
    /// The session is over.
    case endSession(id: String)
    /// An account in a chat is a user, or was unlinked; it takes the place of what the account was.
    case putLink(ChannelLink)
    /// The one-time link with this id has been used. The commit conflicts if it was used before.
    case useLink(id: String, expires: Timestamp)
}

/// An agent's key; only its hash is kept.
package struct AgentKey: Hashable, Sendable, Codable {
    /// What lists and revocations name: `key_…`.
    package let id: String
    /// Whose it is.
    package let agent: AgentID
    /// Base64url SHA-256 of the whole key.
    package let hash: String
    /// The first characters of the key, to recognise it.
    package let prefix: String
    /// When it was made.
    package let createdAt: Timestamp
    /// When it ends by itself.
    package let expiresAt: Timestamp?
    /// When it was revoked.
    package var revokedAt: Timestamp?

    /// Describes a key.
    package init(
        id: String,
        agent: AgentID,
        hash: String,
        prefix: String,
        createdAt: Timestamp,
        expiresAt: Timestamp? = nil,
        revokedAt: Timestamp? = nil,
    ) {
        self.id = id
        self.agent = agent
        self.hash = hash
        self.prefix = prefix
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }
}

/// A signed-in user's dashboard session; only the cookie's hash is kept.
package struct Session: Hashable, Sendable, Codable {
    /// Base64url SHA-256 of the cookie's value.
    package let id: String
    /// Who signed in.
    package let user: UserID
    /// What every change must carry.
    package let csrfToken: String
    /// When it began.
    package let startedAt: Timestamp
    /// When it ends.
    package let expiresAt: Timestamp
    /// How: `link`.
    package let via: String

    /// How much of the id the entries show: enough to tell sessions apart, too little to find the cookie's hash.
    package static let prefixLength = 8

    /// Binds an entry to id and token without giving either away: both are made of 256 random bits.
    package var digest: String { ActionDigest(of: Array("\(id).\(csrfToken)".utf8)).rawValue }

    /// Describes a session.
    package init(
        id: String,
        user: UserID,
        csrfToken: String,
        startedAt: Timestamp,
        expiresAt: Timestamp,
        via: String,
    ) {
        self.id = id
        self.user = user
        self.csrfToken = csrfToken
        self.startedAt = startedAt
        self.expiresAt = expiresAt
        self.via = via
    }
}

/// What the ledger knows of who is who, beside what the configuration declares.
package struct IdentityRecords: Hashable, Sendable {
    /// Agents made by command.
    package var agents: [Agent]
    /// Users made by command.
    package var users: [User]
    /// Keys made by command, revoked ones too.
    package var keys: [AgentKey]
    /// Sessions that have not ended by command.
    package var sessions: [Session]
    /// Accounts in chats that are users, or were unlinked.
    package var links: [ChannelLink]

    /// Collects records.
    package init(
        agents: [Agent] = [],
        users: [User] = [],
        keys: [AgentKey] = [],
        sessions: [Session] = [],
        links: [ChannelLink] = [],
    ) {
        self.links = links
        self.agents = agents
        self.users = users
        self.keys = keys
        self.sessions = sessions
    }
}

/// A user who has proved who they are, and how.
package struct SignedInUser: Hashable, Sendable {
    /// Who.
    package let user: User
    /// `dashboard`, `local-administrator`.
    package let via: String
    /// Whether they may change agents, users and keys: only who can read the data folder.
    package let isLocalAdministrator: Bool
    /// The dashboard session, if it is one.
    package let session: Session?

    /// Describes who signed in.
    package init(user: User, via: String, isLocalAdministrator: Bool, session: Session? = nil) {
        self.user = user
        self.via = via
        self.isLocalAdministrator = isLocalAdministrator
        self.session = session
    }
}

/// Says who a caller is.
///
/// An answer of `nil` means that the credential is unknown, expired or revoked.
package protocol Authenticator: Sendable {
    /// The agent with this key (`cs_…`).
    func agent(key: String, now: Timestamp) -> AgentID?
    /// The user with this bearer token (`cst_…`), which the local administrator printed.
    func user(token: String, now: Timestamp) -> SignedInUser?
    /// The user with this dashboard cookie.
    func user(cookie: String, now: Timestamp) -> SignedInUser?
    /// The client with this token (`cso_…`), as it is configured now.
    func client(token: String, now: Timestamp) -> DecisionClient?
    /// A token for a client that proves itself with one of its secrets.
    func clientToken(for id: String, secret: String, now: Timestamp) -> ClientToken?
}
