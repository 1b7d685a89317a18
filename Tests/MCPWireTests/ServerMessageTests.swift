import CanonicalJSON
import MCPWire
import Testing

@Suite("Messages of servers", .timeLimit(.minutes(10)))
struct ServerMessageTests {
    /// What a message is, its ranges as text.
    private func scan(_ text: String) throws -> String {
        let bytes = Array(text.utf8)
        func slice(_ range: Range<Int>?) -> String {
            range.map { String(decoding: bytes[$0], as: UTF8.self) } ?? "-"
        }
        return switch try ServerMessage.scan(bytes) {
        case .result(let id, let range): "result \(id.json.canonicalText) \(slice(range))"
        case .error(let id, let range): "error \(id?.json.canonicalText ?? "-") \(slice(range))"
        case .request(let id, let method, let range): "request \(id.json.canonicalText) \(method) \(slice(range))"
        case .notification(let method, let range): "notification \(method) \(slice(range))"
        }
    }

    @Test(
        "a message is what its members say, in any order, with the ranges of what is passed on",
        arguments: [
            (#"{"jsonrpc":"2.0","id":1,"result":{"a":[1, 2]}}"#, #"result 1 {"a":[1, 2]}"#),
            ("\n{ \"result\" : { } ,\r\n\t\"id\" : \"x\" , \"jsonrpc\" : \"2.0\" }\n", #"result "x" { }"#),
            (#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m"}}"#, #"error 1 {"code":-1,"message":"m"}"#),
            (#"{"jsonrpc":"2.0","id":null,"error":{}}"#, "error - {}"),
            (#"{"jsonrpc":"2.0","error":{}}"#, "error - {}"),
            (#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#, "result 1 {}"),
            (#"{"jsonrpc":"2.0","id":1,"result":null,"error":{}}"#, "error 1 {}"),
            (#"{"jsonrpc":"2.0","id":"s","method":"roots/list"}"#, #"request "s" roots/list -"#),
            (#"{"jsonrpc":"2.0","id":0,"method":"a","params":{"b":1}}"#, #"request 0 a {"b":1}"#),
            (#"{"jsonrpc":"2.0","method":"n","params":null}"#, "notification n -"),
            (#"{"jsonrpc":"2.0","method":"n\/\u0041","params":{}}"#, "notification n/A {}"),
            (#"{"\u006asonrpc":"2\u002e0","\u0069d":2,"result":{}}"#, "result 2 {}"),
            (#"{"jsonrpc":"2.0","id":9223372036854775807,"result":{}}"#, "result 9223372036854776000 {}"),
            (#"{"jsonrpc":"2.0","id":1,"result":{},"x":[{"id":2,"id":3}]}"#, "result 1 {}"),
            (#"{"jsonrpc":"2.0","id":1,"result":{"a":"\ud83d","b":1e999}}"#, #"result 1 {"a":"\ud83d","b":1e999}"#),
            (#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#, #"result 1 {"a":1,"a":2}"#),
        ],
    )
    func accepted(text: String, message: String) throws {
        #expect(try scan(text) == message)
    }

    @Test("ids keep all of their 64 bits")
    func wideIDs() throws {
        let message = try ServerMessage.scan(Array(#"{"jsonrpc":"2.0","id":-9223372036854775808,"result":{}}"#.utf8))
        #expect(message == .result(id: .integer(.min), 52..<54))
    }

    @Test(
        "what is no message is refused",
        arguments: [
            "", " ", "{", "null", "7", "[]", #"[{"jsonrpc":"2.0","id":1,"result":{}}]"#, "{}",
            "\u{FEFF}" + #"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{}} {}"#, #"{"jsonrpc":"2.0","id":1,"result":{}},"#,
            #"{"jsonrpc":"2.0","id":1,"result":{},}"#, #"{"jsonrpc":"2.0","id":1 "result":{}}"#,
            #"{"jsonrpc":"2.0","id":1,"result"}"#, #"{jsonrpc:"2.0"}"#, #"{"jsonrpc":"2.0",,}"#,
            #"{"id":1,"result":{}}"#, #"{"jsonrpc":"2","id":1,"result":{}}"#, #"{"jsonrpc":2.0,"id":1,"result":{}}"#,
            #"{"jsonrpc":"2.0","result":{}}"#, #"{"jsonrpc":"2.0","id":null,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":true,"result":{}}"#, #"{"jsonrpc":"2.0","id":1.5,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":1.0,"result":{}}"#, #"{"jsonrpc":"2.0","id":1e2,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":-0,"result":{}}"#, #"{"jsonrpc":"2.0","id":9223372036854775808,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":[1],"result":{}}"#, #"{"jsonrpc":"2.0","id":"\ud800","result":{}}"#,
            #"{"jsonrpc":"2.0","id":1,"result":[]}"#, #"{"jsonrpc":"2.0","id":1,"result":null}"#,
            #"{"jsonrpc":"2.0","id":1,"error":"no"}"#, #"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            #"{"jsonrpc":"2.0","id":1,"result":null,"error":null}"#, #"{"jsonrpc":"2.0","id":1}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"x","result":null}"#,
            #"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, #"{"jsonrpc":"2.0","id":null,"method":"x"}"#,
            #"{"jsonrpc":"2.0","id":1,"method":null}"#, #"{"jsonrpc":"2.0","id":1,"method":"\udc00"}"#,
            #"{"jsonrpc":"2.0","method":"x","params":[]}"#, #"{"jsonrpc":"2.0","method":"x","params":"p"}"#,
            #"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#, #"{"jsonrpc":"2.0","id":1,"i\u0064":1,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{},"result":{}}"#, #"{"jsonrpc":"2.0","id":1,"result":{},"x":1,"x":2}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{},"\ud800":1}"#,
        ],
    )
    func refused(text: String) {
        #expect(throws: RPCFault.self) { try ServerMessage.scan(Array(text.utf8)) }
    }

    @Test("a scan knows the grammar of JSON as the strict reader does")
    func values() throws {
        let values = [
            "null", "true", "false", "0", "-0", "-1.5e-3", "1E+2", "0.0", "\"\"", #""\"\\\/\b\f\n\r\t\u00Ff""#, "[]",
            "[ ]",
            "{}", "[1 , 2]", #"{"a":{"b":[{}]}}"#, "\"é水😀\u{10FFFF}\"", "\"\u{7F}\"",
            "nul", "tru", "falsey", "TRUE", "NaN", "01", "-", "+1", ".5", "1.", "1.e2", "1e", "1e+", "-a", "0x1", "\"",
            #""\"#, #""\x""#, #""\u12""#, #""\u12g4""#, "\"\u{1F}\"", "\"\n\"", "[1", "[1,]", "[,1]", "[1 2]", "[1}",
            "{1:2}",
            #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1]"#, #"{"a" 1}"#, #"{a:1}"#, "'a'", "/**/1", "\u{A0}1",
        ]
        for value in values {
            let isJSON = (try? JSONParser.parse(value, limits: .init(allowsNoncharacters: true))) != nil
            let text = #"{"jsonrpc":"2.0","id":1,"result":{"v":\#(value)}}"#
            #expect(((try? ServerMessage.scan(Array(text.utf8))) != nil) == isJSON, "\(value)")
        }
    }

    @Test("all of UTF-8 is accepted, and nothing else")
    func encoding() throws {
        func isAccepted(_ bytes: [UInt8]) -> Bool {
            let start = Array(#"{"jsonrpc":"2.0","id":1,"result":{"v":""#.utf8)
            return (try? ServerMessage.scan(start + bytes + Array("\"}}".utf8))) != nil
        }
        let tails: [[UInt8]] = [
            [], [0x80], [0xBF], [0x7F], [0xC0], [0x80, 0x80], [0xBF, 0xBF], [0x80, 0x7F], [0x80, 0xC0],
        ]
        for lead in UInt8(0x80)...0xFF {
            #expect(!isAccepted([lead]))
            for second in UInt8(0x70)...0xFF {
                for tail in tails {
                    let bytes = [lead, second] + tail
                    #expect(isAccepted(bytes) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
                }
            }
        }
        // Cut at the very end of the bytes.
        let cut: [[UInt8]] = [[0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98]]
        for bytes in cut {
            #expect(throws: RPCFault.self) { try ServerMessage.scan(Array(#"{"a":""#.utf8) + bytes) }
        }
    }

    @Test("511 containers within a result are accepted, and one more is refused")
    func depth() throws {
        func message(_ depth: Int) -> [UInt8] {
            let arrays = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return Array(#"{"jsonrpc":"2.0","id":1,"result":{"a":\#(arrays)}}"#.utf8)
        }
        _ = try ServerMessage.scan(message(511))
        #expect(throws: RPCFault.self) { try ServerMessage.scan(message(512)) }
        #expect(throws: RPCFault.self) { try ServerMessage.scan(message(1_000_000)) }
        let mixed = String(repeating: #"[{"a":"#, count: 255) + "1" + String(repeating: "}]", count: 255)
        _ = try ServerMessage.scan(Array(#"{"jsonrpc":"2.0","id":1,"result":{"a":\#(mixed)}}"#.utf8))
        #expect(throws: RPCFault.self) {
            try ServerMessage.scan(Array(#"{"x":\#(String(repeating: #"{"a":"#, count: 100_000))"#.utf8))
        }
    }

    @Test("no cut and no change of one byte makes the scan trap, and what is accepted holds an object where it says so")
    func mutated() {
        let bytes = Array(#"{"jsonrpc":"2.0","id":"é\ud83d\ude00","result":{"a":[-1.5e3,true,{}]},"x":null}"#.utf8)
        for index in bytes.indices {
            #expect(throws: RPCFault.self) { try ServerMessage.scan(Array(bytes[..<index])) }
            for byte in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = byte
                guard case .result(_, let range) = try? ServerMessage.scan(changed) else { continue }
                #expect(ObjectScan.value(changed, in: range)?.objectValue != nil)
            }
        }
    }

    @Test("a result of a megabyte is one range")
    func large() throws {
        let text = String(repeating: #"a\"é水"#, count: 150_000)
        let bytes = Array(#"{"jsonrpc":"2.0","result":{"content":[{"type":"text","text":"\#(text)"}]},"id":1}"#.utf8)
        #expect(try ServerMessage.scan(bytes) == .result(id: .integer(1), 26..<(bytes.count - 8)))
    }
}

@Suite("Members in place", .timeLimit(.minutes(10)))
struct ObjectScanTests {
    @Test("members come with their names unescaped and the ranges of their values, in the order of the text")
    func members() throws {
        let bytes = Array(#"xx { "b" : [1] , "\u0061:" : "v" , "" : {} } yy"#.utf8)
        let members = try ObjectScan.members(bytes, in: 2..<(bytes.count - 2))
        #expect(members.map(\.name) == ["b", "a:", ""])
        #expect(members.map { String(decoding: bytes[$0.value], as: UTF8.self) } == ["[1]", #""v""#, "{}"])
        #expect(ObjectScan.value(bytes, in: members[1].value) == "v")
        #expect(try ObjectScan.members(Array("{ }".utf8), in: 0..<3).isEmpty)
    }

    @Test("a range beyond the bytes, or of something that is no object, is refused")
    func ranges() {
        let bytes = Array(#"[1] {"a":1}"#.utf8)
        for range in [0..<3, 0..<11, 4..<10, 4..<12, 5..<11, 3..<3, -1..<2, 11..<40] {
            #expect(throws: RPCFault.self) { try ObjectScan.members(bytes, in: range) }
        }
        #expect(ObjectScan.value(bytes, in: -1..<2) == nil)
        #expect(ObjectScan.value(bytes, in: 4..<40) == nil)
    }

    @Test("names are the same only if their bytes are, however many there are")
    func duplicates() throws {
        for count in [0, 10, 15, 16, 17, 1000] {
            let members = (0..<count).map { #""k\#($0)":0"# } + ["\"\u{E9}\":1", "\"e\u{301}\":2"]
            let text = "{\(members.joined(separator: ","))}"
            #expect(try ObjectScan.members(Array(text.utf8), in: 0..<text.utf8.count).count == count + 2)
            let twice = "{\(members.joined(separator: ",")),\"\\u00e9\":3}"
            #expect(throws: RPCFault.self) { try ObjectScan.members(Array(twice.utf8), in: 0..<twice.utf8.count) }
        }
    }

    @Test("an object of very many members is refused")
    func many() {
        let text = "{" + (0..<65_537).map { #""\#($0)":0"# }.joined(separator: ",") + "}"
        #expect(throws: RPCFault.self) { try ObjectScan.members(Array(text.utf8), in: 0..<text.utf8.count) }
    }
}
