import Synchronization

/// Wakes those who wait for the log to grow, after the entries are durable.
///
/// The mutex guards the size and who waits; continuations are resumed outside of it.
package final class LogGrowth: Sendable {
    private struct State {
        var size: UInt64
        var waiting: [UInt64: (beyond: UInt64, continuation: CheckedContinuation<UInt64?, Never>)] = [:]
        var nextTicket: UInt64 = 0
    }

    private let state: Mutex<State>

    /// Begins with a log of this many entries.
    package init(size: UInt64 = 0) { state = Mutex(State(size: size)) }

    /// How many entries are durable.
    package var size: UInt64 { state.withLock { $0.size } }

    /// Waits until the log has more than `size` entries, and answers how many; `nil` when the task is cancelled.
    package func grown(beyond size: UInt64) async -> UInt64? {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> UInt64?? in
                    if Task.isCancelled { return .some(nil) }
                    if state.size > size { return .some(state.size) }
                    state.waiting[ticket] = (size, continuation)
                    return nil
                }
                if case .some(let answer) = answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiting.removeValue(forKey: ticket) }
            waiter?.continuation.resume(returning: nil)
        }
    }

    /// Tells everybody that so many entries are durable; called by the ledger.
    package func advance(to size: UInt64) {
        let woken = state.withLock { state -> [CheckedContinuation<UInt64?, Never>] in
            guard size > state.size else { return [] }
            state.size = size
            guard !state.waiting.isEmpty else { return [] }
            let woken = state.waiting.filter { $0.value.beyond < size }
            for ticket in woken.keys { state.waiting[ticket] = nil }
            return woken.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume(returning: size) }
    }
}
