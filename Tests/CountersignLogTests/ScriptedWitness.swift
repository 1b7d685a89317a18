import CountersignCore
import CountersignTestKit
import Crypto
import Synchronization
import TransparencyLog

@testable import CountersignLog

/// A witness in memory that does what the specification says, until a test says otherwise.
final class ScriptedWitness: WitnessLink {
    /// What it does with a request.
    enum Mood: Sendable {
        /// What the specification says.
        case honest
        /// Gives no answer.
        case down
        /// Gives this answer, whatever it is asked.
        case answering(WitnessReply)
        /// Keeps the request until the mood changes or the task is cancelled.
        case slow
    }

    private struct State {
        var tree = WitnessedTree.none
        var mood = Mood.honest
        var requests: [AddCheckpointRequest] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let signer: CosignatureSigner
    private let log: NoteVerifier
    private let state = Mutex(State())
    private let asked: AsyncStream<UInt64>
    private let asking: AsyncStream<UInt64>.Continuation
    private let closes: AsyncStream<Void>
    private let closing: AsyncStream<Void>.Continuation

    init(_ name: String, log: NoteVerifier) {
        signer = CosignatureSigner(name: name, privateKey: Curve25519.Signing.PrivateKey())
        self.log = log
        (asked, asking) = AsyncStream.makeStream()
        (closes, closing) = AsyncStream.makeStream()
    }

    var peer: WitnessSettings.Peer {
        WitnessSettings.Peer(key: signer.verifier, url: "https://\(signer.name)", host: signer.name)
    }

    /// The checkpoint that it cosigned last.
    var tree: WitnessedTree {
        get { state.withLock { $0.tree } }
        set { state.withLock { $0.tree = newValue } }
    }

    /// Everything that it was asked.
    var requests: [AddCheckpointRequest] { state.withLock { $0.requests } }

    func become(_ mood: Mood) {
        let waiting = state.withLock { state in
            state.mood = mood
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// The next request's size, once it came.
    func request() async -> UInt64? { await asked.first { _ in true } }

    /// Returns when the client has ended the link.
    func closed() async { _ = await closes.first { _ in true } }

    func close() async { closing.yield() }

    func submit(_ request: String) async throws(WitnessFailure) -> WitnessReply {
        guard let parsed = try? AddCheckpointRequest(parsing: Array(request.utf8)) else {
            return WitnessReply(status: 400, contentType: nil, body: [])
        }
        state.withLock { $0.requests.append(parsed) }
        asking.yield(parsed.checkpoint.size)
        while case .slow = state.withLock({ $0.mood }) {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isOver = state.withLock { state in
                        if case .slow = state.mood, !Task.isCancelled {
                            state.waiting.append(continuation)
                            return false
                        }
                        return true
                    }
                    if isOver { continuation.resume() }
                }
            } onCancel: {
                become(.down)
            }
        }
        switch state.withLock({ $0.mood }) {
        case .down, .slow: throw WitnessFailure("it is down")
        case .answering(let reply): return reply
        case .honest: return honest(parsed)
        }
    }

    private func honest(_ request: AddCheckpointRequest) -> WitnessReply {
        state.withLock { state in
            let known = WitnessedLog(origin: log.name, verifiers: [log], tree: state.tree)
            let verdict = Witness.judge(request, log: known)
            let response: AddCheckpointResponse
            if let tree = verdict.tree, let signature = try? signer.cosign(request.checkpoint, time: 1_767_225_600) {
                state.tree = tree
                response = .cosigned([signature])
            } else {
                response = verdict.refusal ?? .refused(status: 500)
            }
            return WitnessReply(
                status: response.status,
                contentType: response.contentType,
                body: Array(response.body.utf8),
            )
        }
    }
}
