import CountersignCore
import HTTPTypes

/// Agents, their keys, and users; to look at.
enum AgentsRoom {
    /// The endpoints.
    static let endpoints = [Endpoint(page: .get, "/agents", .user, run: show)]

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let identities = exchange.parts.dependencies.identities
        let keys = identities.keys()
        let agents = identities.agents().sorted { $0.id < $1.id }
        let content = AgentsPage(
            agents: agents.map { agent in AgentView(agent, keys.filter { $0.agent == agent.id }, now: exchange.now) },
            hasNoAgents: agents.isEmpty,
            users: identities.users().sorted { $0.id < $1.id }.map { user in
                UserView(id: Markup(user.id.rawValue), groups: user.groups.map { Markup($0.rawValue) })
            },
        )
        return try exchange.page("agents", "Agents and users", content, room: .agents)
    }
}

/// The page of agents and users.
struct AgentsPage {
    /// The agents.
    let agents: [AgentView]
    /// Whether there is none.
    let hasNoAgents: Bool
    /// The users.
    let users: [UserView]
}

/// A user.
struct UserView {
    /// The id.
    let id: Markup
    /// The groups.
    let groups: [Markup]
}

/// An agent.
struct AgentView {
    /// The id.
    let id: Markup
    /// Who answers for it.
    let owner: Markup
    /// The groups.
    let groups: [Markup]
    /// For whom it may act.
    let actsFor: Markup
    /// Its keys.
    let keys: [KeyView]
    /// Whether it has none made by command.
    let hasNoKeys: Bool

    /// Describes an agent.
    init(_ agent: Agent, _ keys: [AgentKey], now: Timestamp) {
        id = Markup(agent.id.rawValue)
        owner = agent.owner.map { Markup($0.rawValue) } ?? .none
        groups = agent.groups.map { Markup($0.rawValue) }
        actsFor = Markup(agent.actsFor.map { $0.map(\.rawValue).joined(separator: ", ") } ?? "any user")
        self.keys = keys.sorted { $0.createdAt > $1.createdAt }.map { KeyView($0, now: now) }
        hasNoKeys = keys.isEmpty
    }
}

/// A key.
struct KeyView {
    /// Its first characters.
    let prefix: Markup
    /// Its id.
    let id: Markup
    /// active, expired, revoked.
    let state: Markup
    /// The class of the style sheet.
    let tone: Markup
    /// When it was made.
    let created: Moment
    /// When it ends by itself.
    let expires: Moment?

    /// Describes a key.
    init(_ key: AgentKey, now: Timestamp) {
        prefix = Markup(key.prefix)
        id = Markup(key.id)
        if key.revokedAt != nil {
            (state, tone) = (Markup("revoked"), Markup("bad"))
        } else if key.expiresAt.map({ $0 <= now }) ?? false {
            (state, tone) = (Markup("expired"), Markup("calm"))
        } else {
            (state, tone) = (Markup("active"), Markup("good"))
        }
        created = Moment(key.createdAt, now: now)
        expires = key.expiresAt.map { Moment($0, now: now) }
    }
}
