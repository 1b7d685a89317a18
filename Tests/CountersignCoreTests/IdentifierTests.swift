import CountersignCore
import Testing

@Suite(.timeLimit(.minutes(10)))
struct IdentifierTests {
    @Test(
        "an id is printable ASCII without spaces",
        arguments: ["a", "alice@example.com", "A.b_c-d+e:f/g", "0", String(repeating: "x", count: 128)],
    )
    func accepted(_ text: String) {
        #expect(AgentID(text)?.rawValue == text)
        #expect(UserID(text)?.rawValue == text)
        #expect(GroupName(text)?.description == text)
    }

    @Test(
        "look-alikes, controls and white space are no ids",
        arguments: [
            "", " ", "a b", " a", "a ", "a\n", "a\u{0}", "a\u{7F}", "\u{430}lice", "alic\u{435}", "\u{212A}", "é",
            "e\u{301}", "ａ", "a\u{200B}b", "a\u{202E}b", "\u{FEFF}a", "a,b", "a\"b", "a\\b", "a*", "a%20", "a(b)",
            String(repeating: "x", count: 129),
        ],
    )
    func refused(_ text: String) {
        #expect(AgentID(text) == nil)
        #expect(UserID(text) == nil)
        #expect(GroupName(text) == nil)
        #expect(ConnectionName(text) == nil)
    }

    @Test("a connection's name is one path segment", arguments: ["orders/x", ".", "..", "a.b", "a@b", "a:b", "a+b"])
    func connectionNames(_ text: String) {
        #expect(ConnectionName(text) == nil)
        #expect(ConnectionName("orders-db_2") != nil)
        #expect(ConnectionName(String(repeating: "x", count: 64)) == nil)
    }

    @Test("an approval's id begins with its time, and its 80 random bits follow")
    func approvalIDs() {
        let zero = ApprovalID(now: Timestamp(microseconds: 0), random: 0, 0)
        #expect(zero.rawValue == "apr_00000000000000000000000000")
        let one = ApprovalID(now: Timestamp(microseconds: 1000), random: 0, 0)
        #expect(one.rawValue == "apr_00000000010000000000000000")
        let random = ApprovalID(now: Timestamp(microseconds: 0), random: .max, .max)
        #expect(random.rawValue == "apr_0000000000zzzzzzzzzzzzzzzz")
        let last = ApprovalID(now: Timestamp(microseconds: .max), random: .max, .max)
        #expect(last.rawValue.utf8.count == 30 && zero < one && one < last)
        #expect(ApprovalID(now: Timestamp(microseconds: -5), random: 0, 0) == zero)
        #expect(ApprovalID(random.rawValue) == random)
    }

    @Test(
        "base64url is that of RFC 4648, without padding",
        arguments: [
            ("", []), ("Zg", [102]), ("Zm8", [102, 111]), ("Zm9v", [102, 111, 111]), ("-_-_", [251, 255, 191]),
            ("AA", [0]), ("_w", [255]),
        ] as [(String, [UInt8])],
    )
    func base64(_ text: String, _ bytes: [UInt8]) {
        #expect(Base64URL.encode(bytes) == text)
        #expect(Base64URL.decode(text) == bytes)
    }

    @Test(
        "base64url with padding, foreign characters or stray bits is refused",
        arguments: ["Zg==", "Zh", "Zm9", "A", "AAAAA", "Zm9v\n", " Zg", "Z+8", "Z/8", "Zé", "Zm8="],
    )
    func badBase64(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test("every length of bytes comes back as it was")
    func roundTrip() {
        var random = SeededGenerator(seed: 9)
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
    }

    @Test("a digest is 43 characters of base64url for 32 bytes")
    func digests() {
        let empty = ActionDigest(of: [])
        #expect(empty.rawValue == "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
        #expect(ActionDigest(empty.rawValue) == empty)
        #expect(ActionDigest(String(empty.rawValue.dropLast())) == nil)
        #expect(ActionDigest(empty.rawValue + "=") == nil)
        #expect(ActionDigest(String(empty.rawValue.dropLast()) + "V") == nil, "stray bits: a second spelling")
        #expect(ActionDigest(String(repeating: "é", count: 43)) == nil)
    }
}
