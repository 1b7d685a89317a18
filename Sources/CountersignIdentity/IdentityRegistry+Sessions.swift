package import CountersignCore

extension IdentityRegistry {
    /// Makes the secret part of a one-time sign-in link for a user in force.
    package func makeLink(for user: UserID, life: Duration) -> Result<String, Reason> {
        guard read({ $0.users[user] }) != nil else {
            return .failure(Reason(.notFound, "There is no user \(user)."))
        }
        do {
            return .success(try tokens.makeLink(for: user, life: life, now: clock.time(), chance: chance))
        } catch {
            return .failure(Reason(.overloaded, "The token key could not sign."))
        }
    }

    /// Uses a one-time link: the ledger takes its id once, in the same transaction as the session's beginning.
    package func signIn(link: String) async -> Result<NewSession, Reason> {
        let now = clock.time()
        guard let claims = tokens.readLink(link, now: now) else {
            return .failure(
                Reason(.invalidCredential, "This link is not valid, or its time is over. Ask for a new one.")
            )
        }
        let cookie = chance.secret()
        let session = Session(
            id: CredentialHash.text(of: cookie),
            user: claims.user,
            csrfToken: chance.secret(),
            startedAt: now,
            expiresAt: now.adding(Self.sessionLife),
            via: "link",
        )
        return await change { book in
            guard book.users[claims.user] != nil else {
                return .failure(Reason(.invalidCredential, "There is no user \(claims.user) any more."))
            }
            return .success(
                (
                    [.useLink(id: claims.id, expires: claims.expiresAt), .putSession(session)],
                    [.session(.sessionStarted, session, at: now)],
                    NewSession(session: session, cookie: cookie)
                )
            )
        }
    }

    /// Ends a session; again is as good as once.
    package func signOut(_ session: Session) async -> Result<Void, Reason> {
        let now = clock.time()
        return await change { book in
            guard book.sessions[session.id] != nil else { return .success(([], [], ())) }
            return .success(
                ([.endSession(id: session.id)], [.session(.sessionEnded, session, at: now)], ())
            )
        }
    }
}
