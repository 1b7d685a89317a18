/// Reads the policies and templates of one file.
///
/// Recursive descent over tokens. A text that does not follow the grammar ends its policy (`SyntaxError` is thrown up
/// to `statements()`, which goes on after the next semicolon); what follows the grammar but means nothing, such as a bad
/// escape or an unknown function, is noted and parsing goes on, so that one run finds all of them.
struct Parser {
    /// The error is already noted; unwinds to the end of the policy.
    struct SyntaxError: Error {}

    let bytes: [UInt8]
    let map: SourceMap
    let limits: PolicyLimits
    private let tokens: [Token]
    private var index = 0
    private(set) var errors: [PolicyError] = []
    var nesting = 0

    init(_ source: PolicySource, limits: PolicyLimits) {
        let bytes = Array(source.text.utf8)
        self.bytes = bytes
        self.map = SourceMap(file: source.name, bytes: bytes)
        self.limits = limits
        if bytes.count > limits.fileBytes {
            self.tokens = [Token(kind: .end, start: 0, end: 0)]
            self.note("the file has \(bytes.count) bytes, more than the \(limits.fileBytes) that are allowed", at: 0)
        } else {
            self.tokens = Lexer.tokens(of: bytes)
        }
    }

    /// Every policy and template of the file that could be read.
    mutating func statements() -> [Statement] {
        var statements: [Statement] = []
        while self.current.kind != .end, self.errors.count < self.limits.errors {
            let problems = self.errors.count
            self.nesting = 0
            do {
                let statement = try self.statement()
                if self.errors.count == problems { statements.append(statement) }
            } catch {
                self.skipPolicy()
            }
        }
        return statements
    }

    // MARK: Tokens

    var current: Token { self.tokens[self.index] }

    var following: Token { self.tokens[min(self.index + 1, self.tokens.count - 1)] }

    @discardableResult
    mutating func advance() -> Token {
        let token = self.tokens[self.index]
        if self.index + 1 < self.tokens.count { self.index += 1 }
        return token
    }

    mutating func take(_ kind: Token.Kind) -> Bool {
        guard self.current.kind == kind else { return false }
        self.advance()
        return true
    }

    @discardableResult
    mutating func expect(_ kind: Token.Kind, _ what: String, hint: String? = nil) throws(SyntaxError) -> Token {
        guard self.current.kind == kind else { throw self.unexpected(what, hint: hint) }
        return self.advance()
    }

    func text(_ token: Token) -> String { String(decoding: self.bytes[token.start..<token.end], as: UTF8.self) }

    func isWord(_ token: Token, _ word: StaticString) -> Bool {
        guard token.kind == .identifier, token.end - token.start == word.utf8CodeUnitCount else { return false }
        return self.bytes[token.start..<token.end].elementsEqual(word.description.utf8)
    }

    // MARK: Errors

    mutating func note(_ message: String, hint: String? = nil, at offset: Int) {
        // Beyond the limit nothing is kept; the set is refused anyway.
        guard self.errors.count < self.limits.errors else { return }
        self.errors.append(PolicyError(message: message, hint: hint, position: self.map.position(of: offset)))
    }

    mutating func fail(_ message: String, hint: String? = nil, at offset: Int) -> SyntaxError {
        self.note(message, hint: hint, at: offset)
        return SyntaxError()
    }

    /// Notes that the current token cannot stand here.
    mutating func unexpected(_ expected: String, hint: String? = nil) -> SyntaxError {
        let token = self.current
        let found = SyntaxHints.describe(token, text: self.text(token))
        let known = hint ?? SyntaxHints.hint(for: token, text: self.text(token))
        return self.fail("expected \(expected), found \(found)", hint: known, at: token.start)
    }

    /// Goes on after the next semicolon, or a later one where that stood within the braces of a condition.
    private mutating func skipPolicy() {
        while self.current.kind != .end {
            if self.advance().kind == .semicolon, self.current.kind != .rightBrace { return }
        }
    }
}
