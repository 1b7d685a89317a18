import Synchronization

/// Waiting for an answer, but not longer than a while.
enum Waiting {
    /// What `work` answers, or `late` if the time is up before; whichever loses is cancelled.
    static func within<Answer: Sendable>(
        _ limit: Duration,
        late: Answer,
        _ work: @escaping @Sendable () async -> Answer,
    ) async -> Answer {
        await withTaskGroup(of: Answer.self) { group in
            group.addTask { await work() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return late
            }
            let first = await group.next() ?? late
            group.cancelAll()
            return first
        }
    }
}

/// An answer that somebody waits for, for a little while, and that goes another way once nobody waits any more.
///
/// The mutex guards what has become of it.
final class AwaitedAnswer<Answer: Sendable>: Sendable {
    private enum State {
        /// Entered at the start. Goes to given, abandoned.
        case open
        /// Entered when the answer comes first.
        case given(Answer)
        /// Entered when the time is up first.
        case abandoned
    }

    private let state = Mutex(State.open)
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init() { (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Gives the answer; false if nobody waits any more.
    func give(_ answer: Answer) -> Bool {
        let isTaken = state.withLock { state in
            switch state {
            case .open:
                state = .given(answer)
                return true
            case .given, .abandoned: return false
            }
        }
        wake.finish()
        return isTaken
    }

    /// Waits; `nil` if the time is up.
    func wait(_ limit: Duration) async -> Answer? {
        let wakes = wakes
        await Waiting.within(limit, late: ()) { for await _ in wakes {} }
        return state.withLock { state in
            switch state {
            case .given(let answer): return answer
            case .open, .abandoned:
                state = .abandoned
                return nil
            }
        }
    }
}
