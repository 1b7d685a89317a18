package import CountersignCards
package import CountersignCore

/// Where what people do in a chat becomes a decision or a comment: the one way from any channel to the enforcement.
///
/// A chat proves that an account pressed a button. Which user that is, a stored link says; whether they may, the
/// enforcement. Everything that is refused here has an entry.
package struct ChannelDesk: Sendable {
    /// What somebody answered to a card.
    package struct Answer: Hashable, Sendable {
        /// The account, as the platform vouches for it.
        package let identity: ChannelIdentity
        /// What the card was about.
        package let handle: CardHandle
        /// What they say.
        package let verdict: Decision.Verdict
        /// Why; empty if they were not asked.
        package let reason: String

        /// Describes an answer.
        package init(identity: ChannelIdentity, handle: CardHandle, verdict: Decision.Verdict, reason: String) {
            self.identity = identity
            self.handle = handle
            self.verdict = verdict
            self.reason = reason
        }
    }

    /// What the platform knows of an account, for the first match by e-mail.
    package struct Profile: Hashable, Sendable {
        /// The confirmed address; `nil` if the platform does not vouch for one.
        package let email: String?
        /// Why the account is refused whoever it is: deleted, a bot, a guest, of another workspace.
        package let objection: String?

        /// Describes an account.
        package init(email: String?, objection: String?) {
            self.email = email
            self.objection = objection
        }
    }

    /// What waits for somebody.
    package struct WaitingList: Hashable, Sendable {
        /// Pending approvals that they may decide, oldest first.
        package let approvals: [Approval]
        /// Whether there is nothing more of it.
        package let isAll: Bool
    }

    /// How many pages of pending approvals are searched for those of one user.
    private static let maximumPages = 20

    private let enforcement: Enforcement
    private let identities: any Identities

    /// Stands between the channels and the enforcement.
    package init(enforcement: Enforcement, identities: any Identities) {
        self.enforcement = enforcement
        self.identities = identities
    }

    /// The user that an account is, or why it is nobody.
    ///
    /// `profile` is asked each time, because an account can be closed after it was linked; where it cannot be had, the
    /// answer is no.
    package func user(
        _ identity: ChannelIdentity,
        channel: ChannelName,
        profile: () async -> Result<Profile, Reason>,
    ) async -> Result<SignedInUser, Reason> {
        switch await profile() {
        case .failure(let reason): return .failure(await refuse(reason, identity, channel))
        case .success(let profile):
            if let objection = profile.objection {
                let reason = Reason(.accountRefused, "This account may not answer for anybody: \(objection).")
                return .failure(await refuse(reason, identity, channel))
            }
            switch await identities.linkedUser(identity, email: profile.email) {
            case .success(let user):
                return .success(
                    SignedInUser(user: user, via: identity.kind.rawValue, isLocalAdministrator: false)
                )
            case .failure(let reason): return .failure(await refuse(reason, identity, channel))
            }
        }
    }

    /// Counts an answer as the user's decision, or refuses it.
    package func decide(_ answer: Answer, by user: SignedInUser) async -> Result<Approval, Reason> {
        let found: Approval?
        do throws(LedgerError) {
            found = try await enforcement.ledger.approval(answer.handle.approval)
        } catch {
            return .failure(error.reason)
        }
        guard let approval = found else {
            let reason = Reason(.notFound, ReasonCode.notFound.explanation)
            return .failure(await refuse(reason, answer.identity, nil))
        }
        guard answer.handle.fits(approval.digest) else {
            return .failure(
                await refuse(
                    Reason(.digestMismatch, "The card shows another action than the one that waits. Open the page."),
                    answer.identity,
                    nil
                )
            )
        }
        guard answer.verdict == .approve || answer.reason.contains(where: { !$0.isWhitespace }) else {
            return .failure(await refuse(Reason(.badRequest, "Say why you deny it."), answer.identity, nil))
        }
        let needsPage = approval.gates.contains { $0.assurance == .passkey }
        guard answer.verdict == .deny || !needsPage else {
            return .failure(
                await refuse(
                    Reason(
                        .pageRequired,
                        "A gate asks for more than a chat can prove. Open the page and decide there."
                    ),
                    answer.identity,
                    nil
                )
            )
        }
        return await enforcement.decide(
            approval.id,
            by: user,
            Ballot(answer.verdict, reason: answer.reason, actionDigest: approval.digest),
        )
    }

    /// Keeps what a user said in a chat with the approval; it decides nothing.
    package func comment(_ text: String, on id: ApprovalID, by user: SignedInUser) async -> Result<Approval, Reason> {
        await enforcement.comment(id, by: user, text)
    }

    /// The approval that a card is about, for a card that is to be corrected.
    package func approval(_ handle: CardHandle) async -> Approval? {
        (try? await enforcement.ledger.approval(handle.approval)) ?? nil
    }

    /// Whether a place was told of an approval: elsewhere nobody is shown it, whatever they know of it.
    package func wasTold(_ approval: ApprovalID, at destination: Destination) async -> Bool {
        var query = NoticeQuery(channel: destination.channel, approval: approval, limit: 200)
        for _ in 0..<10 {
            guard let page = try? await enforcement.ledger.outbox.notices(query) else { return false }
            if page.items.contains(where: { $0.destination == destination }) { return true }
            guard let cursor = page.next else { return false }
            query.cursor = cursor
        }
        return false
    }

    /// The one approval that a message of a place shows.
    package func approval(shownAs reference: String, at destination: Destination) async -> ApprovalID? {
        (try? await enforcement.ledger.outbox.approval(shownAs: reference, at: destination)) ?? nil
    }

    /// The user that an account is linked to, for what it is shown; nothing is decided by it.
    package func linked(_ identity: ChannelIdentity) -> UserID? {
        identities.links().first { $0.identity == identity }?.user
    }

    /// Whether a user's decision on an approval is still wanted, for what they are shown; the enforcement decides.
    package func isAsked(_ user: UserID, on approval: Approval) -> Bool {
        let groups = enforcement.current.snapshot.directory.users[user]?.groups ?? []
        return approval.status == .pending && enforcement.clock.time() < approval.expiresAt
            && !approval.isOwn(of: user) && approval.gates.contains { $0.accepts(groups: groups) }
            && !approval.decisions.contains { $0.user.isSamePerson(as: user) }
    }

    /// What waits for a user's decision: of what was found, the `limit` oldest.
    ///
    /// The search begins at the newest and is bounded, so that nobody's flood keeps the server busy.
    package func waiting(for user: SignedInUser, limit: Int) async -> Result<WaitingList, Reason> {
        var query = ApprovalQuery(status: .pending, limit: 200)
        var mine: [Approval] = []
        var isAll = true
        do throws(LedgerError) {
            for _ in 0..<Self.maximumPages {
                let page = try await enforcement.ledger.approvals(query)
                mine += page.items.filter { isAsked(user.user.id, on: $0) }
                if mine.count > limit {
                    mine = Array(mine.suffix(limit))
                    isAll = false
                }
                query.cursor = page.next
                if page.next == nil { break }
            }
            return .success(WaitingList(approvals: mine.reversed(), isAll: isAll && query.cursor == nil))
        } catch {
            return .failure(error.reason)
        }
    }

    /// How a channel was last switched; `nil` if it never was.
    package func lastSwitch(of channel: ChannelName) async throws(LedgerError) -> ChannelSwitch? {
        try await enforcement.lastSwitch(of: channel)
    }

    /// Records that a channel is left alone from now on; with a reason, that could not be written.
    package func switchOff(_ channel: ChannelName, setup: String, detail: String) async -> Reason? {
        await enforcement.switchChannel(channel, .disabled, setup: setup, detail: detail, by: .gateway)
    }

    /// Records that a channel refused something before it was anybody's decision.
    @discardableResult
    package func refuse(
        _ reason: Reason,
        _ identity: ChannelIdentity?,
        _ channel: ChannelName?,
        detail: String = "",
        source: String? = nil,
    ) async -> Reason {
        await enforcement.refuseInChannel(reason, identity: identity, channel: channel, detail: detail, source: source)
    }
}
