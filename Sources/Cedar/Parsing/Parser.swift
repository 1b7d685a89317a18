/// Reads the policies and templates of one file.
///
/// Recursive descent over tokens. A text that does not follow the grammar ends its policy (`SyntaxError` is thrown up
/// to `statements()`, which goes on after the next semicolon); what follows the grammar but means nothing, such as a bad
/// escape or an unknown function, is noted and parsing goes on, so that one run finds all of them.
struct Parser {
    /// The error is already noted; unwinds to the end of the policy.
    struct SyntaxError: Error {}

    let map: SourceMap
    let limits: PolicyLimits
    var row: TokenRow
    private(set) var errors: [PolicyError] = []
    var nesting = 0

    init(_ source: PolicySource, limits: PolicyLimits) {
        let bytes = Array(source.text.utf8)
        self.row = TokenRow(bytes, limit: limits.fileBytes)
        self.map = SourceMap(file: source.name, bytes: bytes)
        self.limits = limits
        if bytes.count > limits.fileBytes {
            self.note("the file has \(bytes.count) bytes, more than the \(limits.fileBytes) that are allowed", at: 0)
        }
    }

    /// Every policy and template of the file that could be read.
    mutating func statements() -> [Statement] {
        var statements: [Statement] = []
        while self.row.current.kind != .end, self.errors.count < self.limits.errors {
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

    @discardableResult
    mutating func expect(_ kind: Token.Kind, _ what: String, hint: String? = nil) throws(SyntaxError) -> Token {
        guard self.row.current.kind == kind else { throw self.unexpected(what, hint: hint) }
        return self.row.advance()
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
        let token = self.row.current
        let found = SyntaxHints.describe(token, text: self.row.text(token))
        let known = hint ?? SyntaxHints.hint(for: token, text: self.row.text(token))
        return self.fail("expected \(expected), found \(found)", hint: known, at: token.start)
    }

    /// Goes on after the next semicolon, or a later one where that stood within the braces of a condition.
    private mutating func skipPolicy() {
        while self.row.current.kind != .end {
            if self.row.advance().kind == .semicolon, self.row.current.kind != .rightBrace { return }
        }
    }
}
