import CanonicalJSON
import MCPWire
import Testing

@Suite("Writing messages", .timeLimit(.minutes(10)))
struct RPCWriterTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("messages are compact, with an id that is exactly what was asked with")
    func messages() {
        #expect(
            text(RPCWriter.request(id: .integer(.max), method: "a/\"b", params: ["x": 1]))
                == #"{"jsonrpc":"2.0","id":9223372036854775807,"method":"a/\"b","params":{"x":1}}"#
        )
        #expect(text(RPCWriter.request(id: .string("\n"), method: "m")) == #"{"jsonrpc":"2.0","id":"\n","method":"m"}"#)
        #expect(
            text(RPCWriter.notification(method: "m", params: [:])) == #"{"jsonrpc":"2.0","method":"m","params":{}}"#
        )
        #expect(text(RPCWriter.notification(method: "m")) == #"{"jsonrpc":"2.0","method":"m"}"#)
        #expect(
            text(RPCWriter.result(id: .integer(1), ["a": [1.5]])) == #"{"jsonrpc":"2.0","id":1,"result":{"a":[1.5]}}"#
        )
        #expect(
            text(RPCWriter.error(id: nil, RPCError(code: -32600, message: "no")))
                == #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#
        )
        #expect(
            text(RPCWriter.error(id: .integer(2), RPCError(code: 1, message: "", data: ["d": nil])))
                == #"{"jsonrpc":"2.0","id":2,"error":{"code":1,"data":{"d":null},"message":""}}"#
        )
    }

    @Test("raw bytes are passed on as they stand, but for line breaks")
    func raw() {
        let raw = Array("{\r\n  \"a\": \"x\\n\",\n\t\"b\": 1.0 }".utf8)
        let flat = #"{  "a": "x\n","# + "\t" + #""b": 1.0 }"#
        #expect(text(RPCWriter.result(id: .integer(1), raw: raw)) == #"{"jsonrpc":"2.0","id":1,"result":"# + flat + "}")
        #expect(text(RPCWriter.error(id: nil, raw: raw[...])) == #"{"jsonrpc":"2.0","id":null,"error":"# + flat + "}")
        #expect(
            text(RPCWriter.request(id: .integer(1), method: "m", rawParams: raw))
                == #"{"jsonrpc":"2.0","id":1,"method":"m","params":"# + flat + "}"
        )
        let none = RPCWriter.notification(method: "m", rawParams: [UInt8]?.none)
        #expect(text(none) == #"{"jsonrpc":"2.0","method":"m"}"#)
        #expect(
            text(RPCWriter.notification(method: "m", rawParams: Array("{}".utf8)))
                == #"{"jsonrpc":"2.0","method":"m","params":{}}"#
        )
    }

    @Test("what is written is read back as it was")
    func roundTrip() throws {
        for id in [RequestID.integer(0), .integer(-7), .string(""), .string("é\u{0}\n\"")] {
            let params: JSONObject = ["a": ["\n", 1.25, nil]]
            let request = RPCWriter.request(id: id, method: "é\n", params: params)
            #expect(!request.contains(0x0A))
            #expect(
                try ClientMessage.parse(request, maximumBytes: 1000) == .request(id: id, method: "é\n", params: params)
            )
            guard case .request(id, method: "é\n", let range?) = try ServerMessage.scan(request) else {
                Issue.record("not the request that it was")
                return
            }
            let again = RPCWriter.request(id: id, method: "é\n", rawParams: request[range])
            #expect(again == request)
        }
    }

    @Test(
        "members are put at the front of a raw object unless it has them",
        arguments: [
            (#"{"a":1}"#, [], #"{"x":1,"y":[],"a":1}"#), ("{}", [], #"{"x":1,"y":[]}"#),
            (" { \n }", [], "{\"x\":1,\"y\":[] \n }"), (#"{"x":2}"#, ["x"], #"{"y":[],"x":2}"#),
            (#"{"x":2,"y":3}"#, ["x", "y"], #"{"x":2,"y":3}"#), ("[1]", [], "[1]"), ("", [], ""), ("  ", [], "  "),
        ] as [(String, Set<String>, String)],
    )
    func adding(raw: String, names: Set<String>, expected: String) {
        let added = RawObject.adding([("x", 1), ("y", [])], to: Array(raw.utf8)[...], existing: names)
        #expect(text(added) == expected)
    }
}
