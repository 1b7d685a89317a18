import AsyncHTTPClient
import CanonicalJSON
import NIOCore
import NIOHTTP1

/// Calls of the gateway's API in an agent's name.
struct GatewayCall: Sendable {
    let http: HTTPClient
    let address: String
    let key: String
    /// How long a call may take that waits for nobody, all its tries together.
    let patience: TimeAmount

    /// A whole answer.
    struct Answer: Sendable {
        let status: Int
        let json: JSONValue?
    }

    private static let limits = JSONLimits(maxDepth: 256, allowsNoncharacters: true)
    /// The most that an answer may have, in bytes: an approval holds its document, which has a MiB at most.
    private static let largest = 8 << 20

    /// Asks, and waits so many seconds for the answer beyond what a call may take; a cancelled caller does not wait.
    func get(_ path: String, waiting seconds: Int) async throws(CountersignError) -> Answer {
        var request = HTTPClientRequest(url: address + path)
        request.headers = fields()
        do {
            let answer = try await http.execute(request, timeout: patience + .seconds(Int64(seconds)))
            let body = try await answer.body.collect(upTo: Self.largest)
            return self.answer(answer.status, Array(body.readableBytesView))
        } catch {
            throw silence(error)
        }
    }

    /// Posts, and posts again under the same key as long as nobody answers; the gateway runs it once.
    ///
    /// A cancelled caller waits, too: what came of an action is said in any case.
    func post(
        _ path: String,
        _ body: JSONValue?,
        _ more: [(String, String)] = [],
        idempotencyKey: String,
    ) async throws(CountersignError) -> Answer {
        var fields = fields()
        for (name, value) in more + [("Idempotency-Key", idempotencyKey)] { fields.add(name: name, value: value) }
        if body != nil { fields.add(name: "Content-Type", value: "application/json") }
        let bytes = body.map { HTTPClient.Body.bytes($0.canonicalBytes()) }
        let deadline = NIODeadline.now() + patience
        var pause = TimeAmount.milliseconds(250)
        while true {
            let isLast = NIODeadline.now() + pause >= deadline
            do {
                let request = try HTTPClient.Request(url: address + path, method: .POST, headers: fields, body: bytes)
                // A future, because it does not end with the caller's task.
                let answer = try await http.execute(request: request, deadline: deadline).get()
                let found = self.answer(answer.status, answer.body.map { Array($0.readableBytesView) } ?? [])
                if found.status < 500 || isLast { return found }
            } catch {
                if isLast || NIODeadline.now() >= deadline { throw silence(error) }
            }
            await rest(pause)
            pause = pause * 2
        }
    }

    /// A pause that no cancellation shortens.
    func rest(_ time: TimeAmount) async {
        try? await http.eventLoopGroup.any().scheduleTask(in: time) {}.futureResult.get()
    }

    private func fields() -> HTTPHeaders {
        ["Accept": "application/json", "Authorization": "Bearer \(key)", "User-Agent": "CountersignClient"]
    }

    private func answer(_ status: HTTPResponseStatus, _ bytes: [UInt8]) -> Answer {
        Answer(status: Int(status.code), json: try? JSONParser.parse(bytes, limits: Self.limits))
    }

    private func silence(_ error: any Error) -> CountersignError {
        CountersignError(.unreachable, "The gateway at \(address) gave no answer: \(error)")
    }
}
