import HTTPWire
import NIOCore
import Testing

@Suite("Responses", .timeLimit(.minutes(10)))
struct ResponseParserTests {
    @Test(
        "framing follows from method, status and fields",
        arguments: [
            ("GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", BodyFraming.length(2), true, ["hi"]),
            ("GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n0\n\n", .chunked, true, ["hi"]),
            ("GET", "HTTP/1.1 200 OK\n\nhi", .untilClose, false, ["hi"]),
            ("GET", "HTTP/1.1 200 OK\nConnection: keep-alive\n\nhi", .untilClose, false, ["hi"]),
            ("GET", "HTTP/1.0 200 OK\nContent-Length: 2\n\nhi", .length(2), false, ["hi"]),
            ("GET", "HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 2\n\nhi", .length(2), true, ["hi"]),
            ("GET", "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 0\n\n", .length(0), false, []),
            ("HEAD", "HTTP/1.1 200 OK\nContent-Length: 2\n\n", .none, true, []),
            ("HEAD", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", .none, true, []),
            ("HEAD", "HTTP/1.1 200 OK\n\n", .none, true, []),
            ("head", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", .length(2), true, ["hi"]),
            ("GET", "HTTP/1.1 304 Not Modified\nContent-Length: 2\n\n", .none, true, []),
            ("GET", "HTTP/1.1 204 No Content\n\n", .none, true, []),
            ("CONNECT", "HTTP/1.1 403 No\nContent-Length: 2\n\nhi", .length(2), true, ["hi"]),
        ]
    )
    func framing(method: String, text: String, framing: BodyFraming, keepAlive: Bool, bodies: [String]) {
        let outcome = responses([wire(text)], to: [method])
        #expect(outcome.code == nil)
        #expect(outcome.heads.first?.framing == framing)
        #expect(outcome.heads.first?.keepAlive == keepAlive)
        #expect(outcome.bodies == bodies)
        #expect(outcome.events.last == .end)
        #expect(Set(splits(wire(text)).map { responses($0, to: [method]) }) == [outcome])
    }

    @Test(
        "any reason is read, also none",
        arguments: [
            ("HTTP/1.1 200 Very  fine\tindeed", "Very  fine\tindeed"),
            ("HTTP/1.1 200 ", ""),
            ("HTTP/1.1 200", ""),
            ("HTTP/1.1 200 Précis", "Précis"),
        ]
    )
    func reason(line: String, reason: String) {
        let outcome = responses([wire("\(line)\nContent-Length: 0\n\n")])
        #expect(outcome.heads.first?.reason == reason)
        #expect(outcome.code == nil)
    }

    @Test("interim responses come before the final one")
    func informational() {
        let outcome = responses([wire("HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Hints\nLink: </a>\n\nHTTP/1.1 204 x\n\n")])
        let interim = ResponseHead(status: 100, reason: "Continue", framing: .none)
        let hints = ResponseHead(status: 103, reason: "Hints", fields: ["link": "</a>"], framing: .none)
        let final = ResponseHead(status: 204, reason: "x", framing: .none)
        #expect(outcome == Outcome(events: [.informational(interim), .informational(hints), .head(final), .end]))
    }

    @Test("endless interim responses are refused")
    func endlessInterim() {
        let text = String(repeating: "HTTP/1.1 100 Continue\n\n", count: 17)
        #expect(responses([wire(text)]).code == .unexpectedResponse)
    }

    @Test("a Content-Length of 0 on a 204 is taken out, so that it is not passed on")
    func emptyNoContent() {
        let outcome = responses([wire("HTTP/1.1 204 x\nContent-Length: 0\nA: b\n\n")])
        #expect(outcome.heads.first?.fields == ["A": "b"])
        #expect(outcome.heads.first?.framing == BodyFraming.none)
    }

    @Test("a 101 that was asked for ends HTTP and leaves the rest in the buffer")
    func upgrade() throws {
        var parser = ResponseParser()
        var buffer = ByteBuffer(bytes: wire("HTTP/1.1 101 x\nConnection: upgrade\nUpgrade: websocket\n\nraw"))
        parser.expectResponse(toMethod: "GET", offersUpgrade: true)
        guard case .head(let head)? = try parser.next(&buffer) else {
            Issue.record("no head")
            return
        }
        #expect(head.status == 101)
        #expect(parser.isUpgraded)
        #expect(!parser.isIdle)
        #expect(try parser.next(&buffer) == nil)
        #expect(String(buffer: buffer) == "raw")
        #expect(try parser.inputEnded() == nil)
    }

    @Test("a 2xx to CONNECT ends HTTP")
    func tunnel() throws {
        var parser = ResponseParser()
        #expect(parser.isIdle && !parser.isUpgraded)
        var buffer = ByteBuffer(bytes: wire("HTTP/1.1 200 OK\n\nraw"))
        parser.expectResponse(toMethod: "CONNECT")
        _ = try parser.next(&buffer)
        #expect(parser.isUpgraded)
        #expect(String(buffer: buffer) == "raw")
    }

    @Test(
        "a response that could be split in two ways is refused",
        arguments: [
            ("HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 2\n\nhi", .ambiguousFraming),
            ("HTTP/1.1 200 OK\nContent-Length: 2\nTransfer-Encoding: chunked\n\n", .ambiguousFraming),
            ("HTTP/1.1 200 OK\nContent-Length: 2, 2\n\nhi", .badContentLength),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: gzip\n\n", .unsupportedTransferCoding),
            ("HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n", .unsupportedTransferCoding),
            ("HTTP/1.1 304 x\nContent-Length: 2\nContent-Length: 2\n\n", .ambiguousFraming),
            ("HTTP/1.1 204 x\nContent-Length: 2\n\nhi", .ambiguousFraming),
            ("HTTP/1.1 204 x\nTransfer-Encoding: chunked\n\n0\n\n", .ambiguousFraming),
            ("HTTP/1.1 100 x\nContent-Length: 0\n\n", .ambiguousFraming),
            ("HTTP/1.1 101 x\nUpgrade: websocket\nConnection: upgrade\n\n", .unexpectedResponse),
            ("HTTP/1.1 200 OK\nContent-Length: 2\n\nhello", .unexpectedResponse),
            ("HTTP/1.1 200 OK\nX: a\n b\n\n", .obsoleteFold),
            ("HTTP/1.1 200 OK\nX: a\u{0}\n\n", .badHeader),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2;a\nhi\n0\n\n", .badChunk),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\nSet-Cookie: a\n\n", .badTrailer),
            ("HTTP/1.1  200 OK\n\n", .badStatusLine),
            ("HTTP/1.1 20 OK\n\n", .badStatusLine),
            ("HTTP/1.1 2000 OK\n\n", .badStatusLine),
            ("HTTP/1.1 099 OK\n\n", .badStatusLine),
            ("HTTP/1.1 600 OK\n\n", .badStatusLine),
            ("HTTP/1.1 2x0 OK\n\n", .badStatusLine),
            ("HTTP/1.1 200 a\u{1}b\n\n", .badStatusLine),
            ("HTTP/1.1\t200 OK\n\n", .badStatusLine),
            ("HTTP/1.1\n\n", .badStatusLine),
            ("Http/1.1 200 OK\n\n", .badStatusLine),
            ("\nHTTP/1.1 200 OK\n\n", .badStatusLine),
            ("SSH-2.0-x\n", .badStatusLine),
            ("HTTP/2.0 200 OK\n\n", .unsupportedVersion),
            ("HTTP/1.1 200 \rOK\n\n", .bareCR),
            ("HTTP/1.1 200 OK\nContent-Length: 2\n\nh", .bodyTooShort),
            ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n", .bodyTooShort),
            ("HTTP/1.1 200 OK\nContent-", .headTooShort),
            ("HTTP/1.1 100 Continue\n\n", .headTooShort),
            ("", .noResponse),
        ] as [(String, WireErrorCode)]
    )
    func refused(text: String, code: WireErrorCode) {
        #expect(Set(splits(wire(text)).map { responses($0).code }) == [code])
    }

    @Test("two responses to two requests come one after another, a third is refused")
    func unexpected() {
        let one = "HTTP/1.1 200 OK\nContent-Length: 1\n\nx"
        #expect(responses([wire(one + one)], to: ["GET", "GET"]).bodies == ["x", "x"])
        #expect(responses([wire(one + one + one)], to: ["GET", "GET"]).code == .unexpectedResponse)
    }

    @Test("nothing outstanding and nothing received is a clean close")
    func cleanClose() throws {
        var parser = ResponseParser()
        #expect(try parser.inputEnded() == nil)
    }

    @Test("announcing a request before the last response ended refuses the connection")
    func overlapping() {
        var parser = ResponseParser()
        var buffer = ByteBuffer()
        parser.expectResponse(toMethod: "GET")
        parser.expectResponse(toMethod: "GET")
        parser.expectResponse(toMethod: "GET")
        #expect(!parser.isIdle && !parser.isUpgraded)
        #expect(throws: WireError.self) { try parser.next(&buffer) }
        #expect(throws: WireError.self) { try parser.inputEnded() }
    }
}
