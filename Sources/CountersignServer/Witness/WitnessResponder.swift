import CountersignCore
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import TransparencyLog

/// A witness over HTTP: `add-checkpoint`, its key, liveness and metrics, and nothing else.
final class WitnessResponder: HTTPResponder {
    /// What is told of a request beside the request itself.
    struct Context: InitializableFromSource {
        /// Whose the peer's address is.
        let party: String

        init(source: ApplicationRequestContextSource) {
            party = ConnectionCounts.party(of: source.channel.remoteAddress?.ipAddress ?? "")
        }
    }

    /// The most bytes of a request: a checkpoint with 64 signatures and the longest proof is far below.
    static let maximumBody = 64 << 10
    /// How long a request's body may take.
    static let patience = Duration.seconds(10)
    /// How many requests are judged at once; those whose body is still coming are not among them.
    static let maximumRequests = 64

    private struct State {
        var pace = RequestPace()
        var running = 0
    }

    private let cosigner: Cosigner
    private let version: String
    /// Guards who may ask now.
    private let state = Mutex(State())

    init(_ cosigner: Cosigner, version: String) {
        self.cosigner = cosigner
        self.version = version
    }

    /// Answers one request; never throws.
    func respond(to request: Request, context: Context) async throws -> Response {
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        switch (request.method, path) {
        case (.post, "/add-checkpoint"):
            let answer = await addCheckpoint(request, context)
            cosigner.meter.answered(answer.status)
            return Self.response(answer)
        case (.get, "/healthz"): return Self.text("ok\n")
        case (.get, "/key"): return Self.text(cosigner.signer.verifier.vkey + "\n")
        case (.get, "/metrics"):
            return Self.text(cosigner.meter.text(version: version), "text/plain; version=0.0.4; charset=utf-8")
        case (_, "/add-checkpoint"): return Self.otherMethod("POST")
        case (_, "/healthz"), (_, "/key"), (_, "/metrics"): return Self.otherMethod("GET")
        default: return Self.response(Cosigner.refusal(404, "nothing is at this path"))
        }
    }

    private func addCheckpoint(_ request: Request, _ context: Context) async -> Cosigner.Answer {
        let now = cosigner.clock.time()
        guard state.withLock({ $0.pace.admits(context.party, now: now) }) else {
            return Cosigner.refusal(429, "too many requests from one address")
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.maximumBody {
            return Cosigner.refusal(413, "a request has at most \(Self.maximumBody) bytes")
        }
        switch await Self.body(of: request) {
        case .bytes(let bytes): return await judge(bytes)
        case .tooLarge: return Cosigner.refusal(413, "a request has at most \(Self.maximumBody) bytes")
        case .tooSlow: return Cosigner.refusal(408, "the request's body did not come in time")
        case .broken: return Cosigner.refusal(400, "the request's body broke off")
        }
    }

    /// Lets a whole request take its turn: nobody who is slow with a body can keep others from theirs.
    private func judge(_ bytes: [UInt8]) async -> Cosigner.Answer {
        let hasTurn = state.withLock { state in
            guard state.running < Self.maximumRequests else { return false }
            state.running += 1
            return true
        }
        guard hasTurn else { return Cosigner.refusal(503, "too many requests at once") }
        defer { state.withLock { $0.running -= 1 } }
        return await cosigner.answer(bytes)
    }

    private enum Body {
        case bytes([UInt8])
        case tooLarge
        case tooSlow
        case broken
    }

    private static func body(of request: Request) async -> Body {
        await withTaskGroup(of: Body.self) { group in
            group.addTask {
                do {
                    let buffer = try await request.body.collect(upTo: maximumBody)
                    return .bytes(Array(buffer.readableBytesView))
                } catch is NIOTooManyBytesError {
                    return .tooLarge
                } catch {
                    return .broken
                }
            }
            group.addTask {
                try? await Task.sleep(for: patience)
                return .tooSlow
            }
            let first = await group.next() ?? .broken
            group.cancelAll()
            return first
        }
    }

    private static func response(_ answer: Cosigner.Answer) -> Response {
        var response = text(answer.body, answer.contentType, status: answer.status)
        if answer.status == 429 || answer.status == 503 { response.headers[.retryAfter] = "1" }
        // What is left of such a body is not worth reading.
        if answer.status == 408 || answer.status == 413 { response.headers[.connection] = "close" }
        return response
    }

    private static func otherMethod(_ allowed: String) -> Response {
        var response = response(Cosigner.refusal(405, "this path takes \(allowed)"))
        response.headers[.allow] = allowed
        return response
    }

    private static func text(_ text: String, _ type: String = Cosigner.plain, status: Int = 200) -> Response {
        Response(
            status: HTTPResponse.Status(code: status),
            headers: [.contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)),
        )
    }
}
