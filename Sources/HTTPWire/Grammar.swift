/// The character classes of RFC 9110, section 5.6, over bytes.
enum Grammar {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")

    /// One bit for each byte below 64 that may stand in a token: `! # $ % & ' * + - . 0-9`.
    private static let lowTokenBytes: UInt64 = 0x03FF_6CFA_0000_0000
    /// One bit for each byte from 64 to 127 that may stand in a token: ``A-Z ^ _ ` a-z | ~``.
    private static let highTokenBytes: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    @inline(__always)
    static func isTokenByte(_ byte: UInt8) -> Bool {
        if byte < 64 { return (lowTokenBytes &>> UInt64(byte)) & 1 == 1 }
        if byte < 128 { return (highTokenBytes &>> UInt64(byte & 63)) & 1 == 1 }
        return false
    }

    static func isToken(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        for index in bytes.indices where !isTokenByte(bytes[index]) { return false }
        return true
    }

    /// Whether a value can be written and read back as it is: no controls, valid UTF-8, no white space around it.
    static func isTrimmedValue(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return true }
        if isBlank(bytes[0]) || isBlank(bytes[bytes.count - 1]) { return false }
        var isASCII = true
        for index in bytes.indices {
            let byte = bytes[index]
            if byte >= 0x80 {
                isASCII = false
            } else if isControl(byte), byte != tab {
                return false
            }
        }
        return isASCII || isUTF8(bytes)
    }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    @inline(__always)
    static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// The value of a hexadecimal digit of either case.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    static func isUTF8(_ bytes: Span<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { unsafe String(validating: $0, as: UTF8.self) != nil }
    }

    /// The string of bytes that are UTF-8; other bytes, which only a reason phrase may hold, are repaired.
    static func string(_ bytes: Span<UInt8>) -> String {
        unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    static func equalIgnoringCase(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where lowercased(left[index]) != lowercased(right[index]) { return false }
        return true
    }

    /// Whether bytes spell a lowercase ASCII word, whatever their own case.
    @inline(__always)
    static func spells(_ bytes: Span<UInt8>, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        let start = unsafe word.utf8Start
        for index in bytes.indices where unsafe lowercased(bytes[index]) != start[index] { return false }
        return true
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var slice = bytes
        while let first = slice.first, isBlank(first) { slice.removeFirst() }
        while let last = slice.last, isBlank(last) { slice.removeLast() }
        return slice
    }
}
