import HTTPWire
import NIOCore
import Testing

@Suite("Writing", .timeLimit(.minutes(10)))
struct SerializerTests {
    private func text(_ head: RequestHead) throws(WireError) -> String {
        var buffer = ByteBuffer()
        try HTTPSerializer.write(request: head, into: &buffer)
        return String(buffer: buffer)
    }

    private func text(_ head: ResponseHead, to method: String = "GET") throws(WireError) -> String {
        var buffer = ByteBuffer()
        try HTTPSerializer.write(response: head, toMethod: method, into: &buffer)
        return String(buffer: buffer)
    }

    @Test("framing and connection fields that a request lacks are added")
    func requestAdditions() throws {
        let host: HeaderFields = ["Host": "a"]
        let plain = RequestHead(method: "GET", target: "/", fields: host)
        #expect(try text(plain) == "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let sized = RequestHead(method: "POST", target: "/", fields: host, framing: .length(3), keepAlive: false)
        let expected = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        #expect(try text(sized) == expected)
        let chunked = RequestHead(method: "POST", target: "/", fields: host, framing: .chunked)
        #expect(try text(chunked) == "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        let old = RequestHead(method: "GET", target: "/", minor: 0, keepAlive: true)
        #expect(try text(old) == "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let options = RequestHead(method: "OPTIONS", target: "*", fields: host)
        #expect(try text(options) == "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    @Test("fields that agree with the head are written where they stand")
    func agreement() throws {
        let fields: HeaderFields = ["content-length": "3", "Host": "a", "connection": "close"]
        let head = RequestHead(method: "POST", target: "/", fields: fields, framing: .length(3), keepAlive: false)
        let expected = "POST / HTTP/1.1\r\ncontent-length: 3\r\nHost: a\r\nconnection: close\r\n\r\n"
        #expect(try text(head) == expected)
    }

    @Test("a forwarded request keeps its shape when the fields of one hop are stripped")
    func forwarding() throws {
        let received = wire("POST /x HTTP/1.1\nHost: a\nConnection: x-y\nX-Y: 1\nTransfer-Encoding: chunked\nB: 2\n\n")
        var head = try #require(requests([received], closing: false).heads.first)
        head.fields.removeHopByHop()
        #expect(try text(head) == "POST /x HTTP/1.1\r\nHost: a\r\nB: 2\r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    @Test("a response is written with what its framing needs")
    func response() throws {
        #expect(try text(ResponseHead(status: 200, reason: "OK")) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(try text(ResponseHead(status: 204)) == "HTTP/1.1 204 \r\n\r\n")
        #expect(try text(ResponseHead(status: 100, framing: .none)) == "HTTP/1.1 100 \r\n\r\n")
        let close = ResponseHead(status: 200, framing: .untilClose, keepAlive: false)
        #expect(try text(close) == "HTTP/1.1 200 \r\n\r\n")
        let old = ResponseHead(status: 200, minor: 0, framing: .length(1), keepAlive: false)
        #expect(try text(old) == "HTTP/1.0 200 \r\nContent-Length: 1\r\n\r\n")
        let head = ResponseHead(status: 200, fields: ["Content-Length": "7"], framing: .none)
        #expect(try text(head, to: "HEAD") == "HTTP/1.1 200 \r\nContent-Length: 7\r\n\r\n")
        let chunked = ResponseHead(status: 200, framing: .chunked, keepAlive: false)
        #expect(
            try text(chunked) == "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
    }

    @Test(
        "a field that could end its line early is not written",
        arguments: [
            ("A", "b\r\nC: d"), ("A", "b\n"), ("A", "b\r"), ("A", "b\u{0}"), ("A", " b"), ("A", "b\t"), ("A", "\u{7F}"),
            ("", "b"), ("A:", "b"), ("A B", "b"), ("A\r\nB", "c"), ("é", "b"), ("content_length", "1"),
        ]
    )
    func injection(name: String, value: String) {
        let fields: HeaderFields = ["Host": "a", name: value]
        var buffer = ByteBuffer()
        let head = RequestHead(method: "GET", target: "/", fields: fields)
        #expect { try HTTPSerializer.write(request: head, into: &buffer) } throws: {
            ($0 as? WireError)?.code == .badHeader
        }
        #expect {
            try HTTPSerializer.write(response: ResponseHead(status: 200, fields: fields), into: &buffer)
        } throws: { ($0 as? WireError)?.code == .badHeader }
        #expect(buffer.readableBytes == 0)
    }

