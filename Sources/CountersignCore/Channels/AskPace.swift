import Synchronization

/// Remembers how often each agent asked of late, so that a flood of questions becomes a digest.
///
/// It is a courtesy and no limit: a restart forgets it. The mutex guards the times.
final class AskPace: Sendable {
    private struct State {
        var asks: [AgentID: [Timestamp]] = [:]
        /// How many asks of an agent were noted for as long as it is remembered.
        var totals: [AgentID: Int] = [:]
        var sweptAt: Timestamp?
    }

    /// How many times of one agent are remembered.
    private static let maximum = 1024

    private let state = Mutex(State())

    /// Notes an ask at `now`; says how many there were within a time before it.
    ///
    /// Beyond what is remembered the number is not exact, but still one more with each ask.
    func note(_ agent: AgentID, now: Timestamp) -> @Sendable (Duration) -> Int {
        let (times, total) = state.withLock { state in
            let oldest = now.adding(.zero - ChannelRouting.longestDigest)
            if state.sweptAt.map({ $0 < now.adding(.seconds(-60)) }) ?? true {
                state.sweptAt = now
                state.asks = state.asks.filter { $0.value.last.map { $0 > oldest } ?? false }
                state.totals = state.totals.filter { state.asks[$0.key] != nil }
            }
            var times = state.asks[agent] ?? []
            let before = times
            times.append(now)
            if times.count > Self.maximum { times.removeFirst(times.count - Self.maximum) }
            state.asks[agent] = times
            let total = state.totals[agent] ?? 0
            state.totals[agent] = total + 1
            return (before, total)
        }
        return { window in
            let start = now.adding(.zero - window)
            let count = times.reversed().prefix { $0 > start }.count
            return count == Self.maximum ? max(count, total) : count
        }
    }
}
