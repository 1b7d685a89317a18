import CanonicalJSON

extension Enforcement {
    /// Whether a user may have notices sent again: the local administrator, and whoever is in a group of
    /// `notices.replayers`.
    package func mayReplay(_ user: SignedInUser) -> Bool {
        if user.isLocalAdministrator { return true }
        // The groups of today's directory count, whatever the session knew when it began.
        let groups = current.snapshot.directory.users[user.user.id]?.groups ?? []
        return current.snapshot.settings.replayers.contains { groups.contains($0) }
    }

    /// Has a notice sent again that was delivered or refused, and writes who asked for it.
    ///
    /// The entry comes first: what a crash leaves is somebody who asked and asks again, and never a repetition that
    /// nobody asked for. Of two who ask at once both have an entry, and the notice goes out once.
    package func replay(_ number: Int64, by user: SignedInUser) async -> Result<Notice, Reason> {
        guard mayReplay(user) else {
            return .failure(
                Reason(
                    .notAllowed,
                    "Only the local administrator and the groups of notices.replayers in the configuration may send "
                        + "notices again.",
                )
            )
        }
        do {
            guard let notice = try await ledger.outbox.notice(number) else {
                return .failure(Reason(.notFound, "There is no notice \(number)."))
            }
            guard notice.state.canBeReplayed else {
                return .failure(.notReplayable(notice))
            }
            let now = clock.time()
            let entry = EntryDraft.replayed(notice, by: .user(user.user.id, via: user.via), at: now)
            if let reason = await commit(entry) { return .failure(reason) }
            let isTaken = try await ledger.outbox.replayNotice(number, at: now)
            guard let next = try await ledger.outbox.notice(number) else {
                return .failure(Reason(.notFound, "There is no notice \(number) any more."))
            }
            return isTaken ? .success(next) : .failure(.notReplayable(next))
        } catch {
            return .failure(error.reason)
        }
    }
}

extension Notice.State {
    /// Whether it is over in a way after which it can be sent again.
    package var canBeReplayed: Bool {
        switch self {
        case .delivered, .failed: true
        case .waiting, .sending, .dropped: false
        }
    }
}

extension Reason {
    fileprivate static func notReplayable(_ notice: Notice) -> Reason {
        Reason(
            .wrongState,
            "The notice \(notice.number) is \(notice.state.rawValue); only what was delivered or has failed is sent again.",
        )
    }
}

extension EntryDraft {
    /// `notice.replayed`: somebody had a notice sent again.
    ///
    /// The approval is named in the notice and is not the entry's own: it is no part of the action's story.
    static func replayed(_ notice: Notice, by actor: Actor, at now: Timestamp) -> EntryDraft {
        let members: JSONObject = [
            "approval": .string(notice.approval.rawValue), "cause": .string(notice.cause.rawValue),
            "channel": .string(notice.destination.channel.rawValue), "id": .string(notice.id),
            "number": .integer(notice.number), "state": .string(notice.state.rawValue),
        ]
        return EntryDraft(.noticeReplayed, time: now, actor: actor, members: [("notice", .object(members))])
    }
}
