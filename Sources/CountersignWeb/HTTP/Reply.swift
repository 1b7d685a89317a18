import CanonicalJSON
import HTTPTypes
import Hummingbird
import NIOCore

/// What a handler answers, before the fields that every response has are added.
struct Reply: Sendable {
    /// The body.
    enum Body: Sendable {
        /// All of it.
        case bytes([UInt8])
        /// Piece by piece.
        case stream(ResponseBody)
    }

    /// The status.
    var status: Int
    /// The fields.
    var fields = HTTPFields()
    /// The body.
    var body: Body
    /// What is remembered for an idempotency key instead of the body, where the body has a secret.
    var memory: [UInt8]?

    /// An answer of bytes.
    init(status: Int = 200, contentType: String? = nil, bytes: [UInt8]) {
        self.status = status
        body = .bytes(bytes)
        if let contentType { fields[.contentType] = contentType }
    }

    /// An answer that is written piece by piece.
    init(status: Int = 200, contentType: String, stream: ResponseBody) {
        self.status = status
        body = .stream(stream)
        fields[.contentType] = contentType
    }

    /// A JSON document.
    static func json(_ value: JSONValue, status: Int = 200) -> Reply {
        Reply(status: status, contentType: "application/json", bytes: value.canonicalBytes())
    }

    /// A list's page.
    static func list(_ items: [JSONValue], next: String? = nil) -> Reply {
        .json(.object(JSONObject([("items", .array(items)), ("next_cursor", next.map { .string($0) } ?? .null)])))
    }

    /// Plain text.
    static func text(_ text: String, status: Int = 200, contentType: String = "text/plain; charset=utf-8") -> Reply {
        Reply(status: status, contentType: contentType, bytes: Array(text.utf8))
    }

    /// A page for people.
    static func html(_ markup: Markup, status: Int = 200) -> Reply {
        Reply(status: status, contentType: "text/html; charset=utf-8", bytes: Array(markup.text.utf8))
    }

    /// "See there", after a form was sent.
    static func seeOther(_ location: String) -> Reply {
        var reply = Reply(status: 303, bytes: [])
        reply.fields[.location] = location
        return reply
    }

    /// A problem document.
    static func problem(_ problem: Problem) -> Reply {
        var reply = Reply(
            status: problem.status,
            contentType: "application/problem+json",
            bytes: problem.json.canonicalBytes(),
        )
        if problem.status == 401 {
            let error = problem.code == "invalid-credential" ? ", error=\"invalid_token\"" : ""
            reply.fields[.wwwAuthenticate] = "Bearer realm=\"countersign\"" + error
        }
        if let seconds = problem.retryAfter { reply.fields[.retryAfter] = String(seconds) }
        return reply
    }

    /// The answer as Hummingbird writes it.
    func response(isHead: Bool) -> Response {
        let content: ResponseBody =
            switch body {
            case .bytes(let bytes): bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            case .stream(let stream): stream
            }
        var response = Response(status: HTTPResponse.Status(code: status), headers: fields, body: content)
        // RFC 9110, section 8.6: none of these has a Content-Length.
        if status == 204 || status == 304 { response.headers[.contentLength] = nil }
        return isHead ? response.createHeadResponse() : response
    }
}
