import Synchronization

/// The long polls and event streams that are open, so that a shutdown can end them.
///
/// The mutex guards the table of enders; they are called outside of it.
final class OpenWaits: Sendable {
    private struct State {
        var isDraining = false
        var next: UInt64 = 0
        var enders: [UInt64: @Sendable () -> Void] = [:]
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
