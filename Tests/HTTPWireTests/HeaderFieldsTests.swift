import HTTPWire
import NIOCore
import Testing

@Suite("Fields", .timeLimit(.minutes(10)))
struct HeaderFieldsTests {
    private let fields: HeaderFields = ["A": "1", "b": "2", "a": "3", "Connection": "Close, X-y ,, te"]

    @Test("names compare without regard to case, in order")
    func lookup() {
        #expect(fields.first("a") == "1")
        #expect(fields["B"] == "2")
        #expect(fields.first("c") == nil)
        #expect(fields.all("A") == ["1", "3"])
        #expect(fields.contains("CONNECTION"))
        #expect(!fields.contains("connectio"))
        #expect(fields.count == 4 && !fields.isEmpty)
        #expect(fields.map(\.name) == ["A", "b", "a", "Connection"])
        #expect(fields.underestimatedCount == 4)
        #expect(HeaderFields().isEmpty)
    }

    @Test("tokens are lowercased and empty members left out")
    func tokens() {
        #expect(fields.tokens(of: "connection") == ["close", "x-y", "te"])
        #expect(fields.tokens(of: "none") == [])
    }

    @Test("removing takes every field of the name")
    func remove() {
        var copy = fields
        copy.remove("A")
        copy.remove("missing")
        #expect(copy.map(\.name) == ["b", "Connection"])
        copy.set(name: "B", value: "4")
        #expect(copy.map(\.value) == ["Close, X-y ,, te", "4"])
        copy.removeAll { $0 == "B" }
        #expect(copy.count == 1)
        #expect(fields.count == 4)
    }

    @Test("appending a list keeps its order and what may not be written")
    func appendAll() throws {
        var copy: HeaderFields = ["Host": "x"]
        copy.append(contentsOf: fields)
        #expect(copy.map(\.name) == ["Host"] + fields.map(\.name))
        #expect(copy.map(\.value) == ["x"] + fields.map(\.value))
        copy.append(contentsOf: ["X": "a\r\nb"])
        let head = RequestHead(method: "GET", target: "/", fields: copy, keepAlive: false)
        var buffer = ByteBuffer()
        #expect(throws: WireError.self) { try HTTPSerializer.write(request: head, into: &buffer) }
    }

    @Test("equality sees order and bytes but not the case of names")
    func equality() {
        let one: HeaderFields = ["A": "x", "B": "y"]
        var built = HeaderFields()
        built.append(name: "dropped", value: "z")
        built.append(name: "a", value: "x")
        built.append(name: "b", value: "y")
        built.remove("Dropped")
        #expect(one == built)
        #expect(one.hashValue == built.hashValue)
        #expect(one != ["B": "y", "A": "x"])
        #expect(one != ["A": "x"])
        #expect(one != ["A": "x", "B": "Y"])
        #expect(one != ["A": "x", "C": "y"])
        #expect(one != ["A": "x", "B": "yy"])
        #expect(one.description == "A: x\nB: y")
    }

    @Test("precomposed and decomposed letters are different values")
    func unicode() {
        let composed: HeaderFields = ["a": "\u{E9}"]
        #expect(composed != ["a": "e\u{301}"])
    }

    @Test("fields of one hop are removed, with those that Connection names")
    func hopByHop() {
        let names = [
            "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE",
            "Trailer", "Transfer-Encoding", "Upgrade",
        ]
        for name in names { #expect(isHopByHop(name)) }
        for name in ["Host", "Content-Length", "X", "Tea", "Trailers"] { #expect(!isHopByHop(name)) }
        #expect(isHopByHop("X-Y", connectionTokens: ["x-y"]))
        var copy = fields
        copy.append(name: "X-Y", value: "1")
        copy.append(name: "TE", value: "trailers")
        copy.removeHopByHop()
        #expect(copy.map(\.name) == ["A", "b", "a"])
    }

    @Test("an error says its code and its status")
    func errors() {
        #expect(WireError(.obsoleteFold, "No.").description == "obs-fold: No.")
        for code in WireErrorCode.allCases { #expect((400...599).contains(code.status)) }
        #expect(WireErrorCode.unsupportedVersion.status == 505)
    }
}
