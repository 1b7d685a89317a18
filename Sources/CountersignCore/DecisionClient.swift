/// The name of a client: `servicenow`.
package struct ClientID: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes a name from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    /// 63 bytes.
    package static var maximumLength: Int { 63 }
    /// Letters, digits, `-` and `_`: nothing that means something in a form or in HTTP's Basic scheme.
    package static func allows(_ byte: UInt8) -> Bool { ConnectionName.allows(byte) }
}

/// A program that brings the decisions of humans whom it has authenticated itself: a ticket system, a bot.
///
/// It is nobody: each decision names the human, and counts as that human's, with all rules of deciding.
package struct DecisionClient: Hashable, Sendable {
    /// Its name.
    package let id: ClientID
    /// The users whose decisions it may bring.
    package let users: [UserID]
    /// The groups whose members' decisions it may bring.
    package let groups: [GroupName]

    /// Describes a client.
    package init(id: ClientID, users: [UserID], groups: [GroupName]) {
        self.id = id
        self.users = users
        self.groups = groups
    }

    /// Through what its decisions come, as entries have it.
    package var via: String { "client:\(id)" }

    /// Whether it may bring a user's decisions.
    package func speaks(for user: User) -> Bool {
        users.contains { $0.isSamePerson(as: user.id) } || !Set(groups).isDisjoint(with: user.groups)
    }

    /// Whether somebody whose decisions it may bring is asked by an approval: nothing else concerns it.
    package func isConcerned(by approval: Approval, in directory: Directory) -> Bool {
        directory.users.values.contains { user in
            speaks(for: user) && approval.gates.contains { $0.accepts(groups: user.groups) }
        }
    }
}

/// A client's token that was just made.
package struct ClientToken: Hashable, Sendable {
    /// The token, `cso_…`.
    package let text: String
    /// How long it holds.
    package let life: Duration

    /// Joins text and life.
    package init(text: String, life: Duration) {
        self.text = text
        self.life = life
    }
}

extension Enforcement {
    /// The human whose decision a client brings, or why it counts as nobody's; that has an entry.
    package func human(
        _ name: UserID,
        of client: DecisionClient,
        on approval: Approval,
        _ verdict: Decision.Verdict,
        source: String?,
    ) async -> Result<SignedInUser, Reason> {
        // Who is not known and who is not this client's are one answer: it learns of no names here.
        guard let user = current.snapshot.directory.user(named: name), client.speaks(for: user) else {
            let reason = Reason(.notAllowed, "This client may not bring decisions of this user.")
            return .failure(await refuseClient(reason, client, detail: "on behalf of \(name)", source: source))
        }
        guard verdict == .deny || !approval.gates.contains(where: { $0.assurance == .passkey }) else {
            let message = "A gate asks for more than a client can prove. The human opens the page and decides there."
            let detail = "on behalf of \(user.id) on \(approval.id)"
            return .failure(
                await refuseClient(Reason(.pageRequired, message), client, detail: detail, source: source)
            )
        }
        return .success(SignedInUser(user: user, via: client.via, isLocalAdministrator: false))
    }

    /// Records that a client, or who pretends to be one, was refused; `client` is `nil` where none was proved.
    package func refuseClient(
        _ reason: Reason,
        _ client: DecisionClient?,
        detail: String,
        source: String?,
    ) async -> Reason {
        await refuseStranger(reason, via: client?.via ?? "client", key: client?.via ?? source, [], detail, source)
    }
}
