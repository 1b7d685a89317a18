import CountersignCore
import CountersignIdentity
import CountersignStore
import CountersignTestKit
import Crypto
import Foundation
import TransparencyLog

/// A ledger with something of everything: approvals in every state, refused decisions, identities that came, changed and
/// went, sessions, a kept response, checkpoints and a cursor.
struct RichLedger {
    /// The approvals, by what became of them.
    let approvals: [String: ApprovalID]
    /// How many entries it has.
    let size: UInt64

    private static let policies = """
        permit (principal is Agent, action, resource);

        @id("deletes") @approvers("dba") @advice("Look twice.")
        forbid (principal is Agent, action == Action::"http:delete", resource);

        @id("writes") @approvers("dba") @quorum("2") @expires("30m") @grant("2m")
        forbid (principal is Agent, action == Action::"http:write", resource);
        """

    /// Makes one, with at least so many entries, and closes it.
    static func make(_ path: String, entries: Int = 600) async throws -> RichLedger {
        let clock = ManualClock()
        let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
        let maker = try await Maker(ledger: ledger, clock: clock, policies: policies)
        try await maker.identities()
        try await maker.tools()
        let approvals = try await maker.approvals()
        try await maker.erase(approvals)
        try await maker.pass(max(0, entries - Int(try await ledger.treeHead().size)))
        try await maker.sign()
        let size = try await ledger.treeHead().size
        try await ledger.close()
        return RichLedger(approvals: approvals, size: size)
    }

    /// Makes the parts.
    private struct Maker {
        let ledger: SQLiteLedger
        let clock: ManualClock
        let enforcement: Enforcement
        let registry: IdentityRegistry
        let tokens = UserTokens(key: Curve25519.Signing.PrivateKey())
        let admin = Actor.user(UserTokens.localAdministrator, via: UserTokens.via)

        init(ledger: SQLiteLedger, clock: ManualClock, policies: String) async throws {
            self.ledger = ledger
            self.clock = clock
            let enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock, policies: policies)
            self.enforcement = enforcement
            let declared = DeclaredIdentities(users: [User(id: Fixtures.alice, groups: [Fixtures.approvers])])
            registry = IdentityRegistry(
                book: IdentityBook(declared: declared, records: IdentityRecords()),
                current: CurrentSnapshot(enforcement.current.snapshot),
                ledger: ledger,
                clock: clock,
                chance: .deterministic(seed: 7),
                tokens: tokens,
            )
        }

        private func tick() { clock.advance(by: .seconds(1)) }

        func identities() async throws {
            let bot = AgentID(unchecked: "night-bot")
            let gone = AgentID(unchecked: "gone-bot")
            let carol = UserID(unchecked: "carol@example.com")
            let dave = UserID(unchecked: "dave@example.com")
            let groups = [GroupName(unchecked: "agents"), GroupName(unchecked: "night")]
            for agent in [bot, gone] {
                _ = try await registry.put(Agent(id: agent, owner: Fixtures.owner, groups: groups), by: admin).get()
                tick()
            }
            let changed = Agent(id: bot, owner: carol, groups: groups, actsFor: [Fixtures.alice])
            _ = try await registry.put(changed, by: admin).get()
            for user in [carol, dave] { _ = try await registry.put(User(id: user, groups: groups), by: admin).get() }
            _ = try await registry.makeKey(for: gone, expires: nil, by: admin).get()
            let first = try await registry.makeKey(for: bot, expires: .seconds(86_400), by: admin).get()
            _ = try await registry.makeKey(for: bot, expires: nil, by: admin).get()
            tick()
            _ = try await registry.revokeKey(first.key.id, by: admin).get()
            try await registry.remove(gone, by: admin).get()
            for user in [carol, dave, carol] {
                let link = try registry.makeLink(for: user, life: .seconds(600)).get()
                let session = try await registry.signIn(link: link).get()
                tick()
                if user == dave { continue }
                let other = try registry.makeLink(for: user, life: .seconds(600)).get()
                _ = try await registry.signIn(link: other).get()
                try await registry.signOut(session.session).get()
            }
            for (account, user) in [("slack:T1/U1", carol), ("slack:T1/U2", dave), ("teams:t/o", carol)] {
                guard let identity = ChannelIdentity(account) else { continue }
                _ = try await registry.link(identity, to: user, by: admin).get()
                tick()
                if account == "teams:t/o" { _ = try await registry.unlink(identity, by: admin).get() }
            }
            try await registry.remove(dave, by: admin).get()
            _ = await enforcement.reject(
                Reason(.unauthenticated, "who?"),
                agent: nil,
                connection: Fixtures.connection,
                detail: "no key",
                Circumstances(sourceAddress: "192.0.2.9"),
            )
        }

        /// A definition that was accepted, and another that took its place.
        func tools() async throws {
            var previous: ActionDigest?
            for text in ["one", "two"] {
                let listed = ListedTool(name: "counter", canonical: Array(text.utf8))
                let accepted = AcceptedTool(listed, on: Fixtures.connection, by: .gateway, at: clock.time())
                let change = ToolAcceptance(accepted, previous: previous)
                _ = try await ledger.commit(Commit(entries: [enforcement.entries.accepted(change)], tools: [change]))
                previous = accepted.digest
                tick()
            }
        }

