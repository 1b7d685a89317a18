/// Checks what Host holds: `host` or `host:port` (RFC 9110, section 7.2), without the sub-delimiters that no real
/// host name has and that two servers may split differently.
enum HostField {
    static func isValid(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        var position = 0
        if bytes[0] == UInt8(ascii: "[") {
            position = 1
            while position < bytes.count, isAddressByte(bytes[position]) { position += 1 }
            guard position > 3, position < bytes.count, bytes[position] == UInt8(ascii: "]") else { return false }
            position += 1
        } else {
            while position < bytes.count, isNameByte(bytes[position]) { position += 1 }
            guard position > 0 else { return false }
        }
        if position == bytes.count { return true }
        guard bytes[position] == UInt8(ascii: ":") else { return false }
        return isPort(bytes.extracting((position + 1)...))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        Grammar.isDigit(byte) || (byte | 0x20) &- 0x61 < 26
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        Grammar.hexValue(byte) != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    private static func isPort(_ bytes: Span<UInt8>) -> Bool {
        guard (1...5).contains(bytes.count) else { return false }
        var value = 0
        for index in bytes.indices {
            guard Grammar.isDigit(bytes[index]) else { return false }
            value = value * 10 + Int(bytes[index] &- 0x30)
        }
        return (1...65_535).contains(value)
    }
}
