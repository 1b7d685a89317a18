import HTTPWire
import NIOCore
import Testing

@Suite("Round trips", .timeLimit(.minutes(10)))
struct RoundTripTests {
    /// Messages of every framing, several in a row.
    static let requestCorpus = [
        "GET /v1/x?y=1 HTTP/1.1\nHost: a.example:8080\nUser-Agent: x/1\nX-Pad: \t b c \t \n\n",
        "POST /1 HTTP/1.1\nHost: a\nContent-Length: 11\nExpect: 100-continue\n\nhello\nhell",
        "POST /2 HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n2\nde\n0A\n0123456789\n00\nX-Sum: 1\nX-E: ü\n\n",
        "GET /3 HTTP/1.0\nConnection: keep-alive\n\n",
        "OPTIONS * HTTP/1.1\nHost: [::1]\nConnection: close, te\nTE: trailers\nX-U: grüße\n\n",
        "GET /ws HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n",
        "GET /a HTTP/1.1\nHost: a\n\nPUT /b HTTP/1.1\nHost: a\nContent-Length: 0\n\nGET /c HTTP/1.1\nHost: a\n\n",
    ]

    static let responseCorpus: [(method: String, text: String)] = [
        ("GET", "HTTP/1.1 200 OK\nContent-Length: 5\nServer: x\n\nhello"),
        ("GET", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\nX-Sum: 1\n\n"),
        ("GET", "HTTP/1.1 100 Continue\n\nHTTP/1.1 204 No Content\nX: y\n\n"),
        ("GET", "HTTP/1.0 200\nConnection: keep-alive\n\nuntil close"),
        ("HEAD", "HTTP/1.1 200 OK\nContent-Length: 500\n\n"),
        ("GET", "HTTP/1.1 304 Not Modified\nETag: \"x\"\nContent-Length: 500\n\n"),
    ]

    @Test("a request gives the same events however its bytes are cut", arguments: requestCorpus)
    func requestSplits(text: String) {
        let whole = requests([wire(text)])
        #expect(whole.code == nil && whole.events.last == .end)
        #expect(Set(splits(wire(text)).map { requests($0) }) == [whole])
    }

    @Test("a response gives the same events however its bytes are cut", arguments: responseCorpus)
    func responseSplits(method: String, text: String) {
        let whole = responses([wire(text)], to: [method])
        #expect(whole.code == nil && whole.events.last == .end)
        #expect(Set(splits(wire(text)).map { responses($0, to: [method]) }) == [whole])
    }

    @Test("what is written is read back equal", arguments: 0..<8 as Range<UInt64>)
    func identity(seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        for _ in 0..<500 {
            let events = RandomMessage.request(using: &generator)
            let bytes = try #require(rewrite(events))
            let pieces = RandomMessage.cut(bytes, using: &generator)
            #expect(read(pieces) == events)
        }
    }

    @Test("mutated requests never trap; what is accepted is forwarded as read", arguments: 0..<20 as Range<UInt64>)
    func requestFuzz(seed: UInt64) throws {
        var generator = SeededGenerator(state: 1_000 + seed)
        let corpus = Self.requestCorpus.map(wire)
        for round in 0..<8_000 {
            var bytes = corpus[Int.random(in: corpus.indices, using: &generator)]
            RandomMessage.mutate(&bytes, with: corpus, using: &generator)
            let outcome = requests([bytes], closing: false)
            let rewritten = rewrite(outcome.events)
            guard let rewritten else {
                Issue.record("accepted but not written: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
                continue
            }
            let again = requests([rewritten], closing: false)
            if again.events != outcome.events || again.code != nil {
                Issue.record("read differently: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            }
            guard round.isMultiple(of: 4) else { continue }
            let cut = requests(RandomMessage.cut(bytes, using: &generator), closing: false)
            if cut != outcome {
                Issue.record("cut differently: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            }
        }
    }

    @Test("mutated responses never trap; what is accepted is forwarded as read", arguments: 0..<10 as Range<UInt64>)
    func responseFuzz(seed: UInt64) throws {
        var generator = SeededGenerator(state: 2_000 + seed)
        let corpus = Self.responseCorpus.map { (method: $0.method, bytes: wire($0.text)) }
        for round in 0..<4_000 {
            let (method, original) = corpus[Int.random(in: corpus.indices, using: &generator)]
            var bytes = original
            RandomMessage.mutate(&bytes, with: corpus.map(\.bytes), using: &generator)
            let outcome = responses([bytes], to: [method], closing: false)
            guard let rewritten = rewrite(outcome.events, method: method) else {
                Issue.record("accepted but not written: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
                continue
            }
            let again = responses([rewritten], to: [method], closing: false)
            if again.events != outcome.events || again.code != nil {
                Issue.record("read differently: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            }
            guard round.isMultiple(of: 4) else { continue }
            let cut = responses(RandomMessage.cut(bytes, using: &generator), to: [method], closing: false)
            if cut != outcome {
                Issue.record("cut differently: \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            }
        }
    }

    @Test("mutated targets never trap; what is accepted decodes to no dot segment", arguments: 0..<4 as Range<UInt64>)
    func targetFuzz(seed: UInt64) throws {
        var generator = SeededGenerator(state: 3_000 + seed)
        let alphabet = [
            "/", ".", "%2e", "%2F", "%25", "2e", "%5c", ";", "a", "?", "#", "\\", "%00", "%c3%a9", "%", "é", "..",
        ]
        for _ in 0..<5_000 {
            let count = Int.random(in: 0...8, using: &generator)
            let text = "/" + (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? "" }.joined()
            guard let target = try? RequestTarget(parsing: text) else { continue }
            #expect(target.path + (target.query.map { "?" + $0 } ?? "") == text)
            #expect(!target.segments.contains { $0 == "." || $0 == ".." || $0.contains("/") || $0.contains("\\") })
            #expect(!target.segments.dropLast().contains(""))
        }
    }

    private func read(_ pieces: [[UInt8]]) -> [RequestEvent] { requests(pieces).events }
}

/// Writes request events again as a gateway would; nil if the serializer refuses.
func rewrite(_ events: [RequestEvent]) -> [UInt8]? {
    var buffer = ByteBuffer()
    var isChunked = false
    var hasTrailers = false
    do {
        for event in events {
            switch event {
            case .head(let head):
                isChunked = head.framing == .chunked
                hasTrailers = false
                try HTTPSerializer.write(request: head, into: &buffer)
            case .body(let bytes):
                if isChunked {
                    HTTPSerializer.writeChunk(bytes, into: &buffer)
                } else {
                    buffer.writeImmutableBuffer(bytes)
                }
            case .trailers(let fields):
                hasTrailers = true
                try HTTPSerializer.writeLastChunk(trailers: fields, into: &buffer)
            case .end:
                if isChunked, !hasTrailers { try HTTPSerializer.writeLastChunk(into: &buffer) }
            }
        }
    } catch {
        return nil
    }
    return Array(buffer.readableBytesView)
}

/// Writes response events again as a gateway would; nil if the serializer refuses.
func rewrite(_ events: [ResponseEvent], method: String) -> [UInt8]? {
    var buffer = ByteBuffer()
    var isChunked = false
    var hasTrailers = false
    do {
        for event in events {
            switch event {
            case .informational(let head):
                try HTTPSerializer.write(response: head, toMethod: method, into: &buffer)
            case .head(let head):
                isChunked = head.framing == .chunked
                try HTTPSerializer.write(response: head, toMethod: method, into: &buffer)
            case .body(let bytes):
                if isChunked {
                    HTTPSerializer.writeChunk(bytes, into: &buffer)
                } else {
                    buffer.writeImmutableBuffer(bytes)
                }
            case .trailers(let fields):
                hasTrailers = true
                try HTTPSerializer.writeLastChunk(trailers: fields, into: &buffer)
            case .end:
                if isChunked, !hasTrailers { try HTTPSerializer.writeLastChunk(into: &buffer) }
            }
        }
    } catch {
        return nil
    }
    return Array(buffer.readableBytesView)
}
