/// The tokens of one file, and which of them is the next to be read.
struct TokenRow {
    let bytes: [UInt8]
    private let tokens: [Token]
    private var index = 0
    /// The braces passed that are not closed, by which a broken declaration's end is told from its namespace's.
    var openBraces = 0

    /// The tokens of a text, or none where it is larger than is allowed.
    init(_ bytes: [UInt8], limit: Int) {
        self.bytes = bytes
        self.tokens = bytes.count > limit ? [Token(kind: .end, start: 0, end: 0)] : Lexer.tokens(of: bytes)
    }

    /// The next token; the last one is `.end`, and stays.
    var current: Token { self.tokens[self.index] }

    /// The token before the next one, if there is one.
    var previous: Token? { self.index > 0 ? self.tokens[self.index - 1] : nil }

    var following: Token { self.tokens[min(self.index + 1, self.tokens.count - 1)] }

    /// The token after so many others.
    func ahead(_ count: Int) -> Token { self.tokens[min(self.index + count, self.tokens.count - 1)] }

    @discardableResult
    mutating func advance() -> Token {
        let token = self.tokens[self.index]
        if token.kind == .leftBrace { self.openBraces += 1 }
        if token.kind == .rightBrace { self.openBraces -= 1 }
        if self.index + 1 < self.tokens.count { self.index += 1 }
        return token
    }

    mutating func take(_ kind: Token.Kind) -> Bool {
        guard self.current.kind == kind else { return false }
        self.advance()
        return true
    }

    func text(_ token: Token) -> String { String(decoding: self.bytes[token.start..<token.end], as: UTF8.self) }

    /// Whether a token is that word, be it reserved or not.
    func isWord(_ token: Token, _ word: StaticString) -> Bool {
        guard token.isWord, token.end - token.start == word.utf8CodeUnitCount else { return false }
        return self.bytes[token.start..<token.end].elementsEqual(word.description.utf8)
    }
}
