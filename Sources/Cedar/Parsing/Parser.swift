/// Reads the policies and templates of one file.
///
/// Recursive descent over tokens. A text that does not follow the grammar ends its policy (`SyntaxError` is thrown up
/// to `statements()`, which goes on with the next policy); what follows the grammar but means nothing, such as a bad
/// escape or an unknown function, is noted and parsing goes on, so that one run finds all of them.
struct Parser {
    /// The error is already noted; unwinds to the end of the policy.
    struct SyntaxError: Error {}

    let map: SourceMap
    let limits: PolicyLimits
    var row: TokenRow
    private(set) var errors: [PolicyError] = []
    var nesting = 0
    /// Where the types and entities stand that the constraint names which was read last.
    var names: [Int] = []
    /// Whether annotations were read whose policy was not reached: what comes next must not be taken for one without.
    var hasLooseAnnotations = false

    init(_ source: PolicySource, limits: PolicyLimits) {
        let bytes = Array(source.text.utf8)
        self.row = TokenRow(bytes, limit: limits.fileBytes)
        self.map = SourceMap(file: source.name, bytes: bytes)
        self.limits = limits
        if bytes.count > limits.fileBytes {
            self.note("the file has \(bytes.count) bytes, more than the \(limits.fileBytes) that are allowed", at: 0)
        }
    }

    /// Every policy and template of the file, nil for one that could not be read.
    mutating func statements() -> [Statement?] {
        var statements: [Statement?] = []
        while self.row.current.kind != .end, self.errors.count < self.limits.errors {
            let problems = self.errors.count
            let start = self.row.current.start
            self.nesting = 0
            self.hasLooseAnnotations = false
            self.names = []
            do {
                let statement = try self.statement()
                statements.append(self.errors.count == problems ? statement : nil)
                if !self.row.take(.semicolon) {
                    self.note(
                        "the policy before lacks its `;`",
                        hint: "every policy ends with `;`",
                        at: self.row.previous?.end ?? 0,
                    )
                }
            } catch {
                statements.append(nil)
                self.skipPolicy(from: start)
            }
        }
        return statements
    }

    /// Whether the next policy starts here, although the one before has no semicolon.
    ///
    /// No condition starts so, and neither does anything else that follows a scope or a condition.
    var isAtNextPolicy: Bool {
        let token = self.row.current
        if token.kind == .at { return self.row.following.isWord }
        return self.row.following.kind == .leftParenthesis
            && (self.row.isWord(token, "permit") || self.row.isWord(token, "forbid"))
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
        let known = self.openStringHint ?? hint ?? SyntaxHints.hint(for: token, text: self.row.text(token))
        return self.fail("expected \(expected), found \(found)", hint: known, at: token.start)
    }

    /// What to ask where the token before is a string of several lines, which probably goes to the next one's quote.
    private var openStringHint: String? {
        guard let string = self.row.previous, string.kind == .string,
            self.row.bytes[string.start..<string.end].contains(UInt8(ascii: "\n"))
        else { return nil }
        let start = self.map.position(of: string.start)
        return "the string that starts at \(start.line):\(start.column) goes past its line: does it lack its `\"`?"
    }

    /// Goes on after the next semicolon, or a later one where that stood within the braces of a condition, or with what
    /// can only be the next policy.
    private mutating func skipPolicy(from start: Int) {
        while self.row.current.kind != .end {
            let isHead = self.row.current.kind == .at || self.row.isWord(self.row.ahead(2), "principal")
            if isHead, self.row.current.start != start, !self.hasLooseAnnotations, self.isAtNextPolicy { return }
            if self.row.advance().kind == .semicolon, self.row.current.kind != .rightBrace { return }
        }
    }
}
