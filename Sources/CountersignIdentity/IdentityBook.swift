import Cedar
package import CountersignCore

/// Who the configuration says that there is.
package struct DeclaredIdentities: Hashable, Sendable {
    /// A key that the configuration gives an agent, by its hash.
    package struct Key: Hashable, Sendable {
        /// Whose it is.
        package let agent: AgentID
        let hash: CredentialHash

        /// Takes the hash of a key; the key itself is forgotten.
        package init(agent: AgentID, secret: String) {
            self.agent = agent
            hash = CredentialHash(of: secret)
        }
    }

    /// A client that the configuration declares, and the hashes of its secrets.
    package struct Client: Hashable, Sendable {
        /// What it may.
        package let client: DecisionClient
        let secrets: [CredentialHash]

        /// Takes the hashes of secrets; the secrets themselves are forgotten.
        package init(_ client: DecisionClient, secrets: [String]) {
            self.client = client
            self.secrets = secrets.map { CredentialHash(of: $0) }
        }
    }

    /// The agents.
    package let agents: [Agent]
    /// The users.
    package let users: [User]
    /// The agents' keys.
    package let keys: [Key]
    /// The users' accounts in chats.
    package let links: [ChannelLink]
    /// Programs that bring humans' decisions.
    package let clients: [Client]

    /// Collects what is declared.
    package init(
        agents: [Agent] = [],
        users: [User] = [],
        keys: [Key] = [],
        links: [ChannelLink] = [],
        clients: [Client] = [],
    ) {
        self.clients = clients
        self.agents = agents
        self.users = users
        self.keys = keys
        self.links = links
    }
}

/// Everybody that there is, declared or made by command, as a value; what is declared comes first.
package struct IdentityBook: Sendable {
    /// Who holds a key, and until when.
    struct Holder: Hashable, Sendable {
        let agent: AgentID
        let expiresAt: Timestamp?
    }

    /// What the configuration declares.
    package let declared: DeclaredIdentities
    /// What commands made.
    package private(set) var records: IdentityRecords
    /// The agents in force.
    package private(set) var agents: [AgentID: Agent] = [:]
    /// The users in force.
    package private(set) var users: [UserID: User] = [:]
    private(set) var holders: [CredentialHash: Holder] = [:]
    private(set) var sessions: [String: Session] = [:]

    /// Merges what is declared with what the ledger has.
    package init(declared: DeclaredIdentities, records: IdentityRecords) {
        self.declared = declared
        self.records = records
        index()
    }

    /// The same records under another configuration.
    package func declaring(_ declared: DeclaredIdentities) -> IdentityBook {
        IdentityBook(declared: declared, records: records)
    }

    /// The directory that policy sees, with these connections.
    package func directory(connections: [Connection]) throws -> Directory {
        try Directory(
            agents: agents.values.sorted { $0.id < $1.id },
            users: users.values.sorted { $0.id < $1.id },
            connections: connections,
        )
    }

    /// Whether the configuration declares this agent.
    package func declares(_ agent: AgentID) -> Bool { declared.agents.contains { $0.id == agent } }

    /// Whether the configuration declares this user.
    package func declares(_ user: UserID) -> Bool { declared.users.contains { $0.id == user } }

    /// Does what a committed change says.
    package mutating func apply(_ change: IdentityChange) {
        switch change {
        case .putAgent(let agent):
            records.agents.removeAll { $0.id == agent.id }
            records.agents.append(agent)
        case .removeAgent(let id):
            records.agents.removeAll { $0.id == id }
            records.keys.removeAll { $0.agent == id }
        case .putUser(let user):
            records.users.removeAll { $0.id == user.id }
            records.users.append(user)
        case .removeUser(let id):
            records.users.removeAll { $0.id == id }
            records.sessions.removeAll { $0.user == id }
            records.links.removeAll { $0.user == id }
        case .putKey(let key):
            records.keys.removeAll { $0.id == key.id }
            records.keys.append(key)
        case .revokeKey(let id, let time):
            for index in records.keys.indices where records.keys[index].id == id {
                records.keys[index].revokedAt = time
            }
        case .putLink(let link):
            records.links.removeAll { $0.identity == link.identity }
            records.links.append(link)
        case .putSession(let session):
            // Sessions come often and concern nobody else, so the rest of the index is left alone.
            records.sessions.removeAll { $0.expiresAt <= session.startedAt }
            records.sessions.append(session)
            sessions = sessions.filter { $0.value.expiresAt > session.startedAt }
            sessions[session.id] = session
            return
        case .endSession(let id):
            records.sessions.removeAll { $0.id == id }
            sessions[id] = nil
            return
        case .useLink:
            return
        }
        index()
    }

    private mutating func index() {
        agents = Dictionary((records.agents + declared.agents).map { ($0.id, $0) }) { _, last in last }
        users = Dictionary((records.users + declared.users).map { ($0.id, $0) }) { _, last in last }
        holders = [:]
        for key in records.keys where key.revokedAt == nil && agents[key.agent] != nil {
            guard let hash = CredentialHash(text: key.hash) else { continue }
            holders[hash] = Holder(agent: key.agent, expiresAt: key.expiresAt)
        }
        for key in declared.keys { holders[key.hash] = Holder(agent: key.agent, expiresAt: nil) }
        sessions = Dictionary(records.sessions.map { ($0.id, $0) }) { _, last in last }
    }
}

extension DeclaredIdentities.Key {
    /// Whether two agents were given one key.
    package func isSameSecret(as other: DeclaredIdentities.Key) -> Bool { hash == other.hash }
}
