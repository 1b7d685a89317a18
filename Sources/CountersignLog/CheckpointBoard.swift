import CountersignCore
import Synchronization

/// Where the newest checkpoint that anybody may see hangs, and where those wait who want a newer one.
///
/// The mutex guards all of it; continuations are resumed outside of it.
final class CheckpointBoard: Sendable {
    private typealias Answer = Result<SignedHead, LedgerError>

    private struct State {
        var newest: SignedHead?
        /// Why the latest try to sign failed; cleared by the next that succeeds.
        var trouble: LedgerError?
        var waiting: [UInt64: (size: UInt64, continuation: CheckedContinuation<Answer, Never>)] = [:]
        var nextTicket: UInt64 = 0

        /// Takes out those who wait for a size that fits.
        mutating func take(_ fits: (UInt64) -> Bool) -> [CheckedContinuation<Answer, Never>] {
            guard !waiting.isEmpty else { return [] }
            let woken = waiting.filter { fits($0.value.size) }
            for ticket in woken.keys { waiting[ticket] = nil }
            return woken.values.map(\.continuation)
        }
    }

    private let state = Mutex(State())

    /// The newest checkpoint that anybody may see.
    var newest: SignedHead? { state.withLock { $0.newest } }

    /// Why no newer one can be made now.
    var trouble: LedgerError? { state.withLock { $0.trouble } }

    /// Shows a checkpoint, which must be durable, to everybody.
    func show(_ head: SignedHead) {
        let woken = state.withLock { state in
            state.newest = head
            state.trouble = nil
            return state.take { $0 <= head.size }
        }
        for continuation in woken { continuation.resume(returning: .success(head)) }
    }

    /// Tells everybody who waits that nothing newer can be shown now.
    func fail(_ error: LedgerError) {
        let woken = state.withLock { state in
            state.trouble = error
            return state.take { _ in true }
        }
        for continuation in woken { continuation.resume(returning: .failure(error)) }
    }

    /// The newest checkpoint, once it covers so many entries; throws while that cannot be.
    ///
    /// Throws `.unsigned` when the task is cancelled.
    func head(covering size: UInt64) async throws(LedgerError) -> SignedHead {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let gone = LedgerError(.unsigned, "nobody waits for the checkpoint any more")
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
                let answer = state.withLock { state -> Answer? in
                    if let newest = state.newest, newest.size >= size { return .success(newest) }
                    if let trouble = state.trouble { return .failure(trouble) }
                    if Task.isCancelled { return .failure(gone) }
                    state.waiting[ticket] = (size, continuation)
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiting.removeValue(forKey: ticket) }
            waiter?.continuation.resume(returning: .failure(gone))
        }
        return try answer.get()
    }
}
