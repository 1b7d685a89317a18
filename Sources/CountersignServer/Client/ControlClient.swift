package import CanonicalJSON
import CountersignCore
import HTTPWire
import NIOCore

/// Why a call of the API got no answer.
package struct UnreachableError: Error, Sendable, CustomStringConvertible {
    /// What is wrong and the mend.
    package let description: String
}

/// An answer of the API.
package struct ControlAnswer: Sendable {
    /// The status.
    package let status: Int
    /// The body.
    package let body: [UInt8]

    /// The body as JSON, if it is.
    package var json: JSONValue? { StoredJSON.value(body) }
    /// Whether the status says that it went well.
    package var isSuccess: Bool { (200..<300).contains(status) }
}

/// Calls the API of a running server for the command line; one connection a call.
package struct ControlClient: Sendable {
    /// Where the API is.
    package let address: HTTPAddress
    private let token: String?

    /// Names a server and a bearer token.
    package init(address: HTTPAddress, token: String?) {
        self.address = address
        self.token = token
    }

    /// The same server with another token.
    package func with(token: String?) -> ControlClient { ControlClient(address: address, token: token) }

    /// Sends one request and reads the whole answer.
    package func send(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        timeout: Duration = .seconds(90),
    ) async throws -> ControlAnswer {
        try await exchange(method, path, body, timeout: timeout) { events in
            var status = 0
            var bytes = [UInt8]()
            while let event = try await events.next() {
                switch event {
                case .informational, .trailers: continue
                case .head(let head): status = head.status
                case .body(let buffer): bytes += Array(buffer.readableBytesView)
                case .end: return ControlAnswer(status: status, body: bytes)
                }
            }
            return ControlAnswer(status: status, body: bytes)
        }
    }

    /// Reads server-sent events and hands the data of each to `handle`, until that answers false or the server ends.
    package func events(
        _ path: String,
        _ handle: (_ id: String?, _ data: JSONValue) async throws -> Bool,
    ) async throws -> ControlAnswer? {
        try await exchange("GET", path, nil, timeout: nil) { events in
            var status = 0
            var reader = EventStreamReader()
            var refusal = [UInt8]()
            while let event = try await events.next() {
                switch event {
                case .informational, .trailers: continue
                case .head(let head): status = head.status
                case .body(let buffer) where status == 200:
                    for message in reader.read(Array(buffer.readableBytesView)) {
                        guard let data = StoredJSON.value(message.data) else { continue }
                        if try await !handle(message.id, data) { return nil }
                    }
                case .body(let buffer): refusal += Array(buffer.readableBytesView)
                case .end: return status == 200 ? nil : ControlAnswer(status: status, body: refusal)
                }
            }
            return nil
        }
    }

    private func exchange<Value: Sendable>(
        _ method: String,
        _ path: String,
        _ body: JSONValue?,
        timeout: Duration?,
        _ read: (inout ResponseEvents) async throws -> Value,
    ) async throws -> Value {
        let bytes = body.map { $0.canonicalBytes() }
        let call = HTTPCall(address: address, method: method, path: path, fields: fields(method, bytes), body: bytes)
        do {
            return try await call.exchange(timeout: timeout, read)
        } catch is HTTPCall.NotConnected {
            throw UnreachableError(
                description: "cannot reach the server at \(address.text); start it with `countersign serve`, or name "
                    + "another one with --url"
            )
        }
    }

    private func fields(_ method: String, _ body: [UInt8]?) -> HeaderFields {
        var fields: HeaderFields = ["Accept": "application/json"]
        if let token { fields.append(name: "Authorization", value: "Bearer \(token)") }
        if body != nil { fields.append(name: "Content-Type", value: "application/json") }
        if method == "POST" { fields.append(name: "Idempotency-Key", value: Chance.system.secret()) }
        return fields
    }
}
