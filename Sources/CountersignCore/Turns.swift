import Synchronization

/// Lets one change at a time span its awaits, in the order of asking; the mutex guards the queue.
///
/// Without turns two changes could be committed in one order and come into force in the other.
package final class Turns: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Nobody's turn yet.
    package init() {}

    /// Runs `body` when everybody who asked before is done.
    package func take<Value: Sendable>(_ body: () async throws -> Value) async rethrows -> Value {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isTaken {
                    state.waiting.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isFree { continuation.resume() }
        }
        defer { next() }
        return try await body()
    }

    private func next() {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        continuation?.resume()
    }
}
