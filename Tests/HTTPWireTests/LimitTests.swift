import HTTPWire
import Testing

@Suite("Limits", .timeLimit(.minutes(10)))
struct LimitTests {
    private let limits = WireLimits(maximumHeadBytes: 64, maximumFields: 3)

    @Test(
        "an endless line is refused at the limit, before its end",
        arguments: [
            "GET /", "GET / HTTP/1.1\nHost: a\nX: ",
        ]
    )
    func endless(start: String) {
        let bytes = wire(start) + Array(repeating: UInt8(ascii: "a"), count: 100)
        #expect(Set(splits(bytes).map { requests($0, limits: limits).code }) == [.headTooLarge])
        let short = requests([Array(bytes.prefix(63))], limits: limits, closing: false)
        #expect(short.code == nil)
    }

    @Test("a head of exactly the limit is read, one byte more is not")
    func exact() {
        let frame = wire("GET / HTTP/1.1\nHost: a\nX: \n\n").count
        let fitting = wire("GET / HTTP/1.1\nHost: a\nX: \(String(repeating: "b", count: 64 - frame))\n\n")
        #expect(fitting.count == 64)
        #expect(requests([fitting], limits: limits).code == nil)
        let longer = wire("GET / HTTP/1.1\nHost: a\nX: \(String(repeating: "b", count: 65 - frame))\n\n")
        #expect(Set(splits(longer).map { requests($0, limits: limits).code }) == [.headTooLarge])
    }

    @Test("one field more than the limit is refused before the head is complete")
    func fields() {
        #expect(requests([wire("GET / HTTP/1.1\nHost: a\nA: b\nC: d\n\n")], limits: limits).code == nil)
        #expect(requests([wire("GET / HTTP/1.1\nHost: a\nA: b\nC: d\nE: f\n")], limits: limits).code == .tooManyHeaders)
    }

    @Test("trailers have the same limits")
    func trailers() {
        let head = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n"
        let wide = WireLimits(maximumHeadBytes: 100, maximumFields: 3)
        #expect(requests([wire(head + "A: b\nC: d\nE: f\n\n")], limits: wide).code == nil)
        #expect(requests([wire(head + "A: b\nC: d\nE: f\nG: h\n")], limits: wide).code == .tooManyHeaders)
        let long = wire(head + "A: " + String(repeating: "b", count: 100))
        #expect(requests([long], limits: wide).code == .headTooLarge)
    }

    @Test("a method has at most 32 bytes")
    func method() {
        let method = String(repeating: "M", count: 32)
        #expect(requests([wire("\(method) / HTTP/1.1\nHost: a\n\n")]).heads.first?.method == method)
    }

    @Test("a response head has the same limits")
    func response() {
        let long = wire("HTTP/1.1 200 OK\nX: " + String(repeating: "b", count: 100))
        #expect(responses([long], limits: limits).code == .headTooLarge)
    }
}