        func approvals() async throws -> [String: ApprovalID] {
            var made = ["expired": try await hold("expired").id]
            clock.advance(by: .seconds(1801))
            made["lapsed"] = try await approved("lapsed")
            clock.advance(by: .seconds(301))
            for name in ["expired", "lapsed"] {
                if let id = made[name] { try await enforcement.settleIfDue(id) }
            }
            for name in ["pending", "half", "denied", "withdrawn"] { made[name] = try await hold(name).id }
            for name in ["approved", "revoked", "redeemed", "succeeded", "failed", "unknown"] {
                made[name] = try await approved(name)
            }
            try await vote("half", made, .approve, by: Fixtures.alice)
            // Words after a decision, and on approvals that people then settle.
            for (name, text) in [("half", "one more thing"), ("half", "and another"), ("withdrawn", "never mind")] {
                try await comment(text, on: name, made)
            }
            try await comment("which ticket?", on: "half", made, by: Fixtures.bob)
            try await comment("not before noon", on: "approved", made, by: Fixtures.owner)
            try await vote("pending", made, .approve, by: Fixtures.owner)
            try await vote("denied", made, .deny, by: Fixtures.bob)
            // Comes too late, and is only an entry.
            try await vote("denied", made, .approve, by: Fixtures.alice)
            if let id = made["withdrawn"] { _ = try await enforcement.withdraw(id, by: Fixtures.agent).get() }
            if let id = made["revoked"] { _ = try await enforcement.revoke(id, by: Fixtures.signedIn()).get() }
            let ends: [(String, Outcome?)] = [
                ("redeemed", nil), ("succeeded", Outcome(.succeeded, status: 200, detail: "done")),
                ("failed", Outcome(.failed, status: 502)), ("unknown", Outcome(.unknown)),
            ]
            for (name, outcome) in ends {
                guard let id = made[name] else { continue }
                _ = await enforcement.redeem(id, action(name), Circumstances(), by: .gateway)
                tick()
                guard let outcome else { continue }
                let kept = KeptResponse(approval: id, status: 200, fields: [["a", "b"]], body: [1, 2, 3])
                let response = name == "succeeded" ? kept : nil
                _ = try await enforcement.complete(
                    id,
                    outcome,
                    response: response,
                    delivered: name == "failed",
                    by: .gateway,
                )
            }
            return made
        }

        /// Actions that pass, in crowds.
        func pass(_ count: Int) async throws {
            for start in stride(from: 0, to: count, by: 500) {
                var drafts = [EntryDraft]()
                for number in start..<min(start + 500, count) {
                    let action = Fixtures.action(effect: .read, path: "/v1/orders/\(number)")
                    guard case .allowed(let draft) = await enforcement.admit(action, Circumstances()) else {
                        throw LedgerError(.corrupt, "a read is allowed")
                    }
                    drafts.append(draft)
                }
                _ = try await ledger.commit(Commit(entries: drafts))
                tick()
            }
        }

        /// Erases what stands beside two approvals that are over, one of which has a result that nobody fetched.
        func erase(_ made: [String: ApprovalID]) async throws {
            let user = SignedInUser(
                user: User(id: UserTokens.localAdministrator),
                via: UserTokens.via,
                isLocalAdministrator: true,
            )
            for name in ["withdrawn", "failed"] {
                guard let id = made[name] else { throw LedgerError(.corrupt, "\(name) was asked for") }
                _ = try await enforcement.erase(.approval(id), reason: "asked to", by: user).get()
                tick()
            }
        }

        func sign() async throws {
            try await remember(isCosigned: true)
            try await pass(3)
            try await remember(isCosigned: false)
            try await ledger.moveCursor("export", to: 17)
            let answer = RememberedAnswer(fingerprint: "f", status: 200, contentType: "text/plain", body: [1])
            let key = IdempotencyKey(caller: "User:alice", key: "k")
            try await ledger.remember(answer, for: key, now: clock.time())
        }

        private func remember(isCosigned: Bool) async throws {
            let head = try await ledger.treeHead()
            let note = try Checkpoint(origin: Fixtures.logOrigin, size: head.size, root: head.root)
                .signed(by: Fixtures.logSigner())
            if isCosigned {
                try await ledger.rememberCosigned(note, size: head.size)
            } else {
                try await ledger.rememberCheckpoint(note, size: head.size)
            }
        }

        private func hold(_ name: String) async throws -> Approval {
            let circumstances = Circumstances(
                sourceAddress: "192.0.2.1",
                justification: "because of \(name)",
                requestID: "request-\(name)",
            )
            let admission = await enforcement.admit(action(name), circumstances, asynchronous: name == "succeeded")
            guard case .held(let approval) = admission else { throw LedgerError(.corrupt, "\(name) is held") }
            tick()
            return approval
        }

        private func approved(_ name: String) async throws -> ApprovalID {
            let id = try await hold(name).id
            try await vote(name, [name: id], .approve, by: Fixtures.alice)
            return id
        }

        private func vote(
            _ name: String,
            _ made: [String: ApprovalID],
            _ verdict: Decision.Verdict,
            by user: UserID,
        ) async throws {
            guard let id = made[name] else { throw LedgerError(.corrupt, "\(name) was asked for") }
            let ballot = Ballot(verdict, reason: "reason of \(name)", actionDigest: action(name).digest)
            // Some of these are meant to be refused; the test of the whole ledger counts the states.
            _ = await enforcement.decide(id, by: Fixtures.signedIn(user), ballot)
            tick()
        }

        private func comment(
            _ text: String,
            on name: String,
            _ made: [String: ApprovalID],
            by person: UserID? = nil,
        ) async throws {
            guard let id = made[name], let words = ApprovalComment.Words(text) else {
                throw LedgerError(.corrupt, "\(name) was asked for")
            }
            if let person {
                _ = try await enforcement.comment(id, by: Fixtures.signedIn(person), text).get()
            } else {
                _ = try await enforcement.comment(id, words, by: Fixtures.agent).get()
            }
            tick()
        }

        private func action(_ name: String) -> Action {
            Fixtures.action(effect: ["half", "expired"].contains(name) ? .write : .delete, path: "/v1/\(name)")
        }
    }
}
