import Synchronization

/// Remembers how often each agent asked of late, so that a flood of questions becomes a digest.
///
/// It is a courtesy and no limit: a restart forgets it. The mutex guards the times.
final class AskPace: Sendable {
    private struct Asks {
        var times: [Timestamp] = []
        /// How many there were for as long as the agent is remembered.
        var total = 0
    }

    private struct State {
        var asks: [AgentID: Asks] = [:]
        var sweptAt: Timestamp?
    }

    /// How many times of one agent are remembered.
    private static let maximum = 1024

    private let state = Mutex(State())

    /// Notes an ask at `now`; says how many there were within a time before it.
    ///
    /// Beyond what is remembered the number is not exact, but still one more with each ask.
    func note(_ agent: AgentID, now: Timestamp) -> @Sendable (Duration) -> Int {
        let asks = state.withLock { state in
            let oldest = now.adding(.zero - ChannelRouting.longestDigest)
            if state.sweptAt.map({ $0 < now.adding(.seconds(-60)) }) ?? true {
                state.sweptAt = now
                state.asks = state.asks.filter { $0.value.times.last.map { $0 > oldest } ?? false }
            }
            let before = state.asks[agent] ?? Asks()
            var asks = before
            asks.times.append(now)
            if asks.times.count > Self.maximum { asks.times.removeFirst(asks.times.count - Self.maximum) }
            asks.total += 1
            state.asks[agent] = asks
            return before
        }
        return { window in
            let start = now.adding(.zero - window)
            let count = asks.times.reversed().prefix { $0 > start }.count
            return count == Self.maximum ? max(count, asks.total) : count
        }
    }
}
