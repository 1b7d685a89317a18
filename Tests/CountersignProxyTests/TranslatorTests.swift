import CanonicalJSON
import CountersignCore
import HTTPWire
import NIOCore
import Testing

@testable import CountersignProxy

@Suite("Requests become actions", .timeLimit(.minutes(10)))
struct TranslatorTests {
    static let connection = HTTPConnection(
        name: ConnectionName(unchecked: "orders"),
        upstream: .init(isTLS: false, host: "127.0.0.1", port: 1, basePath: ""),
        credential: .init(header: "X-Api-Key", value: "secret"),
        routes: [
            route("POST /v1/exports", "exportOrders", .export),
            route("* /v1/*", "anything", nil),
            route("GET /v1/orders/{id}", "getOrder", nil),
            route("POST /v1/orders/{id}", "changeOrder", .privilege),
        ],
        inlineBody: 1024,
    )

    static func route(_ match: String, _ operation: String, _ effect: Effect?) -> HTTPConnection.Route {
        let parts = match.split(separator: " ")
        return .init(
            method: String(parts[0]),
            template: PathTemplate(String(parts[1])) ?? PathTemplate("/never") ?? Self.anything,
            operation: operation,
            effect: effect,
        )
    }

    static let anything: PathTemplate = {
        guard let template = PathTemplate("/*") else { preconditionFailure("a literal template") }
        return template
    }()

    func translate(
        _ method: String,
        _ target: String,
        _ fields: HeaderFields = [:],
        body: String? = nil,
        upgrade: String? = nil,
    ) throws -> Action {
        let content: RequestBody.Content = body.map { .memory(ByteBuffer(string: $0)) } ?? .none
        return try Translator(connection: Self.connection).action(
            agent: AgentID(unchecked: "bot"),
            onBehalfOf: nil,
            method: method,
            target: RequestTarget(parsing: target),
            fields: fields,
            upgrade: upgrade,
            body: RequestBody(content: content, count: UInt64(body?.utf8.count ?? 0), trailers: HeaderFields()),
        )
    }

    @Test(
        "method and route give operation and effect; the most specific route wins",
        arguments: [
            ("GET", "/other", "http:read", "orders/GET /other"),
            ("HEAD", "/other", "http:read", "orders/HEAD /other"),
            ("DELETE", "/other", "http:delete", "orders/DELETE /other"),
            ("PATCH", "/other", "http:write", "orders/PATCH /other"),
            ("PROPFIND", "/other", "http:unknown", "orders/PROPFIND /other"),
            ("get", "/other", "http:unknown", "orders/get /other"),
            ("POST", "/v1/exports", "http:export", "orders/exportOrders"),
            ("GET", "/v1/orders/7", "http:read", "orders/getOrder"),
            ("POST", "/v1/orders/7", "http:privilege", "orders/changeOrder"),
            ("DELETE", "/v1/orders/7", "http:delete", "orders/anything"),
            ("HEAD", "/v1/orders/7", "http:read", "orders/getOrder"),
            ("POST", "/v1/%65xports", "http:export", "orders/exportOrders"),
            ("GET", "/oth%65r", "http:read", "orders/GET /other"),
        ]
    )
    func effects(method: String, target: String, name: String, resource: String) throws {
        let action = try translate(method, target)
        #expect(action.name == name)
        #expect(action.operations.first?.resource.id == resource)
    }

    @Test("an upgraded connection can do anything")
    func upgrade() throws {
        #expect(try translate("GET", "/socket", upgrade: "websocket").name == "http:unknown")
    }

    @Test(
        "the digest covers method, target, body and forwarded fields",
        arguments: [
            ("POST", "/a", ["Content-Type": "text/plain"], "x"),
            ("PUT", "/a", ["Content-Type": "text/plain"], "y"),
            ("PUT", "/b", ["Content-Type": "text/plain"], "x"),
            ("PUT", "/a?q", ["Content-Type": "text/plain"], "x"),
            ("PUT", "/a", ["Content-Type": "text/html"], "x"),
            ("PUT", "/a", ["Content-Type": "text/plain", "If-Match": "1"], "x"),
        ] as [(String, String, [String: String], String)]
    )
    func covered(method: String, target: String, fields: [String: String], body: String) throws {
        func list(_ fields: [String: String]) -> HeaderFields {
            var list = HeaderFields()
            for (name, value) in fields { list.append(name: name, value: value) }
            return list
        }
        let base = try translate("PUT", "/a", ["Content-Type": "text/plain"], body: "x")
        #expect(try translate(method, target, list(fields), body: body).digest != base.digest)
    }

