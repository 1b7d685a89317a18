import CountersignCore
import Synchronization

/// Remembers which activities came, for as long as the token of one is good, so that none counts twice.
///
/// A restart forgets them: then, and beyond the bound, the approval itself remembers who decided. The mutex guards them.
final class SeenActivities: Sendable {
    private struct State {
        var ends: [String: Timestamp] = [:]
        var sweptAt: Timestamp?
    }

    private let state = Mutex(State())
    private let maximum: Int

    init(maximum: Int = 50_000) { self.maximum = maximum }

    /// Whether it comes for the first time.
    func isNew(_ id: String, until end: Timestamp, now: Timestamp) -> Bool {
        state.withLock { state in
            if state.sweptAt.map({ $0 < now.adding(.seconds(-60)) }) ?? true || state.ends.count >= maximum {
                state.sweptAt = now
                state.ends = state.ends.filter { $0.value > now }
            }
            guard state.ends[id] == nil else { return false }
            if state.ends.count >= maximum, let first = state.ends.min(by: { $0.value < $1.value }) {
                state.ends[first.key] = nil
            }
            state.ends[id] = end
            return true
        }
    }
}
