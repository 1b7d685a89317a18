extension JSONScanner {
    /// Reads a string, from its opening quote to behind its closing one.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONFault) -> String {
        position += 1
        let start = position
        while true {
            position = unsafe PlainRun.end(in: bytes.bytes, from: position, stoppingAtMultibyte: true)
            guard position < bytes.count else { throw JSONFault(.unexpectedEnd, at: position) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = Self.text(bytes.extracting(start..<position))
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(bytes, from: start) }
            try skipCharacter(byte, bytes)
        }
    }

    /// Reads on at the first escape of a string that began at `start`.
    private mutating func escapedString(_ bytes: Span<UInt8>, from start: Int) throws(JSONFault) -> String {
        scratch.removeAll(keepingCapacity: true)
        var runStart = start
        while true {
            position = unsafe PlainRun.end(in: bytes.bytes, from: position, stoppingAtMultibyte: true)
            guard position < bytes.count else { throw JSONFault(.unexpectedEnd, at: position) }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                keep(bytes.extracting(runStart..<position))
                position += 1
                return Self.text(scratch.span)
            }
            if byte == UInt8(ascii: "\\") {
                keep(bytes.extracting(runStart..<position))
                try escape(bytes)
                runStart = position
            } else {
                try skipCharacter(byte, bytes)
            }
        }
    }

    private mutating func keep(_ run: Span<UInt8>) {
        unsafe run.withUnsafeBufferPointer { buffer in unsafe scratch.append(contentsOf: buffer) }
    }

    private static func text(_ bytes: Span<UInt8>) -> String {
        unsafe bytes.withUnsafeBufferPointer { buffer in unsafe String(decoding: buffer, as: UTF8.self) }
    }

    // MARK: Characters

    @inline(__always)
    private mutating func skipCharacter(_ byte: UInt8, _ bytes: Span<UInt8>) throws(JSONFault) {
        guard byte < 0x80 else { return try skipMultibyte(byte, bytes) }
        guard byte >= 0x20 else { throw JSONFault(.controlCharacter, at: position) }
        position += 1
    }

    /// Skips one well-formed sequence of two to four bytes: Unicode, table 3-7.
    private mutating func skipMultibyte(_ lead: UInt8, _ bytes: Span<UInt8>) throws(JSONFault) {
        let length: Int
        // What the second byte may be depends on the first; that excludes overlong forms, surrogates and > U+10FFFF.
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw JSONFault(.invalidUTF8, at: position)
        }
        guard length <= bytes.count - position, second.contains(bytes[position + 1]) else {
            throw JSONFault(.invalidUTF8, at: position)
        }
        var scalar = UInt32(lead & (0x7F >> UInt8(length))) << 6 | UInt32(bytes[position + 1] & 0x3F)
        for index in position + 2..<max(position + length, position + 2) {
            guard bytes[index] & 0xC0 == 0x80 else { throw JSONFault(.invalidUTF8, at: position) }
            scalar = scalar << 6 | UInt32(bytes[index] & 0x3F)
        }
        try check(scalar, at: position)
        position += length
    }

    /// Refuses a noncharacter: U+FDD0…U+FDEF and the last two of each plane.
    @inline(__always)
    private func check(_ scalar: UInt32, at offset: Int) throws(JSONFault) {
        guard scalar >= 0xFDD0, scalar & 0xFFFE == 0xFFFE || scalar <= 0xFDEF else { return }
        if !limits.allowsNoncharacters { throw JSONFault(.noncharacter, at: offset) }
    }

    // MARK: Escapes

    /// Reads one escape, or the two of a surrogate pair, into the scratch bytes.
    private mutating func escape(_ bytes: Span<UInt8>) throws(JSONFault) {
        let start = position
        guard position + 1 < bytes.count else { throw JSONFault(.unexpectedEnd, at: bytes.count) }
        let letter = bytes[position + 1]
        position += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(letter)
        case UInt8(ascii: "b"): scratch.append(0x08)
        case UInt8(ascii: "f"): scratch.append(0x0C)
        case UInt8(ascii: "n"): scratch.append(0x0A)
        case UInt8(ascii: "r"): scratch.append(0x0D)
        case UInt8(ascii: "t"): scratch.append(0x09)
        case UInt8(ascii: "u"): try unicodeEscape(bytes, from: start)
        default: throw JSONFault(.invalidEscape, at: start)
        }
    }

    private mutating func unicodeEscape(_ bytes: Span<UInt8>, from start: Int) throws(JSONFault) {
        var code = try fourHexDigits(bytes, escapeAt: start)
        if 0xD800...0xDFFF ~= code {
            guard code < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw JSONFault(.loneSurrogate, at: start) }
            let lowStart = position
            position += 2
            let low = try fourHexDigits(bytes, escapeAt: lowStart)
            guard 0xDC00...0xDFFF ~= low else { throw JSONFault(.loneSurrogate, at: start) }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        try check(code, at: start)
        guard let scalar = Unicode.Scalar(code), let encoded = UTF8.encode(scalar) else {
            throw JSONFault(.loneSurrogate, at: start)
        }
        scratch.append(contentsOf: encoded)
    }

    private mutating func fourHexDigits(_ bytes: Span<UInt8>, escapeAt start: Int) throws(JSONFault) -> UInt32 {
        guard bytes.count - position >= 4 else { throw JSONFault(.invalidEscape, at: start) }
        var code: UInt32 = 0
        for index in position..<position + 4 {
            let digit: UInt8
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[index] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[index] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[index] - UInt8(ascii: "A") + 10
            default: throw JSONFault(.invalidEscape, at: start)
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }
}