    @Test(
        "a request head that the parser would refuse or read otherwise is not written",
        arguments: [
            (RequestHead(method: "G T", target: "/", fields: ["Host": "a"]), .badRequestLine),
            (RequestHead(method: "", target: "/", fields: ["Host": "a"]), .badRequestLine),
            (RequestHead(method: "GET", target: "/ HTTP/1.1\r\nX: y", fields: ["Host": "a"]), .badTarget),
            (RequestHead(method: "GET", target: "x", fields: ["Host": "a"]), .badTarget),
            (RequestHead(method: "GET", target: "", fields: ["Host": "a"]), .badTarget),
            (RequestHead(method: "GET", target: "/é", fields: ["Host": "a"]), .badTarget),
            (RequestHead(method: "GET", target: "*", fields: ["Host": "a"]), .badTarget),
            (RequestHead(method: "GET", target: "/", minor: 2, fields: ["Host": "a"]), .unsupportedVersion),
            (RequestHead(method: "GET", target: "/"), .missingHost),
            (RequestHead(method: "GET", target: "/", fields: ["Host": "a", "host": "a"]), .duplicateHost),
            (RequestHead(method: "GET", target: "/", fields: ["Host": "a/"]), .badHost),
            (RequestHead(method: "GET", target: "/", fields: ["Host": "a", "Expect": "x"]), .badExpectation),
            (RequestHead(method: "GET", target: "/", fields: ["Host": "a"], framing: .untilClose), .inconsistentHead),
            (RequestHead(method: "GET", target: "/", fields: ["Host": "a", "Content-Length": "1"]), .inconsistentHead),
            (
                RequestHead(
                    method: "P",
                    target: "/",
                    fields: ["Host": "a", "Content-Length": "1"],
                    framing: .length(2)
                ),
                .inconsistentHead
            ),
            (
                RequestHead(method: "P", target: "/", fields: ["Host": "a", "Content-Length": "1"], framing: .chunked),
                .inconsistentHead
            ),
            (RequestHead(method: "P", target: "/", minor: 0, framing: .chunked), .inconsistentHead),
            (RequestHead(method: "P", target: "/", fields: ["Host": "a"], framing: .length(.max)), .inconsistentHead),
            (RequestHead(method: "P", target: "/", fields: ["Host": "a", "Connection": "close"]), .inconsistentHead),
            (
                RequestHead(
                    method: "P",
                    target: "/",
                    fields: ["Host": "a", "Content-Length": "1", "Transfer-Encoding": "chunked"],
                ),
                .ambiguousFraming
            ),
        ] as [(RequestHead, WireErrorCode)]
    )
    func refusedRequest(head: RequestHead, code: WireErrorCode) {
        #expect { try text(head) } throws: { ($0 as? WireError)?.code == code }
    }

    @Test(
        "a response head that the parser would refuse or read otherwise is not written",
        arguments: [
            ("GET", ResponseHead(status: 99), .badStatusLine),
            ("GET", ResponseHead(status: 600), .badStatusLine),
            ("GET", ResponseHead(status: 200, reason: "a\r\nb"), .badStatusLine),
            ("GET", ResponseHead(status: 200, minor: 3), .unsupportedVersion),
            ("GET", ResponseHead(status: 200, framing: .none), .inconsistentHead),
            ("GET", ResponseHead(status: 200, framing: .untilClose), .inconsistentHead),
            (
                "GET",
                ResponseHead(status: 200, fields: ["Content-Length": "1"], framing: .untilClose, keepAlive: false),
                .inconsistentHead
            ),
            ("GET", ResponseHead(status: 200, fields: ["Content-Length": "1"], framing: .length(2)), .inconsistentHead),
            ("GET", ResponseHead(status: 200, fields: ["Transfer-Encoding": "chunked"]), .inconsistentHead),
            ("GET", ResponseHead(status: 204, framing: .length(1)), .inconsistentHead),
            ("HEAD", ResponseHead(status: 200, framing: .chunked), .inconsistentHead),
            ("GET", ResponseHead(status: 204, fields: ["Content-Length": "0"]), .ambiguousFraming),
            ("GET", ResponseHead(status: 100, fields: ["Transfer-Encoding": "chunked"]), .ambiguousFraming),
            ("CONNECT", ResponseHead(status: 200, fields: ["Content-Length": "0"]), .ambiguousFraming),
        ] as [(String, ResponseHead, WireErrorCode)]
    )
    func refusedResponse(method: String, head: ResponseHead, code: WireErrorCode) {
        #expect { try text(head, to: method) } throws: { ($0 as? WireError)?.code == code }
    }

    @Test("chunks are written with their size, an empty one not at all")
    func chunks() throws {
        var buffer = ByteBuffer()
        HTTPSerializer.writeChunk(ByteBuffer(string: "hello hello hello"), into: &buffer)
        HTTPSerializer.writeChunk(ByteBuffer(), into: &buffer)
        HTTPSerializer.writeChunkHeader(size: 255, into: &buffer)
        HTTPSerializer.writeChunkEnd(into: &buffer)
        try HTTPSerializer.writeLastChunk(trailers: ["X": "y"], into: &buffer)
        try HTTPSerializer.writeLastChunk(into: &buffer)
        #expect(String(buffer: buffer) == "11\r\nhello hello hello\r\nff\r\n\r\n0\r\nX: y\r\n\r\n0\r\n\r\n")
    }

    @Test(
        "a trailer that would be refused is not written",
        arguments: [
            ("Host", "a", .badTrailer), ("X", "a\r\n", .badHeader),
        ] as [(String, String, WireErrorCode)]
    )
    func trailers(name: String, value: String, code: WireErrorCode) {
        var buffer = ByteBuffer()
        #expect { try HTTPSerializer.writeLastChunk(trailers: [name: value], into: &buffer) } throws: {
            ($0 as? WireError)?.code == code
        }
        #expect(buffer.readableBytes == 0)
    }
}
