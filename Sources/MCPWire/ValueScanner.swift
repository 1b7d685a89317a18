import CanonicalJSON

/// Walks over JSON in place: checks its grammar and UTF-8, and builds nothing.
///
/// RFC 8259's grammar, so that a `\u` escape may be half of a surrogate pair and a number may be of any size: what an
/// upstream sent is passed on, not understood. Depth is bounded, and it does not recurse.
struct ValueScanner {
    /// The most containers within each other, counted from where the scanner starts.
    static let maxDepth = 512

    /// Where in the bytes it is.
    var position: Int
    /// Where what it may read ends.
    let end: Int
    private var depth = 0
    /// One bit a level: whether the container there is an object.
    private var kinds: [UInt64]

    init(from start: Int, to end: Int) {
        position = start
        self.end = end
        kinds = [UInt64](repeating: 0, count: Self.maxDepth / 64)
    }

    /// Skips one value, from its first byte to behind its last.
    mutating func value(_ bytes: borrowing Span<UInt8>) throws(RPCFault) {
        let start = depth
        while true {
            if try !open(bytes) { continue }
            // A value has ended, and perhaps what it is in.
            while true {
                if depth == start { return }
                skipWhitespace(bytes)
                let byte = try peek(bytes)
                let isObject = kinds[(depth - 1) >> 6] & (1 << UInt64((depth - 1) & 63)) != 0
                position += 1
                if byte == UInt8(ascii: ",") {
                    skipWhitespace(bytes)
                    if isObject { try key(bytes) }
                    break
                }
                guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw .unexpected }
                depth -= 1
            }
        }
    }

    /// Reads a value's beginning, up to the first value within it; says whether it has ended already.
    @inline(__always)
    private mutating func open(_ bytes: borrowing Span<UInt8>) throws(RPCFault) -> Bool {
        let byte = try peek(bytes)
        switch byte {
        case UInt8(ascii: "\""):
            try string(bytes)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let isObject = byte == UInt8(ascii: "{")
            guard depth < Self.maxDepth else { throw .tooDeep }
            position += 1
            skipWhitespace(bytes)
            if try peek(bytes) == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                position += 1
                return true
            }
            let bit: UInt64 = 1 << UInt64(depth & 63)
            if isObject { kinds[depth >> 6] |= bit } else { kinds[depth >> 6] &= ~bit }
            depth += 1
            if isObject { try key(bytes) }
            return false
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try number(bytes)
        case UInt8(ascii: "t"):
            try literal("true", bytes)
        case UInt8(ascii: "f"):
            try literal("false", bytes)
        case UInt8(ascii: "n"):
            try literal("null", bytes)
        default:
            throw .unexpected
        }
        return true
    }

    /// Skips a key, the colon and the space after it.
    mutating func key(_ bytes: borrowing Span<UInt8>) throws(RPCFault) {
        guard try peek(bytes) == UInt8(ascii: "\"") else { throw .unexpected }
        try string(bytes)
        skipWhitespace(bytes)
        guard try peek(bytes) == UInt8(ascii: ":") else { throw .unexpected }
        position += 1
        skipWhitespace(bytes)
    }

    /// The byte here.
    @inline(__always)
    func peek(_ bytes: borrowing Span<UInt8>) throws(RPCFault) -> UInt8 {
        guard position < end else { throw .cut }
        return bytes[position]
    }

    /// Skips the white space that JSON has.
    @inline(__always)
    mutating func skipWhitespace(_ bytes: borrowing Span<UInt8>) {
        while position < end {
            let byte = bytes[position]
            guard byte <= 0x20 else { return }
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    private mutating func literal(_ word: String, _ bytes: borrowing Span<UInt8>) throws(RPCFault) {
        for letter in word.utf8 {
            guard try peek(bytes) == letter else { throw .unexpected }
            position += 1
        }
    }

    // MARK: Numbers

    private mutating func number(_ bytes: borrowing Span<UInt8>) throws(RPCFault) {
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if try peek(bytes) == UInt8(ascii: "0") { position += 1 } else { try digits(bytes) }
        if position < end, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try digits(bytes)
        }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < end, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits(bytes)
        }
    }

    private mutating func digits(_ bytes: borrowing Span<UInt8>) throws(RPCFault) {
        guard try peek(bytes) &- UInt8(ascii: "0") <= 9 else { throw .unexpected }
        repeat { position += 1 } while position < end && bytes[position] &- UInt8(ascii: "0") <= 9
    }
}

extension RPCFault {
    static let cut = RPCFault("the text ends before its value is complete")
    static let unexpected = RPCFault("a character stands where JSON does not allow it")
    static let tooDeep = RPCFault("arrays and objects are nested too deeply")
    static let notUTF8 = RPCFault("a string is not valid UTF-8")
    static let trailing = RPCFault("there is more text after the value")
}
