import CountersignServer
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ClientTests {
    @Test("server-sent events come whole, however they are split", arguments: 1...9)
    func events(size: Int) {
        let text =
            "retry: 2000\n: hello\n\nevent: approval\nid: 7\ndata: {\"a\":1}\n\ndata: x\r\ndata: y\r\n\r\nid: 8\n\n"
        var reader = EventStreamReader()
        var messages = [EventStreamReader.Message]()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            messages += reader.read(Array(bytes[start..<min(bytes.count, start + size)]))
        }
        #expect(messages.map(\.data) == ["{\"a\":1}", "x\ny"])
        #expect(messages.map(\.id) == ["7", "7"])
    }

    static let addresses: [(String, String?)] = [
        ("http://h", "http://h"), ("https://h/", "https://h"), ("http://h:8080/a/b/", "http://h:8080/a/b"),
        ("http://[::1]:80", "http://[::1]"), ("http://[::1]:81/x", "http://[::1]:81/x"), ("https://h:443", "https://h"),
        ("ftp://h", nil), ("http://", nil), ("http://u@h", nil), ("http://h?x", nil), ("http://h#x", nil),
        ("http://h:99999", nil), ("http://h:", nil), ("http://a b", nil), ("//h", nil), ("http://::1", nil),
    ]

    @Test("an address has one form, or none", arguments: addresses)
    func address(text: String, expected: String?) {
        #expect(HTTPAddress(text)?.text == expected)
    }

    @Test(
        "an address keeps its path as it is written, beside the one without a slash at its end",
        arguments: [("", ""), ("/", ""), ("/in", "/in"), ("/in/", "/in"), ("//", ""), ("/a//", "/a")],
    )
    func writtenPath(path: String, base: String) {
        let address = HTTPAddress("https://h:443" + path)
        #expect(address?.path == path && address?.basePath == base)
        #expect(address?.text == "https://h" + base && address?.written == "https://h" + path)
    }

    @Test(
        "only addresses of this machine, and localhost, are its own; names that begin like one are not",
        arguments: [
            ("127.0.0.1", true), ("127.255.3.4", true), ("::1", true), ("0:0:0:0:0:0:0:1", true), ("localhost", true),
            ("::ffff:127.0.0.1", true), ("127.mail.example.com", false), ("127.0.0.1.example.com", false),
            ("127.1", false), ("127.0.0.256", false), ("128.0.0.1", false), ("::2", false), ("0.0.0.0", false),
            ("localhost.example.com", false), ("", false),
        ],
    )
    func loopback(host: String, expected: Bool) {
        #expect(Configuration.Address(host: host, port: 1).isLoopback == expected)
    }

    @Test("an unreachable server is reported as such, with its address")
    func unreachable() async {
        let address = HTTPAddress("http://127.0.0.1:1")
        let client = address.map { ControlClient(address: $0, token: nil) }
        await #expect(throws: UnreachableError.self) { _ = try await client?.send("GET", "/healthz") }
    }

    static let paths: [(String, String, String)] = [
        ("/a", "/etc", "/a"), ("a", "/etc", "/etc/a"), ("./a", "/etc", "/etc/a"), ("a", "", "a"), (".", "x", "x"),
        ("../a", "x", "x/../a"),
    ]

    @Test("paths are relative to the configuration's folder", arguments: paths)
    func relativePaths(path: String, folder: String, expected: String) {
        #expect(FilePath.resolve(path, relativeTo: folder) == expected)
    }
}
