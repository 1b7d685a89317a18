import HTTPWire
import NIOCore
import Testing

@Suite("Requests", .timeLimit(.minutes(10)))
struct RequestParserTests {
    @Test("a plain GET is one head and an end")
    func plain() throws {
        let outcome = requests([wire("GET /v1/x?y=1 HTTP/1.1\nHost: a.example\nX-Empty:\nX-Pad: \t b c \t \n\n")])
        let fields: HeaderFields = ["host": "a.example", "x-empty": "", "x-pad": "b c"]
        let head = RequestHead(method: "GET", target: "/v1/x?y=1", fields: fields)
        #expect(outcome == Outcome(events: [.head(head), .end]))
        #expect(outcome.heads.first?.fields.map(\.name) == ["Host", "X-Empty", "X-Pad"])
    }

    @Test(
        "framing and connection follow from the fields",
        arguments: [
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc", BodyFraming.length(3), true),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", .length(0), true),
            ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\nConnection: Close\n\n0\n\n", .chunked, false),
            ("GET / HTTP/1.0\n\n", .none, false),
            ("GET / HTTP/1.0\nConnection: Keep-Alive\n\n", .none, true),
            ("GET / HTTP/1.0\nConnection: keep-alive, close\n\n", .none, false),
            ("GET / HTTP/1.1\nHost: [::1]:80\nConnection: te , x-private,,\n\n", .none, true),
            ("GET / HTTP/1.1\nHost: a\nConnection: keep-alive\nConnection: close\n\n", .none, false),
        ]
    )
    func framing(text: String, framing: BodyFraming, keepAlive: Bool) {
        let outcome = requests([wire(text)])
        #expect(outcome.code == nil)
        #expect(outcome.heads.first?.framing == framing)
        #expect(outcome.heads.first?.keepAlive == keepAlive)
        #expect(outcome.events.last == .end)
    }

    @Test(
        "a client waits for 100 only with a body on HTTP/1.1",
        arguments: [
            ("POST / HTTP/1.1\nHost: a\nExpect: 100-Continue\nContent-Length: 1\n\n1", true),
            ("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 0\n\n", false),
            ("GET / HTTP/1.1\nHost: a\nExpect: 100-continue\n\n", false),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 1\n\n1", false),
        ]
    )
    func expectation(text: String, expects: Bool) {
        #expect(requests([wire(text)]).heads.first?.expectsContinue == expects)
    }

    @Test(
        "an upgrade counts only if Connection lists it on HTTP/1.1",
        arguments: [
            ("GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: WebSocket, h2c\n\n", "websocket"),
            ("GET / HTTP/1.1\nHost: a\nUpgrade: websocket\n\n", nil),
            ("GET / HTTP/1.1\nHost: a\nConnection: upgrade\n\n", nil),
            ("GET / HTTP/1.0\nHost: a\nConnection: upgrade\nUpgrade: websocket\n\n", nil),
        ]
    )
    func upgrade(text: String, expected: String?) {
        let outcome = requests([wire(text)])
        #expect(outcome.heads.first?.upgrade == expected)
        #expect(outcome.code == nil)
    }

    @Test("pipelined requests come one after another")
    func pipelining() {
        let text =
            "POST /1 HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcPOST /2 HTTP/1.1\nHost: a\n"
            + "Transfer-Encoding: chunked\n\n2\nde\n0A\n0123456789\n00\nX-Sum: 1\n\nGET /3 HTTP/1.1\nHost: a\n\n"
        let outcome = requests([wire(text)])
        #expect(outcome.code == nil)
        #expect(outcome.heads.map(\.target) == ["/1", "/2", "/3"])
        #expect(outcome.bodies == ["abc", "de0123456789"])
        #expect(outcome.events.contains(.trailers(["x-sum": "1"])))
    }

    @Test("a body shares the storage of the buffer it came in")
    func zeroCopy() throws {
        var parser = RequestParser()
        var buffer = ByteBuffer(bytes: wire("POST / HTTP/1.1\nHost: a\nContent-Length: 4\n\nabcd"))
        _ = try parser.next(&buffer)
        let before = unsafe buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        guard case .body(let slice)? = try parser.next(&buffer) else {
            Issue.record("no body")
            return
        }
        let after = unsafe slice.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(before == after)
        #expect(try parser.next(&buffer) == .end)
        #expect(parser.isIdle)
    }

    @Test("a request with any ambiguity is refused with its code", arguments: RefusedRequest.all)
    func refused(_ request: RefusedRequest) {
        let outcome = requests([request.bytes])
        #expect(outcome.code == request.code, "\(request)")
        #expect(!outcome.events.contains(.end), "\(request)")
    }

    @Test("a refused request is refused with the same code however its bytes are cut", arguments: RefusedRequest.all)
    func refusedSplit(_ request: RefusedRequest) {
        let codes = Set(splits(request.bytes).map { requests($0).code })
        #expect(codes == [request.code], "\(request)")
    }

    @Test("after a refusal nothing more is read")
    func poisoned() {
        var parser = RequestParser()
        var bad = ByteBuffer(bytes: wire("GET  / HTTP/1.1\n\n"))
        #expect(throws: WireError.self) { try parser.next(&bad) }
        var good = ByteBuffer(bytes: wire("GET / HTTP/1.1\nHost: a\n\n"))
        #expect(throws: WireError.self) { try parser.next(&good) }
        #expect(throws: WireError.self) { try parser.inputEnded() }
        #expect(!parser.isIdle)
    }

    @Test(
        "closing is an error inside a message only",
        arguments: [
            ("", nil),
            ("GET / HTTP/1.1\nHost: a\n\n", nil),
            ("G", .headTooShort),
            ("GET / HTTP/1.1\nHost: a\n", .headTooShort),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\n1", .bodyTooShort),
            ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n1\na\n", .bodyTooShort),
            ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n", .bodyTooShort),
        ] as [(String, WireErrorCode?)]
    )
    func closing(text: String, code: WireErrorCode?) {
        #expect(requests([wire(text)]).code == code)
    }
}
