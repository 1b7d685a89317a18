import CountersignCore
import Synchronization

/// Remembers what came, so that it does not come twice; the mutex guards it.
///
/// It never forgets early: when it is full of what is still fresh, nothing new is taken.
final class ReplayMemory: Sendable {
    /// What it says of something that comes.
    enum Answer: Hashable, Sendable {
        /// It is new, and from now on known.
        case new
        /// It came before.
        case known
        /// There is no room to remember it.
        case full
    }

    private struct State {
        var known: Set<String> = []
        var order: [(key: String, until: Timestamp)] = []
        var first = 0
    }

    private let lifetime: Duration
    private let maximum: Int
    private let state = Mutex(State())

    /// Remembers each thing for that time, and at most so many at once.
    init(lifetime: Duration, maximum: Int) {
        self.lifetime = lifetime
        self.maximum = maximum
    }

    /// Notes that something came.
    func note(_ key: String, now: Timestamp) -> Answer {
        state.withLock { state in
            while state.first < state.order.count, state.order[state.first].until <= now {
                state.known.remove(state.order[state.first].key)
                state.first += 1
            }
            if state.first > maximum || state.first == state.order.count {
                state.order.removeFirst(state.first)
                state.first = 0
            }
            if state.known.contains(key) { return .known }
            guard state.known.count < maximum else { return .full }
            state.known.insert(key)
            state.order.append((key, now.adding(lifetime)))
            return .new
        }
    }

    /// Unlearns what was not taken after all, so that it may come again.
    func forget(_ key: String) {
        state.withLock { state in
            state.known.remove(key)
            state.order.removeFirst(state.first)
            state.first = 0
            state.order.removeAll { $0.key == key }
        }
    }
}
