import Synchronization

/// Pauses that end when a test says so.
final class ManualPause: Sendable {
    private struct State {
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var nextTicket: UInt64 = 0
    }

    private let state = Mutex(State())
    private let begun: AsyncStream<Duration>
    private let source: AsyncStream<Duration>.Continuation

    init() { (begun, source) = AsyncStream.makeStream() }

    /// Waits until ``pass()``; throws when the task is cancelled.
    func hold(_ duration: Duration) async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let isPassed = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.waiting[ticket] = continuation
                    return false
                }
                if isCancelled { continuation.resume(returning: false) } else { source.yield(duration) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(returning: false)
        }
        if !isPassed { throw CancellationError() }
    }

    /// Returns when the next pause has begun, with its length.
    func next() async -> Duration? { await begun.first { _ in true } }

    /// Ends all pauses that have begun.
    func pass() {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: true) }
    }
}
