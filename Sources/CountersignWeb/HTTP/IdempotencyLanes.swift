import CountersignCore
import Synchronization

/// Lets requests with the same idempotency key go one after the other, so that the later ones find the first's answer.
///
/// The mutex guards the lanes; continuations are resumed outside of it.
final class IdempotencyLanes: Sendable {
    private let waiting = Mutex<[IdempotencyKey: [CheckedContinuation<Void, Never>]]>([:])

    /// Waits for its turn.
    ///
    /// Must be followed by ``leave(_:)``.
    func enter(_ key: IdempotencyKey) async {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { lanes in
                guard lanes[key] != nil else {
                    lanes[key] = []
                    return true
                }
                lanes[key]?.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    /// Lets the next one go.
    func leave(_ key: IdempotencyKey) {
        let next = waiting.withLock { lanes -> CheckedContinuation<Void, Never>? in
            guard let lane = lanes[key], !lane.isEmpty else {
                lanes[key] = nil
                return nil
            }
            return lanes[key]?.removeFirst()
        }
        next?.resume()
    }
}
