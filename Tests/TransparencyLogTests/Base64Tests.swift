import Testing

@testable import TransparencyLog

@Suite("Base64", .timeLimit(.minutes(10)))
struct Base64Tests {
    @Test(
        "the test vectors of RFC 4648 hold both ways",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ],
    )
    func vectors(plain: String, text: String) {
        #expect(Base64.encode(plain.utf8) == text)
        #expect(Base64.decode(text.utf8) == Array(plain.utf8))
    }

    @Test("every length and every digit survives the round trip")
    func roundTrip() {
        for length in 0..<256 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ length) }
            #expect(Base64.decode(Base64.encode(bytes).utf8) == bytes)
        }
    }

    @Test(
        "another spelling of the same bytes is refused",
        arguments: [
            "Zg", "Zg=", "Zh==", "Zm9=", "Zm8", "Zg===", "=", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm 9v", "Zm-v",
        ],
    )
    func malformed(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }

    @Test("of all texts of four digits, only those that would be written are read")
    func exhaustiveTails() {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".utf8)
        for third in digits {
            for fourth in digits {
                let text = [UInt8(ascii: "Q"), UInt8(ascii: "R"), third, fourth]
                guard let bytes = Base64.decode(text) else { continue }
                #expect(Array(Base64.encode(bytes).utf8) == text)
            }
        }
    }
}
