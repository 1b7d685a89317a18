import CanonicalJSON
import MCPWire
import Testing

@Suite("Messages of clients", .timeLimit(.minutes(10)))
struct ClientMessageTests {
    @Test(
        "a message is what its members say",
        arguments: [
            (
                #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
                .request(id: .integer(1), method: "ping", params: [:])
            ),
            (
                #" { "params" : {"a":[1]} , "method":"tools/call","id":"\u0061","jsonrpc":"2.0" } "#,
                .request(id: .string("a"), method: "tools/call", params: ["a": [1]])
            ),
            (
                #"{"jsonrpc":"2.0","id":-9007199254740991,"method":"","params":{},"extra":true}"#,
                .request(id: .integer(-9_007_199_254_740_991), method: "", params: [:])
            ),
            (
                #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
                .notification(method: "notifications/cancelled", params: ["requestId": 1])
            ),
            (
                #"{"jsonrpc":"2.0","id":7,"result":{"action":"accept"}}"#,
                .response(id: .integer(7), .result(["action": "accept"]))
            ),
            (
                #"{"jsonrpc":"2.0","id":"","error":{"code":-1,"message":"no"}}"#,
                .response(id: .string(""), .error(["code": -1, "message": "no"]))
            ),
        ] as [(String, ClientMessage)],
    )
    func accepted(text: String, message: ClientMessage) throws {
        #expect(try ClientMessage.parse(Array(text.utf8), maximumBytes: 1000) == message)
    }

