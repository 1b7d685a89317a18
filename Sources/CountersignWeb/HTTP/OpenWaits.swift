import CountersignCore
import Synchronization

/// The long polls and event streams that are open: so many for each caller, and a shutdown can end them.
///
/// The mutex guards the table of enders, which are called outside of it, and the counts.
final class OpenWaits: Sendable {
    private struct State {
        var isDraining = false
        var next: UInt64 = 0
        var enders: [UInt64: @Sendable () -> Void] = [:]
        var counts: [String: Int] = [:]
    }

    /// What a caller may have several of, each of which holds documents in memory.
    enum Kind: String {
        /// `GET /v1/approvals/{id}?wait=`.
        case poll
        /// `GET /v1/events`.
        case stream

        /// How many of them one caller may have at once.
        ///
        /// A stream whose client has gone is found out by its second heartbeat, so pages that are loaded again and again
        /// need room.
        var limit: Int {
            switch self {
            case .poll: 100
            case .stream: 32
            }
        }
    }

    /// One wait of a caller, counted until nobody holds this any more.
    final class Place: Sendable {
        private let waits: OpenWaits
        private let key: String

        fileprivate init(_ waits: OpenWaits, _ key: String) {
            self.waits = waits
            self.key = key
        }

        deinit { waits.leave(key) }
    }

    /// Takes a place, or says that the caller has too many of the kind.
    func enter(_ kind: Kind, of caller: Caller) throws(Problem) -> Place {
        let key = kind.rawValue + " " + (caller.ledgerName ?? "")
        let isAdmitted = state.withLock { state in
            guard state.counts[key, default: 0] < kind.limit else { return false }
            state.counts[key, default: 0] += 1
            return true
        }
        guard isAdmitted else {
            let what = kind == .poll ? "long polls" : "event streams"
            var problem = Problem(
                status: 429,
                code: ReasonCode.overloaded.rawValue,
                "You have \(kind.limit) \(what) open, which is as many as one caller may have. Close one first."
            )
            problem.retryAfter = 5
            throw problem
        }
        return Place(self, key)
    }

    private func leave(_ key: String) {
        state.withLock { state in
            let left = state.counts[key, default: 1] - 1
            state.counts[key] = left > 0 ? left : nil
        }
    }

    private let state = Mutex(State())

    /// Registers a wait; `end` is called at once if a shutdown has begun.
    func open(_ end: @escaping @Sendable () -> Void) -> UInt64 {
        let ticket = state.withLock { state -> UInt64? in
            if state.isDraining { return nil }
            state.next += 1
            state.enders[state.next] = end
            return state.next
        }
        if ticket == nil { end() }
        return ticket ?? 0
    }

    /// Forgets a wait that is over.
    func close(_ ticket: UInt64) { state.withLock { _ = $0.enders.removeValue(forKey: ticket) } }

    /// Ends every wait, now and from now on.
    func drain() {
        let enders = state.withLock { state in
            state.isDraining = true
            defer { state.enders = [:] }
            return Array(state.enders.values)
        }
        for end in enders { end() }
    }
}
