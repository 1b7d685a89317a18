/// Standard, padded base64 (RFC 4648, section 4) that reads only what it would write.
///
/// Every byte string has exactly one accepted spelling: no white space, no missing padding, no stray trailing bits.
/// Otherwise a proof could be changed without its verification noticing.
enum Base64 {
    /// The base64 form of the bytes.
    static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var held = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            held += 1
            if held == 3 {
                Self.append(group, digits: 4, to: &text)
                group = 0
                held = 0
            }
        }
        if held > 0 {
            Self.append(group << UInt32(8 * (3 - held)), digits: held + 1, to: &text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that `encode` would spell exactly as `text`; nil where there are none.
    static func decode(_ text: some BidirectionalCollection<UInt8>) -> [UInt8]? {
        let count = text.count
        guard count % 4 == 0 else { return nil }
        let digits = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / 4 * 3)
        var group: UInt32 = 0
        var held = 0
        for byte in text.dropLast(digits) {
            guard let value = Self.value(of: byte) else { return nil }
            group = group << 6 | value
            held += 1
            if held == 4 {
                bytes.append(UInt8(truncatingIfNeeded: group >> 16))
                bytes.append(UInt8(truncatingIfNeeded: group >> 8))
                bytes.append(UInt8(truncatingIfNeeded: group))
                group = 0
                held = 0
            }
        }
        switch held {
        case 2 where group & 0x0F == 0:
            bytes.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3 where group & 0x03 == 0:
            bytes.append(UInt8(truncatingIfNeeded: group >> 10))
            bytes.append(UInt8(truncatingIfNeeded: group >> 2))
        case 0:
            break
        default:
            return nil
        }
        return bytes
    }

    private static func append(_ group: UInt32, digits: Int, to text: inout [UInt8]) {
        for position in 0..<4 {
            text.append(position < digits ? Self.digit(group >> UInt32(18 - 6 * position) & 0x3F) : UInt8(ascii: "="))
        }
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        let value = UInt8(truncatingIfNeeded: value)
        return switch value {
        case ..<26: value + UInt8(ascii: "A")
        case ..<52: value - 26 + UInt8(ascii: "a")
        case ..<62: value - 52 + UInt8(ascii: "0")
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a") + 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0") + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
