import CanonicalJSON

extension Enforcement {
    /// What is to be erased.
    package enum ErasureTarget: Hashable, Sendable {
        /// What stands beside this entry; if it is one of an approval, all that stands beside the approval's.
        case entry(UInt64)
        /// What stands beside this approval's entries.
        case approval(ApprovalID)
    }

    /// What was erased.
    package struct Erased: Hashable, Sendable {
        /// The entries whose payloads are gone.
        package let sequences: [UInt64]
        /// The approval whose document they were.
        package let approval: ApprovalID?
        /// The entry that tells of it.
        package let entry: UInt64
    }

    /// The most characters of a reason.
    package static var longestErasureReason: Int { 1024 }

    /// Whether a user may erase payloads: the local administrator, and whoever is in a group of `payloads.erasers`.
    package func mayErase(_ user: SignedInUser) -> Bool {
        if user.isLocalAdministrator { return true }
        // The groups of today's directory count, whatever the session knew when it began.
        let groups = current.snapshot.directory.users[user.user.id]?.groups ?? []
        return current.snapshot.settings.erasers.contains { groups.contains($0) }
    }

    /// Removes payloads for good, and writes who did it and why.
    ///
    /// Everything that shows the same document goes in the same transaction as the entry. What commits to it stays, so
    /// every proof stays valid. Of two who erase the same one wins; the other is `already-erased`.
    package func erase(
        _ target: ErasureTarget,
        reason: String,
        by user: SignedInUser,
    ) async -> Result<Erased, Reason> {
        guard mayErase(user) else {
            return .failure(
                Reason(
                    .notAllowed,
                    "Only the local administrator and the groups of payloads.erasers in the configuration may erase.",
                )
            )
        }
        do {
            for _ in 0..<16 {
                if let result = try await eraseOnce(target, reason, by: user) { return result }
            }
            return .failure(LedgerError(.unavailable, "what is to be erased kept changing").reason)
        } catch {
            return .failure(error.reason)
        }
    }

    /// One try; `nil` when compare-and-set lost and everything must be read again.
    private func eraseOnce(
        _ target: ErasureTarget,
        _ reason: String,
        by user: SignedInUser,
    ) async throws(LedgerError) -> Result<Erased, Reason>? {
        let id: ApprovalID?
        var found = [Entry]()
        switch target {
        case .approval(let approval):
            id = approval
        case .entry(let sequence):
            guard let entry = try await ledger.entry(sequence) else {
                return .failure(Reason(.notFound, "The log has no such entry."))
            }
            id = entry.approval
            found = [entry]
        }
        if let id {
            guard let approval = try await ledger.approval(id) else {
                return .failure(Reason(.notFound, "There is no approval \(id)."))
            }
            guard approval.status.isFinal else {
                return .failure(
                    Reason(
                        .wrongState,
                        "The approval \(id) is \(approval.status.rawValue), so its document is still needed. Deny, revoke or "
                            + "withdraw it first.",
                    )
                )
            }
            found = try await entries(of: id)
        }
        let sequences = found.filter { $0.payload != nil }.map(\.sequence)
        guard !sequences.isEmpty else {
            let was = found.contains(where: \.commitsToPayload)
            return .failure(
                was
                    ? Reason(.alreadyErased, ReasonCode.alreadyErased.explanation)
                    : Reason(.wrongState, "Nothing stands beside this entry, so there is nothing to erase.")
            )
        }
        let actor = Actor.user(user.user.id, via: user.via)
        let draft = entries.erased(sequences, reason: reason, approval: id, by: actor, at: clock.time())
        switch try await ledger.commit(Commit(entries: [draft], erasures: sequences)) {
        case .committed(let first): return .success(Erased(sequences: sequences, approval: id, entry: first))
        case .conflict, .tooManyPending: return nil
        }
    }

