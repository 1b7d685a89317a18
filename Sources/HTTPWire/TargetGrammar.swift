/// The rules behind ``RequestTarget``, over bytes.
enum TargetGrammar {
    /// Splits a path that starts with `/`, decodes its segments and refuses every one that is ambiguous.
    static func segments(_ path: Span<UInt8>) throws(WireError) -> [String] {
        var segments: [String] = []
        var start = 1
        var hasEscape = false
        for index in 1...path.count {
            if index < path.count, path[index] != UInt8(ascii: "/") {
                let byte = path[index]
                guard isPathByte(byte) else { throw refusal(of: byte) }
                if byte == UInt8(ascii: "%") { hasEscape = true }
                continue
            }
            if index == start, index < path.count {
                throw WireError(.badTarget, "The path holds `//`; write a single slash.")
            }
            segments.append(try segment(path.extracting(start..<index), hasEscape: hasEscape))
            start = index + 1
            hasEscape = false
        }
        return segments
    }

    /// Checks a query, with its `?`: visible ASCII, whole escapes, no NUL; it takes no part in routing.
    static func checkQuery(_ query: Span<UInt8>) throws(WireError) {
        for index in query.indices {
            let byte = query[index]
            guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "#"), byte != UInt8(ascii: "\\") else {
                throw refusal(of: byte)
            }
            guard byte == UInt8(ascii: "%") else { continue }
            if try escape(query, at: index) == 0 { throw encodedControl }
        }
    }

    private static func segment(_ bytes: Span<UInt8>, hasEscape: Bool) throws(WireError) -> String {
        guard hasEscape else {
            if isDots(bytes) { throw dots }
            return Grammar.string(bytes)
        }
        let decoded = try decode(bytes)
        let span = decoded.span
        if isDots(span) { throw dots }
        for index in span.indices where span[index] == UInt8(ascii: "%") {
            if index + 2 < span.count, Grammar.hexValue(span[index + 1]) != nil,
                Grammar.hexValue(span[index + 2]) != nil
            {
                throw WireError(.badTarget, "The path is percent-encoded twice; encode it once.")
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw WireError(.badTarget, "The path decodes to something that is not UTF-8.")
        }
        guard !text.unicodeScalars.contains(where: { $0.value >= 0x80 && $0.value < 0xA0 }) else {
            throw encodedControl
        }
        return text
    }

    private static func decode(_ bytes: Span<UInt8>) throws(WireError) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                decoded.append(bytes[index])
                index += 1
                continue
            }
            let byte = try escape(bytes, at: index)
            if Grammar.isControl(byte) { throw encodedControl }
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "\\"):
                throw WireError(.badTarget, "The path holds an encoded slash or backslash.")
            case UInt8(ascii: ";"):
                throw parameters
            case _:
                decoded.append(byte)
            }
            index += 3
        }
        return decoded
    }

    /// The byte that the escape at this place stands for.
    private static func escape(_ bytes: Span<UInt8>, at index: Int) throws(WireError) -> UInt8 {
        guard index + 2 < bytes.count, let high = Grammar.hexValue(bytes[index + 1]),
            let low = Grammar.hexValue(bytes[index + 2])
        else { throw WireError(.badTarget, "A `%` is not followed by two hexadecimal digits.") }
        return high << 4 | low
    }

    /// Whether a byte may stand in a segment: RFC 3986 `pchar` without `;`.
    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "%"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"):
            true
        case _: false
        }
    }

    /// A decoded segment, with every byte escaped that cannot stand in a path as it is.
    static func encoded(_ segment: String) -> String {
        var bytes = [UInt8]()
        for byte in segment.utf8 {
            if byte != UInt8(ascii: "%"), isPathByte(byte) { bytes.append(byte) } else { escape(byte, into: &bytes) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A query that has been checked, with every byte written out that means the same so.
    static func normalized(query: Span<UInt8>) -> String {
        var bytes = [UInt8]()
        var index = 0
        while index < query.count {
            guard query[index] == UInt8(ascii: "%"), let byte = try? escape(query, at: index) else {
                bytes.append(query[index])
                index += 1
                continue
            }
            if meansTheSameInQuery(byte) { bytes.append(byte) } else { escape(byte, into: &bytes) }
            index += 3
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func escape(_ byte: UInt8, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "%"))
        for digit in [byte >> 4, byte & 15] {
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10)
        }
    }

    /// Whether a byte and its escape are one thing to whoever splits a query into names and values.
    private static func meansTheSameInQuery(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "?"): true
        case UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "="), UInt8(ascii: "+"): false
        case _: isPathByte(byte)
        }
    }

    private static func isDots(_ bytes: Span<UInt8>) -> Bool {
        switch bytes.count {
        case 1: bytes[0] == UInt8(ascii: ".")
        case 2: bytes[0] == UInt8(ascii: ".") && bytes[1] == UInt8(ascii: ".")
        case _: false
        }
    }

    private static func refusal(of byte: UInt8) -> WireError {
        switch byte {
        case UInt8(ascii: ";"): parameters
        case UInt8(ascii: "#"): WireError(.badTarget, "The request target holds a fragment; leave it out.")
        case UInt8(ascii: "\\"): WireError(.badTarget, "The request target holds a backslash.")
        case 0x80...: WireError(.badTarget, "The request target holds a byte outside ASCII; percent-encode it.")
        case _: WireError(.badTarget, "The request target holds a character that must be percent-encoded.")
        }
    }

    private static var dots: WireError {
        WireError(.badTarget, "The path holds a `.` or `..` segment; write the path that is meant.")
    }

    private static var encodedControl: WireError {
        WireError(.badTarget, "The request target holds an encoded control character.")
    }

    private static var parameters: WireError {
        WireError(.badTarget, "The path holds `;`; servers disagree on path parameters.")
    }
}
