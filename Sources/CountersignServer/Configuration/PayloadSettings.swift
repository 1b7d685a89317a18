import CountersignCore

/// What the configuration says of payloads: `payloads`.
package struct PayloadSettings: Hashable, Sendable {
    /// Where the key is that payloads are sealed under; `nil` for the data folder's own.
    var key: SecretReference?
    /// Where the keys are that older payloads were sealed under.
    var previous: [SecretReference] = []

    /// Nothing said.
    init() {}

    /// Reads 32 bytes from base64, base64url or hexadecimal text.
    static func key(_ text: String) -> [UInt8]? {
        let bytes = Array(
            text.utf8.drop { $0 == 0x20 }.reversed().drop { $0 == 0x20 || $0 == 10 || $0 == 13 }.reversed()
        )
        if bytes.count == 64 {
            var key = [UInt8]()
            for index in stride(from: 0, to: 64, by: 2) {
                guard let high = nibble(bytes[index]), let low = nibble(bytes[index + 1]) else { return nil }
                key.append(high << 4 | low)
            }
            return key
        }
        let unpadded = bytes.reversed().drop { $0 == UInt8(ascii: "=") }.reversed()
        let urlSafe = unpadded.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        return Base64URL.decode(String(decoding: urlSafe, as: UTF8.self)).flatMap { $0.count == 32 ? $0 : nil }
    }

    /// What a text that is no key must be.
    static let keyAdvice = "is not 32 bytes in base64 or hexadecimal; make one with: openssl rand -base64 32"

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