    @Test("what is no message is answered with an error, to its id where that could be read", arguments: Refused.all)
    func refused(_ row: Refused) {
        let fault = #expect(throws: ClientMessageFault.self) {
            try ClientMessage.parse(row.bytes, maximumBytes: 100_000)
        }
        #expect(fault?.error.code == row.code)
        #expect(fault?.id == row.id)
        #expect(fault?.error.httpStatus == 400)
    }

    @Test("a batch is told that it is one")
    func batch() {
        let fault = #expect(throws: ClientMessageFault.self) {
            try ClientMessage.parse(Array(#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#.utf8), maximumBytes: 1000)
        }
        #expect(fault?.error.message.contains("batch") == true)
    }

    @Test("a message may have as many bytes as allowed, and no more")
    func size() throws {
        let bytes = Array(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.utf8)
        _ = try ClientMessage.parse(bytes, maximumBytes: bytes.count)
        let fault = #expect(throws: ClientMessageFault.self) {
            try ClientMessage.parse(bytes, maximumBytes: bytes.count - 1)
        }
        #expect(fault?.error.code == RPCCode.invalidRequest)
        #expect(throws: ClientMessageFault.self) { try ClientMessage.parse(bytes, maximumBytes: -1) }
    }

    @Test("no cut and no change of one byte makes the reader trap, and nothing of the text is repeated")
    func mutated() {
        let bytes = Array(#"{"jsonrpc":"2.0","id":"é\ud83d\ude00","method":"x/y","params":{"a":[1.5,{}]}}"#.utf8)
        for index in bytes.indices {
            _ = try? ClientMessage.parse(Array(bytes[..<index]), maximumBytes: 1000)
            for byte in UInt8.min...UInt8.max {
                var changed = bytes
                changed[index] = byte
                do throws(ClientMessageFault) {
                    _ = try ClientMessage.parse(changed, maximumBytes: 1000)
                } catch {
                    #expect(!error.error.message.contains("x/y"))
                }
            }
        }
    }

    @Test(
        "an id is a string or an integer",
        arguments: [nil, true, 1.5, 1e2, [], [:]] as [JSONValue],
    )
    func ids(value: JSONValue) {
        #expect(RequestID(value) == nil)
    }

    @Test("a number and its digits are two ids, and so are texts that only look alike")
    func identity() {
        #expect(RequestID.integer(1) != .string("1"))
        #expect(RequestID.string("\u{E9}") != .string("e\u{301}"))
        #expect(Set<RequestID>([.string("\u{E9}"), .string("e\u{301}"), .integer(1), .integer(1)]).count == 3)
        #expect(RequestID(.integer(.max))?.json == .integer(.max))
    }

    @Test("each code has the HTTP status that 2026-07-28 gives it")
    func statuses() {
        let statuses = [
            RPCCode.parseError: 400, RPCCode.invalidRequest: 400, RPCCode.invalidParams: 400,
            RPCCode.headerMismatch: 400, RPCCode.missingCapability: 400, RPCCode.unsupportedVersion: 400,
            RPCCode.methodNotFound: 404, RPCCode.internalError: 200, RPCCode.urlElicitationRequired: 200,
            RPCCode.resourceNotFound: 200, -32023: 200, 7: 200,
        ]
        for (code, status) in statuses { #expect(RPCError(code: code, message: "").httpStatus == status) }
    }
}

/// A text that is no message of a client's, and how it is answered.
struct Refused: CustomTestStringConvertible, Sendable {
    let bytes: [UInt8]
    let code: Int64
    let id: RequestID?
    var testDescription: String { String(decoding: bytes.prefix(80), as: UTF8.self) }

    private init(_ text: String, _ code: Int64, _ id: RequestID? = nil) {
        self.init(Array(text.utf8), code, id)
    }

    private init(_ bytes: [UInt8], _ code: Int64, _ id: RequestID? = nil) {
        self.bytes = bytes
        self.code = code
        self.id = id
    }

    private static func string(_ bytes: [UInt8]) -> [UInt8] {
        Array(#"{"jsonrpc":"2.0","id":1,"method":""#.utf8) + bytes + Array(#""}"#.utf8)
    }

    static let all: [Refused] = grammar + shapes + restricted

    private static let grammar = [
        Refused("", RPCCode.parseError),
        Refused("   ", RPCCode.parseError),
        Refused("{", RPCCode.parseError),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#, RPCCode.parseError),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"ping"}{}"#, RPCCode.parseError),
        Refused("\u{FEFF}" + #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, RPCCode.parseError),
        Refused(#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#, RPCCode.parseError),
        Refused(#"{'jsonrpc':'2.0'}"#, RPCCode.parseError),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"a\qb"}"#, RPCCode.parseError),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"a"# + "\n" + #""}"#, RPCCode.parseError),
        Refused(string([0xC0, 0x80]), RPCCode.parseError),
        Refused(string([0xED, 0xA0, 0x80]), RPCCode.parseError),
        Refused(string([0xF4, 0x90, 0x80, 0x80]), RPCCode.parseError),
        Refused(string([0xFF]), RPCCode.parseError),
    ]

    private static let shapes = [
        Refused("[]", RPCCode.invalidRequest),
        Refused(#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, RPCCode.invalidRequest),
        Refused("null", RPCCode.invalidRequest),
        Refused("\"ping\"", RPCCode.invalidRequest),
        Refused("{}", RPCCode.invalidRequest),
        Refused(#"{"id":1,"method":"ping"}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, RPCCode.invalidRequest, .string("a")),
        Refused(#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":1e2,"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":1}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":7}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":null}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"x","params":null}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","id":1,"result":null}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(#"{"jsonrpc":"2.0","result":{}}"#, RPCCode.invalidRequest),
    ]

    private static let restricted = [
        Refused(#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"ping"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":1,"a":2}}"#, RPCCode.invalidRequest, .integer(1)),
        Refused(
            #"{"jsonrpc":"2.0","id":"a","method":"x","params":{"a":12345678901234567890}}"#,
            RPCCode.invalidRequest,
            .string("a")
        ),
        Refused(#"{"jsonrpc":"2.0","id":9223372036854775808,"method":"x"}"#, RPCCode.invalidRequest),
        Refused(#"{"jsonrpc":"2.0","id":5,"method":"x","params":{"a":1e999}}"#, RPCCode.invalidRequest, .integer(5)),
        Refused(#"{"jsonrpc":"2.0","id":5,"method":"x","params":{"a":"\ud800"}}"#, RPCCode.invalidRequest, .integer(5)),
        Refused(#"{"jsonrpc":"2.0","id":5,"method":"x","params":{"a":"\uffff"}}"#, RPCCode.invalidRequest, .integer(5)),
        Refused(
            #"{"jsonrpc":"2.0","id":5,"method":"x","params":{"a":"#
                + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}}",
            RPCCode.invalidRequest,
            .integer(5)
        ),
        Refused(String(repeating: #"{"a":"#, count: 10_000), RPCCode.invalidRequest),
        Refused(String(repeating: "[", count: 10_000), RPCCode.invalidRequest),
    ]
}
