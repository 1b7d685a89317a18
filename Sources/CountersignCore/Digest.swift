import Crypto

/// The unpadded base64url SHA-256 of a canonical document; AuthZEN ARAP's `binding_hash` construction.
package struct ActionDigest: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 43 characters of base64url.
    package let rawValue: String

    /// Digests canonical bytes.
    package init(of bytes: [UInt8]) { self.init(SHA256.hash(data: bytes)) }

    /// Digests two runs of bytes as one.
    init(of first: [UInt8], _ second: [UInt8]) {
        var hash = SHA256()
        hash.update(data: first)
        hash.update(data: second)
        self.init(hash.finalize())
    }

    private init(_ hash: SHA256Digest) { rawValue = unsafe hash.withUnsafeBytes { unsafe Base64URL.encode($0) } }

    /// Takes a digest that came from outside; `nil` unless it is 43 characters of base64url.
    package init?(_ text: String) {
        guard text.utf8.count == 43, let bytes = Base64URL.decode(text), bytes.count == 32 else { return nil }
        rawValue = text
    }

    /// The text form.
    package var description: String { rawValue }

    /// Reads and checks the text form.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let digest = ActionDigest(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a digest")
        }
        self = digest
    }

    /// Writes the text form.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Unpadded base64url, RFC 4648 section 5, strict in both directions.
package enum Base64URL {
    /// The character of six bits.
    private static func character(_ value: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value) {
        case let value where value < 26: UInt8(ascii: "A") + value
        case let value where value < 52: UInt8(ascii: "a") + value - 26
        case let value where value < 62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    /// Encodes bytes without padding.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        return unsafe String(unsafeUninitializedCapacity: (bytes.count * 4 + 2) / 3) { text in
            var count = 0
            var accumulator: UInt32 = 0
            var bits: UInt32 = 0
            for byte in bytes {
                accumulator = (accumulator << 8) | UInt32(byte)
                bits += 8
                while bits >= 6 {
                    bits -= 6
                    unsafe text[count] = character((accumulator >> bits) & 63)
                    count += 1
                }
            }
            if bits > 0 {
                unsafe text[count] = character((accumulator << (6 - bits)) & 63)
                count += 1
            }
            return count
        }
    }

    /// Decodes text that has no padding, no foreign character and no stray trailing bits; `nil` otherwise.
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes = [UInt8]()
        var accumulator: UInt32 = 0
        var bits = 0
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case 65...90: value = character - 65
            case 97...122: value = character - 71
            case 48...57: value = character + 4
            case 45: value = 62
            case 95: value = 63
            default: return nil
            }
            accumulator = (accumulator << 6) | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
            }
        }
        guard bits < 6, accumulator & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
        return bytes
    }
}
