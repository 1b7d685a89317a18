package import CountersignCore

extension IdentityRegistry: Authenticator {
    /// The agent with this key; one hash and one look into a dictionary.
    package func agent(key: String, now: Timestamp) -> AgentID? {
        let hash = CredentialHash(of: key)
        guard let holder = read({ $0.holders[hash] }) else { return nil }
        if let end = holder.expiresAt, now >= end { return nil }
        return holder.agent
    }

    /// The user with this bearer token; a user who no longer exists has none.
    package func user(token: String, now: Timestamp) -> SignedInUser? {
        guard let claims = tokens.readToken(token, now: now) else { return nil }
        if claims.user == UserTokens.localAdministrator, claims.isLocalAdministrator {
            return SignedInUser(user: User(id: claims.user), via: UserTokens.via, isLocalAdministrator: true)
        }
        guard let user = read({ $0.users[claims.user] }) else { return nil }
        return SignedInUser(user: user, via: UserTokens.via, isLocalAdministrator: claims.isLocalAdministrator)
    }

    /// The user with this dashboard cookie.
    package func user(cookie: String, now: Timestamp) -> SignedInUser? {
        let id = CredentialHash.text(of: cookie)
        let found = read { book -> (Session, User)? in
            guard let session = book.sessions[id], let user = book.users[session.user] else { return nil }
            return (session, user)
        }
        guard let (session, user) = found, now < session.expiresAt else { return nil }
        return SignedInUser(user: user, via: "dashboard", isLocalAdministrator: false, session: session)
    }
}
