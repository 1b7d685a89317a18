/// Cuts a policy text into tokens; whitespace and `//` comments go.
///
/// What is not a token becomes `.invalid`, so that the parser can report it and go on.
struct Lexer {
    private let bytes: [UInt8]
    private var offset = 0
    /// No quote before this offset closes.
    private var unclosedEnd = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Every token of the text, `.end` last.
    static func tokens(of bytes: [UInt8]) -> [Token] {
        var lexer = Lexer(bytes)
        var tokens: [Token] = []
        tokens.reserveCapacity(bytes.count / 4 + 1)
        while true {
            let token = lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private mutating func next() -> Token {
        self.skipSpace()
        let start = self.offset
        guard let byte = self.peek() else { return Token(kind: .end, start: start, end: start) }
        if Self.startsWord(byte) { return self.word(from: start) }
        if Self.isDigit(byte) {
            self.skip(while: Self.isDigit)
            return self.token(.number, from: start)
        }
        self.offset += 1
        switch byte {
        case UInt8(ascii: "\""): return self.stringLiteral(from: start)
        case UInt8(ascii: "#"):
            // No part of the language; taken as a whole, so that a comment in another language's manner is one error.
            self.skip(while: { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
            return self.token(.invalid, from: start)
        case UInt8(ascii: "?"):
            guard let first = self.peek(), Self.startsWord(first) else { return self.token(.invalid, from: start) }
            self.skip(while: Self.continuesWord)
            return self.token(.slot, from: start)
        case UInt8(ascii: "@"): return self.token(.at, from: start)
        case UInt8(ascii: "."): return self.token(.dot, from: start)
        case UInt8(ascii: ","): return self.token(.comma, from: start)
        case UInt8(ascii: ";"): return self.token(.semicolon, from: start)
        case UInt8(ascii: "("): return self.token(.leftParenthesis, from: start)
        case UInt8(ascii: ")"): return self.token(.rightParenthesis, from: start)
        case UInt8(ascii: "{"): return self.token(.leftBrace, from: start)
        case UInt8(ascii: "}"): return self.token(.rightBrace, from: start)
        case UInt8(ascii: "["): return self.token(.leftBracket, from: start)
        case UInt8(ascii: "]"): return self.token(.rightBracket, from: start)
        case UInt8(ascii: "+"): return self.token(.plus, from: start)
        case UInt8(ascii: "-"): return self.token(.minus, from: start)
        case UInt8(ascii: "*"): return self.token(.times, from: start)
        case UInt8(ascii: "/"): return self.token(.divide, from: start)
        case UInt8(ascii: "%"): return self.token(.remainder, from: start)
        case UInt8(ascii: ":"): return self.token(self.take(":") ? .doubleColon : .colon, from: start)
        case UInt8(ascii: "="): return self.token(self.take("=") ? .equal : .assign, from: start)
        case UInt8(ascii: "!"): return self.token(self.take("=") ? .notEqual : .not, from: start)
        case UInt8(ascii: "<"): return self.token(self.take("=") ? .lessOrEqual : .less, from: start)
        case UInt8(ascii: ">"): return self.token(self.take("=") ? .greaterOrEqual : .greater, from: start)
        case UInt8(ascii: "&"): return self.token(self.take("&") ? .and : .invalid, from: start)
        case UInt8(ascii: "|"): return self.token(self.take("|") ? .or : .invalid, from: start)
        default:
            self.skip(while: { $0 & 0xC0 == 0x80 })
            return self.token(.invalid, from: start)
        }
    }

    private mutating func word(from start: Int) -> Token {
        self.skip(while: Self.continuesWord)
        if self.offset - start <= 5 {
            for keyword in Token.Keyword.allCases
            where keyword.rawValue.utf8.elementsEqual(self.bytes[start..<self.offset]) {
                return self.token(.keyword(keyword), from: start)
            }
        }
        return self.token(.identifier, from: start)
    }

    /// Reads to the closing quote.
    ///
    /// A backslash takes the next character with it, which may not be a line feed.
    private mutating func stringLiteral(from start: Int) -> Token {
        if start >= self.unclosedEnd {
            while let byte = self.peek() {
                self.offset += 1
                if byte == UInt8(ascii: "\"") { return self.token(.string, from: start) }
                if byte == UInt8(ascii: "\\") {
                    guard let escaped = self.peek(), escaped != UInt8(ascii: "\n") else { break }
                    self.offset += 1
                }
            }
            // Every quote on the way was escaped, so reading from it comes the same way to the same end.
            self.unclosedEnd = self.offset
        }
        // An open quote would swallow the rest of the file: end at the line, so that later policies are still read.
        self.offset = start + 1
        self.skip(while: { $0 != UInt8(ascii: "\n") })
        return self.token(.invalid, from: start)
    }

    private mutating func skipSpace() {
        while let byte = self.peek() {
            switch byte {
            case 0x09...0x0D, 0x20:
                self.offset += 1
            case UInt8(ascii: "/"):
                guard self.offset + 1 < self.bytes.count, self.bytes[self.offset + 1] == UInt8(ascii: "/") else {
                    return
                }
                self.skip(while: { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
            case 0xC2, 0xE1, 0xE2, 0xE3:
                let length = self.unicodeSpaceLength()
                if length == 0 { return }
                self.offset += length
            default:
                return
            }
        }
    }

    /// The byte length of a non-ASCII White_Space character here, or 0.
    private func unicodeSpaceLength() -> Int {
        let rest = self.bytes[self.offset...].prefix(3)
        if rest.starts(with: [0xC2, 0x85]) || rest.starts(with: [0xC2, 0xA0]) { return 2 }
        if rest.elementsEqual([0xE1, 0x9A, 0x80]) || rest.elementsEqual([0xE3, 0x80, 0x80]) { return 3 }
        if rest.elementsEqual([0xE2, 0x81, 0x9F]) { return 3 }
        guard rest.count == 3, rest.starts(with: [0xE2, 0x80]), let last = rest.last else { return 0 }
        switch last {
        case 0x80...0x8A, 0xA8, 0xA9, 0xAF: return 3
        default: return 0
        }
    }

    private func peek() -> UInt8? { self.offset < self.bytes.count ? self.bytes[self.offset] : nil }

    private mutating func take(_ expected: Unicode.Scalar) -> Bool {
        guard self.peek() == UInt8(ascii: expected) else { return false }
        self.offset += 1
        return true
    }

    private mutating func skip(while matches: (UInt8) -> Bool) {
        while self.offset < self.bytes.count, matches(self.bytes[self.offset]) { self.offset += 1 }
    }

    private func token(_ kind: Token.Kind, from start: Int) -> Token {
        Token(kind: kind, start: start, end: self.offset)
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    static func startsWord(_ byte: UInt8) -> Bool {
        (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || byte == UInt8(ascii: "_")
    }

    static func continuesWord(_ byte: UInt8) -> Bool { self.startsWord(byte) || self.isDigit(byte) }
}
