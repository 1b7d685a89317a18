/// Resolves the escapes of Cedar string literals and patterns.
enum Escapes {
    /// An escape that is none.
    struct Invalid: Error {
        /// The offset of its backslash (or of the byte that may not stand unescaped).
        let offset: Int
        /// The escape as written.
        let text: String

        /// What is wrong.
        var message: String { "`\(self.text)` is not an escape" }

        /// What would be right in a string; a pattern knows `\*`, too.
        static let hint = #"escapes are \n \r \t \0 \\ \" \' \xHH \u{H…}"#
    }

    /// The text of a literal whose quotes are at the ends of the range.
    static func string(_ bytes: [UInt8], _ range: Range<Int>) throws(Invalid) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        try Self.resolve(bytes, range, isPattern: false) {
            text.append(contentsOf: $0)
        } wildcard: {
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The pattern of a literal whose quotes are at the ends of the range.
    static func pattern(_ bytes: [UInt8], _ range: Range<Int>) throws(Invalid) -> Pattern {
        var pieces: [[UInt8]] = [[]]
        try Self.resolve(bytes, range, isPattern: true) {
            pieces[pieces.count - 1].append(contentsOf: $0)
        } wildcard: {
            pieces.append([])
        }
        return Pattern(pieces: pieces)
    }

    private static func resolve(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        isPattern: Bool,
        literal: (ArraySlice<UInt8>) -> Void,
        wildcard: () -> Void,
    ) throws(Invalid) {
        var offset = range.lowerBound + 1
        let end = range.upperBound - 1
        var plain = offset
        while offset < end {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "*"), isPattern {
                literal(bytes[plain..<offset])
                wildcard()
                offset += 1
                plain = offset
                continue
            }
            if byte == UInt8(ascii: "\r") {
                throw Invalid(offset: offset, text: "\\r")
            }
            guard byte == UInt8(ascii: "\\") else {
                offset += 1
                continue
            }
            literal(bytes[plain..<offset])
            let (resolved, length) = try Self.escape(bytes, at: offset, end: end, isPattern: isPattern)
            // As in the official engine, only `\*` is the character: `\x2a` and `\u{2a}` are the wildcard.
            if isPattern, resolved == [UInt8(ascii: "*")], bytes[offset + 1] != UInt8(ascii: "*") {
                wildcard()
            } else {
                literal(resolved[...])
            }
            offset += length
            plain = offset
        }
        literal(bytes[plain..<end])
    }

    /// The bytes that an escape stands for and the length that it takes in the text.
    private static func escape(
        _ bytes: [UInt8],
        at offset: Int,
        end: Int,
        isPattern: Bool,
    ) throws(Invalid) -> (bytes: [UInt8], length: Int) {
        func invalid(_ length: Int) -> Invalid {
            var stop = min(offset + length, end)
            while stop < end, bytes[stop] & 0xC0 == 0x80 { stop += 1 }
            return Invalid(offset: offset, text: String(decoding: bytes[offset..<stop], as: UTF8.self))
        }
        guard offset + 1 < end else { throw invalid(1) }
        switch bytes[offset + 1] {
        case UInt8(ascii: "n"): return ([0x0A], 2)
        case UInt8(ascii: "r"): return ([0x0D], 2)
        case UInt8(ascii: "t"): return ([0x09], 2)
        case UInt8(ascii: "0"): return ([0x00], 2)
        case UInt8(ascii: "\\"): return ([UInt8(ascii: "\\")], 2)
        case UInt8(ascii: "'"): return ([UInt8(ascii: "'")], 2)
        case UInt8(ascii: "\""): return ([UInt8(ascii: "\"")], 2)
        case UInt8(ascii: "*") where isPattern: return ([UInt8(ascii: "*")], 2)
        case UInt8(ascii: "x"):
            guard offset + 3 < end, let high = Self.hexValue(bytes[offset + 2]), high < 8,
                let low = Self.hexValue(bytes[offset + 3])
            else { throw invalid(4) }
            return ([UInt8(high * 16 + low)], 4)
        case UInt8(ascii: "u"):
            return try Self.unicodeEscape(bytes, at: offset, end: end, invalid: invalid)
        default: throw invalid(2)
        }
    }

    /// `\u{…}`: one to six hexadecimal digits, with `_` between or after them, naming a Unicode scalar.
    private static func unicodeEscape(
        _ bytes: [UInt8],
        at offset: Int,
        end: Int,
        invalid: (Int) -> Invalid,
    ) throws(Invalid) -> (bytes: [UInt8], length: Int) {
        var position = offset + 3
        guard position <= end, bytes[offset + 2] == UInt8(ascii: "{") else { throw invalid(3) }
        var value: UInt32 = 0
        var digits = 0
        while position < end, bytes[position] != UInt8(ascii: "}") {
            if bytes[position] != UInt8(ascii: "_") || digits == 0 {
                guard let digit = Self.hexValue(bytes[position]), digits < 6 else {
                    throw invalid(position - offset + 1)
                }
                value = value * 16 + digit
                digits += 1
            }
            position += 1
        }
        let length = position - offset + 1
        guard position < end, digits > 0, let scalar = Unicode.Scalar(value) else { throw invalid(length) }
        return (Array(String(Character(scalar)).utf8), length)
    }

    private static func hexValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte - 0x30)
        case 0x41...0x46: UInt32(byte - 0x41 + 10)
        case 0x61...0x66: UInt32(byte - 0x61 + 10)
        default: nil
        }
    }
}
