import CanonicalJSON
package import CountersignCore

extension IdentityRegistry {
    /// The accounts in chats that are users, and those that were unlinked, ordered by account.
    package func links() -> [ChannelLink] {
        read { $0.links.sorted { $0.identity.description < $1.identity.description } }
    }

    /// Says that an account in a chat is a user; it takes the place of what the account was.
    package func link(
        _ identity: ChannelIdentity,
        to user: UserID,
        by actor: Actor,
    ) async -> Result<ChannelLink, Reason> {
        await put(identity, user, by: "administrator", actor) { book in
            book.declares(identity) ? .declared("account", identity.description) : nil
        }
    }

    /// Says that an account in a chat is nobody any more; it is remembered, so that no address links it again.
    package func unlink(_ identity: ChannelIdentity, by actor: Actor) async -> Result<ChannelLink, Reason> {
        let now = clock.time()
        return await change { book in
            guard !book.declares(identity) else { return .failure(.declared("account", identity.description)) }
            guard let step = book.link(of: identity)?.unlinking(at: now, by: actor) else {
                return .failure(Reason(.notFound, "There is no linked account \(identity)."))
            }
            return .success(([step.change], [step.entry], step.link))
        }
    }

    /// The user that an account is: by its link, or, once, by an e-mail address that the platform vouches for.
    package func linkedUser(_ identity: ChannelIdentity, email: String?) async -> Result<User, Reason> {
        let unknown = Reason(.accountUnknown, ReasonCode.accountUnknown.explanation)
        let (link, linked) = read { book in
            let link = book.link(of: identity)
            return (link, link?.user.flatMap { book.users[$0] })
        }
        if link != nil { return linked.map { .success($0) } ?? .failure(unknown) }
        guard let email, let user = read({ $0.user(named: email) }) else { return .failure(unknown) }
        let actor = Actor.user(user.id, via: identity.kind.rawValue)
        let result = await put(identity, user.id, by: "email", actor) { book in
            // Whoever can change an address in the chat must not become a second account of somebody, nor follow one that
            // was unlinked.
            let isTaken = book.links.contains { link in
                (link.user ?? link.unlinkedFrom)?.isSamePerson(as: user.id) == true
                    && link.identity.kind == identity.kind && link.identity.tenant == identity.tenant
            }
            guard !isTaken, book.link(of: identity) == nil, book.user(named: email) == user else { return unknown }
            return nil
        }
        return result.map { _ in user }
    }

    private func put(
        _ identity: ChannelIdentity,
        _ user: UserID,
        by: String,
        _ actor: Actor,
        objection: (IdentityBook) -> Reason?,
    ) async -> Result<ChannelLink, Reason> {
        let now = clock.time()
        return await change { book in
            if let objection = objection(book) { return .failure(objection) }
            guard book.users[user] != nil else { return .failure(Reason(.notFound, "There is no user \(user).")) }
            let link = ChannelLink(identity: identity, user: user, madeAt: now, by: by)
            let verb: IdentityVerb = book.link(of: identity) == nil ? .added : .changed
            return .success(([.putLink(link)], [.link(verb, link, user, by: actor, at: now)], link))
        }
    }
}

extension IdentityBook {
    /// What is said of accounts: what the configuration declares goes before what commands made.
    var links: [ChannelLink] { declared.links + records.links.filter { !declares($0.identity) } }

    /// What is said of an account.
    func link(of identity: ChannelIdentity) -> ChannelLink? {
        declared.links.first { $0.identity == identity } ?? records.links.first { $0.identity == identity }
    }

    /// Whether the configuration says whose account it is.
    func declares(_ identity: ChannelIdentity) -> Bool { declared.links.contains { $0.identity == identity } }

    /// The user whose name an e-mail address is, in any letter case; `nil` if it could be several.
    func user(named email: String) -> User? {
        guard let id = UserID(email) else { return nil }
        let matches = users.values.filter { $0.id.isSamePerson(as: id) }
        return matches.count == 1 ? matches[0] : nil
    }
}

extension ChannelLink {
    /// What makes a linked account nobody's; `nil` of one that is nobody's already.
    func unlinking(
        at now: Timestamp,
        by actor: Actor,
    ) -> (link: ChannelLink, change: IdentityChange, entry: EntryDraft)? {
        guard let user else { return nil }
        let link = ChannelLink.unlinked(identity, from: user, at: now, by: "administrator")
        return (link, .putLink(link), .link(.revoked, link, user, by: actor, at: now))
    }
}

extension EntryDraft {
    /// `identity.changed` of a channel link.
    fileprivate static func link(
        _ verb: IdentityVerb,
        _ link: ChannelLink,
        _ user: UserID,
        by actor: Actor,
        at now: Timestamp,
    ) -> EntryDraft {
        let members: [(String, JSONValue)] = [("by", .string(link.by)), ("user", .string(user.rawValue))]
        return .identity(verb, "ChannelLink", link.identity.description, members, by: actor, at: now)
    }
}
