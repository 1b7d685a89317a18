package import CountersignCore
import Synchronization

/// Knows who is who: agents, users, keys and sessions, declared or made by command.
///
/// Questions are answered from memory; the mutex guards the book. Every change is committed with its entry before it
/// comes into force, and changes take turns, reloads of the configuration among them.
package final class IdentityRegistry: Sendable {
    let current: CurrentSnapshot
    let ledger: any Ledger
    let clock: any WallClock
    let chance: Chance
    let tokens: UserTokens
    private let book: Mutex<IdentityBook>
    private let turns = Turns()

    /// How long a dashboard session lasts.
    package static let sessionLife = Duration.seconds(12 * 3600)

    /// Starts with a book whose directory is in the current snapshot already.
    package init(
        book: IdentityBook,
        current: CurrentSnapshot,
        ledger: any Ledger,
        clock: any WallClock,
        chance: Chance,
        tokens: UserTokens,
    ) {
        self.book = Mutex(book)
        self.current = current
        self.ledger = ledger
        self.clock = clock
        self.chance = chance
        self.tokens = tokens
    }

    /// Everybody in force now.
    func read<Value>(_ body: (IdentityBook) -> Value) -> Value { book.withLock { body($0) } }

    /// Makes one change: `draft` looks at the book and says what to commit, or why not.
    ///
    /// A crash before the commit returns means that nothing happened; after it, the next start reads the change.
    func change<Value: Sendable>(
        _ draft: (IdentityBook) -> Result<(changes: [IdentityChange], entries: [EntryDraft], value: Value), Reason>,
    ) async -> Result<Value, Reason> {
        await turns.take {
            switch draft(read { $0 }) {
            case .failure(let reason): return .failure(reason)
            case .success(let plan):
                if plan.changes.isEmpty, plan.entries.isEmpty { return .success(plan.value) }
                do {
                    switch try await ledger.commit(Commit(entries: plan.entries, identity: plan.changes)) {
                    case .committed: break
                    case .conflict, .tooManyPending:
                        return .failure(Reason(.invalidCredential, "This link has been used. Ask for a new one."))
                    }
                    try come(plan.changes)
                    return .success(plan.value)
                } catch let error as LedgerError {
                    return .failure(error.reason)
                } catch {
                    return .failure(Reason(.badRequest, "The directory does not take this change: \(error)."))
                }
            }
        }
    }

    /// Puts another configuration into force in one turn: `prepare` makes snapshot and entries out of the new
    /// directory, the entries are committed, and only then everything changes, `activate` included.
    package func reconfigure(
        _ declared: DeclaredIdentities,
        connections: [Connection],
        prepare: (Directory) throws -> (snapshot: Snapshot, entries: [EntryDraft]),
        activate: () -> Void,
    ) async throws {
        try await turns.take {
            let next = read { $0.declaring(declared) }
            let (snapshot, entries) = try prepare(next.directory(connections: connections))
            if !entries.isEmpty { _ = try await ledger.commit(Commit(entries: entries)) }
            book.withLock { $0 = next }
            current.replace(with: snapshot)
            activate()
        }
    }

    /// Brings committed changes into force, in the book first, so that a key is never known before its agent.
    private func come(_ changes: [IdentityChange]) throws {
        var next = read { $0 }
        for change in changes { next.apply(change) }
        let old = current.snapshot
        if changes.contains(where: \.concernsDirectory) {
            let directory = try next.directory(connections: Array(old.directory.connections.values))
            current.replace(
                with: Snapshot(
                    policy: old.policy,
                    directory: directory,
                    settings: old.settings,
                    configurationVersion: old.configurationVersion,
                    routing: old.routing,
                )
            )
        }
        book.withLock { $0 = next }
    }
}

extension IdentityChange {
    /// Whether policy sees it.
    fileprivate var concernsDirectory: Bool {
        switch self {
        case .putAgent, .removeAgent, .putUser, .removeUser: true
        case .putKey, .revokeKey, .putSession, .endSession, .putLink, .useLink: false
        }
    }
}