    /// All entries of an approval, with what stands beside them.
    private func entries(of id: ApprovalID) async throws(LedgerError) -> [Entry] {
        var entries = [Entry]()
        var query = EntryQuery(approval: id, ascending: true, limit: 200)
        repeat {
            let page = try await ledger.entries(query)
            entries += page.items
            query.cursor = page.next
        } while query.cursor != nil
        return entries
    }

    /// Erases what is older than its term, in one portion; where to go on, or `nil` when there is no more for now.
    ///
    /// Approvals under way are left out and come later. A crash between two portions costs nothing: each is a
    /// transaction with its entry, and what is gone is not found again.
    package func eraseExpired(
        _ scope: ErasableQuery.Scope,
        term: Duration,
        from start: UInt64,
        limit: Int,
    ) async throws(LedgerError) -> (erased: Int, page: ErasablePage) {
        let now = clock.time()
        let before = now.adding(.zero - term)
        let page = try await ledger.erasable(ErasableQuery(scope, from: start, before: before, limit: limit))
        var erased = 0
        for (connection, items) in Dictionary(grouping: page.items, by: \.connection).sorted(by: Self.precedes) {
            let sequences = items.map(\.sequence)
            let draft = entries.expired(sequences, connection: connection, before: before, at: now)
            switch try await ledger.commit(Commit(entries: [draft], erasures: sequences)) {
            case .committed: erased += sequences.count
            // Somebody erased one of them meanwhile, or an approval changed: the next sweep looks again.
            case .conflict, .tooManyPending:
                return (
                    erased,
                    ErasablePage(
                        items: [],
                        skipped: min(page.skipped ?? .max, sequences.first ?? start),
                        next: page.next,
                        isLast: page.isLast
                    )
                )
            }
        }
        return (erased, page)
    }

    private static func precedes(
        _ left: (key: ConnectionName?, value: [ErasablePage.Item]),
        _ right: (key: ConnectionName?, value: [ErasablePage.Item]),
    ) -> Bool { (left.value.first?.sequence ?? 0) < (right.value.first?.sequence ?? 0) }
}

extension Entry {
    private var members: JSONValue? { StoredJSON.value(bytes) }

    /// The approval that it is one of.
    fileprivate var approval: ApprovalID? { members?["approval"]?.stringValue.flatMap { ApprovalID($0) } }

    /// Whether something stands, or stood, beside it.
    fileprivate var commitsToPayload: Bool { members?["payload"] != nil }
}

extension EntryWriter {
    /// `payload.erased`, because somebody asked for it.
    package func erased(
        _ sequences: [UInt64],
        reason: String,
        approval: ApprovalID?,
        by actor: Actor,
        at now: Timestamp,
    ) -> EntryDraft {
        var erased = Self.erased(sequences, reason: "request")
        // Named here and not as the entry's own approval: the entry is not part of the action's story.
        if let approval { erased["approval"] = .string(approval.rawValue) }
        let text = reason.cut(to: Enforcement.longestErasureReason)
        return EntryDraft(
            .payloadErased,
            time: now,
            actor: actor,
            members: [("erased", .object(erased)), ("reason", .string(text))],
        )
    }

    /// `payload.erased`, because the time is over for which the connection keeps payloads.
    package func expired(
        _ sequences: [UInt64],
        connection: ConnectionName?,
        before: Timestamp,
        at now: Timestamp,
    ) -> EntryDraft {
        var erased = Self.erased(sequences, reason: "retention")
        erased["before"] = .string(before.rfc3339)
        if let connection { erased["connection"] = .string(connection.rawValue) }
        return EntryDraft(
            .payloadErased,
            time: now,
            actor: .gateway,
            connection: connection,
            members: [("erased", .object(erased))],
        )
    }

    /// Every number is named, so that whoever misses a payload can tell whether an entry accounts for it.
    private static func erased(_ sequences: [UInt64], reason: String) -> JSONObject {
        JSONObject([
            ("count", .integer(Int64(sequences.count))), ("reason", .string(reason)),
            ("sequences", .array(sequences.map { .integer(Int64(clamping: $0)) })),
        ])
    }
}
