import CountersignCore

/// Identities of an installation that has none.
struct NobodyKnown: Identities {
    private let unknown = Reason(.accountUnknown, "nobody is known")

    func agents() -> [Agent] { [] }
    func users() -> [User] { [] }
    func keys() -> [AgentKey] { [] }
    func links() -> [ChannelLink] { [] }
    func put(_ agent: Agent, by actor: Actor) async -> Result<Agent, Reason> { .failure(unknown) }
    func put(_ user: User, by actor: Actor) async -> Result<User, Reason> { .failure(unknown) }
    func remove(_ agent: AgentID, by actor: Actor) async -> Result<Void, Reason> { .failure(unknown) }
    func remove(_ user: UserID, by actor: Actor) async -> Result<Void, Reason> { .failure(unknown) }
    func makeKey(for agent: AgentID, expires: Duration?, by actor: Actor) async -> Result<NewKey, Reason> {
        .failure(unknown)
    }
    func revokeKey(_ id: String, by actor: Actor) async -> Result<AgentKey, Reason> { .failure(unknown) }
    func link(_ identity: ChannelIdentity, to user: UserID, by actor: Actor) async -> Result<ChannelLink, Reason> {
        .failure(unknown)
    }
    func unlink(_ identity: ChannelIdentity, by actor: Actor) async -> Result<ChannelLink, Reason> {
        .failure(unknown)
    }
    func linkedUser(_ identity: ChannelIdentity, email: String?) async -> Result<User, Reason> { .failure(unknown) }
    func signIn(link: String) async -> Result<NewSession, Reason> { .failure(unknown) }
    func signOut(_ session: Session) async -> Result<Void, Reason> { .failure(unknown) }
}