    @Test(
        "what cannot change the request and differs between tries is not in the digest",
        arguments: [
            "User-Agent", "Accept-Encoding", "traceparent", "tracestate", "X-Request-Id", "Date", "Sec-WebSocket-Key",
        ]
    )
    func uncovered(name: String) throws {
        var fields = HeaderFields()
        fields.append(name: name, value: "anything")
        #expect(try translate("GET", "/a", fields).digest == translate("GET", "/a").digest)
    }

    @Test("the order of fields of different names does not matter; that of one name does")
    func order() throws {
        let one = try translate("GET", "/a", ["A": "1", "B": "2"])
        let two = try translate("GET", "/a", ["B": "2", "a": "1"])
        #expect(one.digest == two.digest)
        let three = try translate("GET", "/a", ["A": "1", "A": "2"])
        let four = try translate("GET", "/a", ["A": "2", "A": "1"])
        #expect(three.digest != four.digest)
    }

    @Test(
        "JSON that two readers could read differently is refused",
        arguments: [
            ("application/json", "{\"a\":1,\"a\":2}"), ("application/problem+json; charset=utf-8", "{\"a\":1,}"),
            ("APPLICATION/JSON", "{\"a\":1,\"\\u0061\":2}"), ("application/json", "NaN"), ("text/json", "{} {}"),
            ("application/json;charset=utf-16", "{}"), ("application/json", ""),
        ]
    )
    func ambiguous(type: String, body: String) throws {
        guard !body.isEmpty else { return }
        #expect(throws: Translator.Refusal.self) { try translate("POST", "/a", ["Content-Type": type], body: body) }
    }

    @Test("compressed JSON is refused, since nobody could judge it")
    func compressed() {
        #expect(throws: Translator.Refusal.self) {
            try translate("POST", "/a", ["Content-Type": "application/json", "Content-Encoding": "gzip"], body: "{}")
        }
    }

    @Test("integers that a double does not hold pass, for many APIs have them")
    func wideIntegers() throws {
        _ = try translate("POST", "/a", ["Content-Type": "application/json"], body: "{\"id\":9007199254740993}")
    }
}

@Suite("Fields that go upstream", .timeLimit(.minutes(10)))
struct ForwardedFieldsTests {
    static func forwarded(_ fields: HeaderFields) -> [String] {
        let head = RequestHead(method: "GET", target: "/", fields: fields)
        return ForwardedFields.forUpstream(head, TranslatorTests.connection).map { $0.name }
    }

    @Test(
        "credentials, hop-by-hop fields and claims about the path are not forwarded",
        arguments: [
            "Authorization", "AUTHORIZATION", "Proxy-Authorization", "X-Api-Key", "x-api-key", "Connection",
            "Keep-Alive",
            "TE", "Trailer", "Upgrade", "Transfer-Encoding", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Via",
            "X-Real-IP", "Expect", "Host", "Countersign-Justification", "Countersign-On-Behalf-Of",
        ]
    )
    func dropped(name: String) {
        var fields = HeaderFields()
        fields.append(name: name, value: "x")
        #expect(Self.forwarded(fields).isEmpty)
    }

    @Test("a field that Connection names stays here")
    func nominated() {
        #expect(Self.forwarded(["Connection": "x-hop", "X-Hop": "1", "X-End": "2"]) == ["X-End"])
    }

    @Test("what the gateway honours of Prefer stays here, the rest goes on")
    func prefer() {
        let head = RequestHead(
            method: "GET",
            target: "/",
            fields: ["Prefer": "wait=10, return=minimal", "Prefer": "Respond-Async"],
        )
        let fields = ForwardedFields.forUpstream(head, TranslatorTests.connection)
        #expect(fields.all("prefer") == ["return=minimal"])
        let preferences = Preferences(head.fields)
        #expect(preferences.wait == .seconds(10))
        #expect(preferences.respondsAsync)
    }

    @Test(
        "method and path overrides are refused, also spelt for CGI",
        arguments: [
            "X-HTTP-Method-Override", "x_http_method_override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL",
            "X_Original_URL", "X-Rewrite-URL",
        ]
    )
    func overrides(name: String) {
        var fields = HeaderFields()
        fields.append(name: name, value: "DELETE")
        #expect(ForwardedFields.refusedOverride(fields, TranslatorTests.connection) == name)
    }
}
