import MCPWire
import Synchronization

/// What a legacy client has subscribed to at a modern server, which hears of it by the streams that the client has (GET).
///
/// The mutex guards what is wanted, who follows it, and who waits until the server has agreed.
final class MCPWants: Sendable {
    private struct State {
        var resources: Set<String> = []
        var version = 0
        var followers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var next: UInt64 = 0
        var waiting: [(version: Int, source: AsyncStream<Set<String>>.Continuation)] = []
    }

    /// As many as a modern client's subscription may be about.
    static let maximum = 256

    private let state = Mutex(State())

    /// Changes what is wanted, and waits until a stream has it.
    ///
    /// What the server then agrees to tell of; `nil` if there is no stream, and the next will have it. Throws, and changes
    /// nothing, where more than ``maximum`` would be wanted.
    func change(_ change: (inout Set<String>) -> Void) async throws(RPCError) -> Set<String>? {
        let (agreements, source) = AsyncStream<Set<String>>.makeStream()
        let followers = try state.withLock { state throws(RPCError) -> [AsyncStream<Void>.Continuation] in
            var resources = state.resources
            change(&resources)
            guard resources.count <= Self.maximum else {
                let message = "A session has at most \(Self.maximum) subscriptions. End some of them."
                throw RPCError(code: RPCCode.invalidParams, message: message)
            }
            state.resources = resources
            state.version += 1
            guard !state.followers.isEmpty else { return [] }
            state.waiting.append((state.version, source))
            return Array(state.followers.values)
        }
        guard !followers.isEmpty else { return nil }
        for follower in followers { follower.yield() }
        for await agreed in agreements { return agreed }
        return nil
    }

    /// Forgets what the server does not agree to.
    func forget(_ resource: String) { state.withLock { _ = $0.resources.remove(resource) } }

    /// Follows what is wanted: the bell rings at once, and whenever that changes.
    func follow() -> (follower: UInt64, bell: AsyncStream<Void>) {
        let (bell, source) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        source.yield()
        return state.withLock { state in
            state.next += 1
            state.followers[state.next] = source
            return (state.next, bell)
        }
    }

    /// What is wanted, and since which change.
    var present: (version: Int, resources: Set<String>) { state.withLock { ($0.version, $0.resources) } }

    /// A stream has what was wanted at some change, as far as the server agrees.
    func agreed(_ version: Int, _ resources: Set<String>) {
        let told = state.withLock { state in
            defer { state.waiting.removeAll { $0.version <= version } }
            return state.waiting.filter { $0.version <= version }
        }
        for each in told {
            each.source.yield(resources)
            each.source.finish()
        }
    }

    /// Follows no more; the bell is silent.
    func leave(_ follower: UInt64) {
        let (bell, left) = state.withLock { state in
            let bell = state.followers.removeValue(forKey: follower)
            guard state.followers.isEmpty else { return (bell, [AsyncStream<Set<String>>.Continuation]()) }
            defer { state.waiting = [] }
            return (bell, state.waiting.map(\.source))
        }
        bell?.finish()
        for source in left { source.finish() }
    }
}
