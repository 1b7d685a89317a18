import MCPWire
import Testing

/// Feeds bytes whole, one at a time, in every two parts and in parts of three; all must come to the same.
private func everySplit<Item: Equatable>(_ bytes: [UInt8], _ read: ([[UInt8]]) throws -> [Item]) throws -> [Item] {
    let whole = try read([bytes])
    #expect(try read(bytes.map { [$0] }) == whole)
    for index in bytes.indices { #expect(try read([Array(bytes[..<index]), Array(bytes[index...])]) == whole) }
    let threes = stride(from: 0, to: bytes.count, by: 3).map { Array(bytes[$0..<min($0 + 3, bytes.count)]) }
    #expect(try read(threes) == whole)
    return whole
}

@Suite("Event streams", .timeLimit(.minutes(10)))
struct EventStreamTests {
    private func events(_ text: String) throws -> [StreamEvent] {
        try everySplit(Array(text.utf8)) { parts in
            var parser = EventStreamParser(maximumEvent: 1000)
            return try parts.flatMap { part throws(RPCFault) in try parser.feed(part) }
        }
    }

    private func event(_ data: String, type: String = "message", id: String? = nil, retry: Int64? = nil) -> StreamEvent
    {
        StreamEvent(type: type, data: Array(data.utf8), id: id, retry: retry)
    }

    @Test("lines end in LF, CR or CR LF, also mixed", arguments: ["\n", "\r", "\r\n"])
    func lineEnds(end: String) throws {
        let text = "event: x\ndata: a\ndata: b\n\n: comment\n\ndata: c\n\n\n\ndata: not ended\n"
        let expected = [event("a\nb", type: "x"), event("c")]
        #expect(
            try events(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: end)) == expected
        )
        #expect(try events("data: a\rdata: b\r\ndata: c\n\rdata: d\r\n\r") == [event("a\nb\nc"), event("d")])
    }

    @Test(
        "fields are read as the standard says",
        arguments: [
            ("data:a\n\n", "a"), ("data:  a\n\n", " a"), ("data\n\n", ""), ("data:\n\n", ""), ("data\ndata\n\n", "\n"),
            ("data: a:b\n\n", "a:b"), ("data:é\u{2028}x\n\n", "é\u{2028}x"), ("Data: x\ndata: a\n\n", "a"),
            ("datax: x\ndata: a\n\n", "a"), (" data: x\ndata: a\n\n", "a"), ("data : x\ndata: a\n\n", "a"),
            ("\u{FEFF}data: a\n\n", "a"), (":\n:x\ndata: a\n\n", "a"), ("x\ndata: a\n\n", "a"),
        ],
    )
    func fields(text: String, data: String) throws {
        #expect(try events(text) == [event(data)])
    }

    @Test("a byte order mark counts only at the start")
    func byteOrderMark() throws {
        #expect(try events("\u{FEFF}\u{FEFF}data: a\n\n").isEmpty)
        #expect(try events("\n\u{FEFF}data: a\n\n").isEmpty)
    }

    @Test("an event without data is none, but its id and retry count")
    func identifiers() throws {
        var parser = EventStreamParser(maximumEvent: 1000)
        #expect(try parser.feed(Array("id: 1\nretry: 500\n\n".utf8)).isEmpty)
        #expect(parser.lastEventID == "1")
        #expect(parser.reconnectionTime == 500)
        #expect(try parser.feed(Array("event: x\n\ndata: a\n\n".utf8)) == [event("a")])
        let text = "id: 2\nid: a\0b\nretry: 1x\nretry: -1\nretry:\nretry: 99999999999999999999\ndata: b\n\n"
        #expect(try parser.feed(Array(text.utf8)) == [event("b", id: "2")])
        #expect(parser.lastEventID == "2")
        #expect(parser.reconnectionTime == 500)
        #expect(try parser.feed(Array("id\nretry: 007\ndata: c\n\n".utf8)) == [event("c", id: "", retry: 7)])
        #expect(parser.lastEventID == "")
    }

    @Test("data that is not UTF-8 stays as it is")
    func bytes() throws {
        var parser = EventStreamParser(maximumEvent: 100)
        #expect(try parser.feed([UInt8]("data: ".utf8) + [0xFF, 0x0A, 0x0A]).map(\.data) == [[0xFF]])
    }

    @Test("an event may be as large as allowed; beyond that nothing is read any more")
    func size() throws {
        var parser = EventStreamParser(maximumEvent: 16)
        _ = try parser.feed(Array("data: 1234567890\n\n".utf8))
        #expect(throws: RPCFault.self) { try parser.feed(Array("data: 12345678901".utf8)) }
        #expect(throws: RPCFault.self) { try parser.feed(Array("data: x\n\n".utf8)) }
        #expect(throws: RPCFault.self) { try parser.feed([]) }
        var lines = EventStreamParser(maximumEvent: 16)
        #expect(throws: RPCFault.self) { for _ in 0..<20 { _ = try lines.feed(Array("data\n".utf8)) } }
        var comments = EventStreamParser(maximumEvent: 16)
        for _ in 0..<20 { #expect(try comments.feed(Array(":\r\n".utf8)).isEmpty) }
    }

    @Test("a line of a megabyte in small pieces is one event, in time that grows with its length")
    func longLine() throws {
        let data = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        let bytes = EventStreamWriter.message(data)
        var parser = EventStreamParser(maximumEvent: 2 << 20)
        var events: [StreamEvent] = []
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            events += try parser.feed(bytes[start..<min(start + 1000, bytes.count)])
        }
        #expect(events == [StreamEvent(data: data)])
    }

    @Test("what is written is read back as it was, and nothing of an id makes further fields")
    func writing() throws {
        let text = String(decoding: EventStreamWriter.message(Array(#"{"a":1}"#.utf8), id: "7"), as: UTF8.self)
        #expect(text == "id: 7\nevent: message\ndata: {\"a\":1}\n\n")
        #expect(try events(text) == [event(#"{"a":1}"#, id: "7")])
        for data in ["", "a\nb", "a\r\nb\rc\n", "\n"] {
            let written = String(decoding: EventStreamWriter.message(Array(data.utf8)), as: UTF8.self)
            let lines = data.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
            #expect(try events(written) == [event(lines)])
        }
        let hostile = EventStreamWriter.message([], id: "1\ndata: x")
        #expect(try events(String(decoding: hostile, as: UTF8.self)) == [event("")])
        let comment = EventStreamWriter.comment("a\ndata: x\r\n")
        #expect(String(decoding: comment, as: UTF8.self) == ": a\n: data: x\n:\n\n")
        #expect(try events(String(decoding: EventStreamWriter.comment(""), as: UTF8.self)).isEmpty)
        let priming = String(decoding: EventStreamWriter.priming(id: "1", retryMilliseconds: 500), as: UTF8.self)
        #expect(try events(priming) == [event("", id: "1", retry: 500)])
        #expect(String(decoding: EventStreamWriter.priming(id: "1"), as: UTF8.self) == "id: 1\ndata: \n\n")
    }
}

@Suite("Lines of stdio", .timeLimit(.minutes(10)))
struct LineFramerTests {
    private func lines(_ text: String, maximumLine: Int = 100) throws -> [String] {
        try everySplit(Array(text.utf8)) { parts in
            var framer = LineFramer(maximumLine: maximumLine)
            return try parts.flatMap { part throws(RPCFault) in try framer.feed(part) }
        }.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("a message is a line, ended by LF or CR LF; empty lines and a line that is not ended are none")
    func framing() throws {
        #expect(try lines("a\nb\r\n\n\r\nc\rd\n e") == ["a", "b", "c\rd"])
        #expect(try lines("").isEmpty)
        #expect(try lines("é\u{2028}\u{85}\n") == ["é\u{2028}\u{85}"])
    }

    @Test("whether bytes end within a line is known")
    func midLine() throws {
        var framer = LineFramer(maximumLine: 10)
        _ = try framer.feed(Array("a\n".utf8))
        #expect(!framer.isMidLine)
        _ = try framer.feed(Array("b".utf8))
        #expect(framer.isMidLine)
    }

    @Test("a line may be as long as allowed; beyond that nothing is read any more")
    func size() throws {
        #expect(try lines("1234\n1234\r\n", maximumLine: 4) == ["1234", "1234"])
        for text in ["12345\n", "12345\r\n", "1234\n123456", "123\r56"] {
            for isWhole in [true, false] {
                var framer = LineFramer(maximumLine: 4)
                #expect(throws: RPCFault.self) {
                    if isWhole { _ = try framer.feed(Array(text.utf8)) }
                    for byte in text.utf8 { _ = try framer.feed([byte]) }
                }
                #expect(throws: RPCFault.self) { try framer.feed(Array("\n".utf8)) }
            }
        }
    }
}
