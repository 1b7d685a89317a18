extension ValueScanner {
    /// Skips a string, from its opening quote to behind its closing one.
    mutating func string(_ bytes: borrowing Span<UInt8>) throws(RPCFault) {
        position += 1
        var index = position
        defer { position = index }
        while index < end {
            let byte = bytes[index]
            if byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                index += 1
                continue
            }
            if byte == UInt8(ascii: "\"") {
                index += 1
                return
            }
            if byte == UInt8(ascii: "\\") {
                index += try escapeLength(bytes, at: index)
            } else if byte >= 0x80 {
                index += try characterLength(bytes, at: index)
            } else {
                throw .unexpected
            }
        }
        throw .cut
    }

    private func escapeLength(_ bytes: borrowing Span<UInt8>, at index: Int) throws(RPCFault) -> Int {
        guard end - index >= 2 else { throw .cut }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 2
        case UInt8(ascii: "u"):
            guard end - index >= 6 else { throw .cut }
            for place in index + 2..<index + 6 {
                let byte = bytes[place]
                let isHex = byte &- UInt8(ascii: "0") <= 9 || (byte | 0x20) &- UInt8(ascii: "a") <= 5
                guard isHex else { throw .unexpected }
            }
            return 6
        default:
            throw .unexpected
        }
    }

    /// How long the well-formed sequence of two to four bytes here is: Unicode, table 3-7.
    private func characterLength(_ bytes: borrowing Span<UInt8>, at index: Int) throws(RPCFault) -> Int {
        let lead = bytes[index]
        guard end - index >= 2 else { throw .notUTF8 }
        let second = bytes[index + 1]
        if lead < 0xE0 {
            guard lead >= 0xC2, second & 0xC0 == 0x80 else { throw .notUTF8 }
            return 2
        }
        guard end - index >= 3, bytes[index + 2] & 0xC0 == 0x80 else { throw .notUTF8 }
        if lead < 0xF0 {
            // What the second byte may be excludes overlong forms (after E0) and surrogates (after ED).
            let low: UInt8 = lead == 0xE0 ? 0xA0 : 0x80
            let high: UInt8 = lead == 0xED ? 0x9F : 0xBF
            guard second >= low, second <= high else { throw .notUTF8 }
            return 3
        }
        // … and here overlong forms (after F0) and what is above U+10FFFF (after F4).
        let low: UInt8 = lead == 0xF0 ? 0x90 : 0x80
        let high: UInt8 = lead == 0xF4 ? 0x8F : 0xBF
        guard lead <= 0xF4, end - index >= 4, second >= low, second <= high, bytes[index + 3] & 0xC0 == 0x80 else {
            throw .notUTF8
        }
        return 4
    }
}
