/// Reads Cedar's schema text.
///
/// Recursive descent over the tokens of policies. A text that does not follow the grammar ends its declaration
/// (`SyntaxError` is thrown up to the loop over declarations, which goes on after the next semicolon); what follows the
/// grammar but means nothing, such as a bad escape, is noted and parsing goes on, so that one run finds all of them.
struct SchemaParser {
    /// The error is already noted; unwinds to the end of the declaration.
    struct SyntaxError: Error {}

    let source: SchemaSource
    let limits: PolicyLimits
    var row: TokenRow
    private(set) var errors: [PolicyError] = []
    var nesting = 0

    init(_ text: PolicySource, limits: PolicyLimits) {
        let bytes = Array(text.text.utf8)
        self.row = TokenRow(bytes, limit: limits.fileBytes)
        self.source = SchemaSource(file: text.name, bytes: bytes)
        self.limits = limits
        if bytes.count > limits.fileBytes {
            self.note("the file has \(bytes.count) bytes, more than the \(limits.fileBytes) that are allowed", at: 0)
        }
    }

    /// Everything that could be read.
    mutating func fragment() -> SchemaFragment {
        var unnamed = SchemaNamespace(name: "")
        var named: [SchemaNamespace] = []
        var names = Set<CedarString>()
        while self.row.current.kind != .end, self.errors.count < self.limits.errors {
            do {
                try self.annotations()
                guard self.isWord("namespace") else {
                    try self.declaration(into: &unnamed)
                    continue
                }
                self.row.advance()
                let start = self.row.current.start
                let namespace = try self.namespace()
                if !names.insert(namespace.name).inserted {
                    self.note(
                        "the namespace `\(CedarText.shortened(namespace.name.string))` stands twice in one file",
                        hint: "put all of its declarations into one block",
                        at: start,
                    )
                }
                named.append(namespace)
            } catch {
                self.skipDeclaration(within: 0)
                _ = self.row.take(.rightBrace)
                self.row.openBraces = 0
            }
        }
        return SchemaFragment(namespaces: named + [unnamed])
    }

    private mutating func namespace() throws(SyntaxError) -> SchemaNamespace {
        var parts = [try self.unreservedIdentifier("a namespace")]
        while self.row.take(.doubleColon) { parts.append(try self.unreservedIdentifier("a namespace")) }
        var namespace = SchemaNamespace(name: CedarString(parts.joined(separator: "::")))
        try self.expect(.leftBrace, "`{` or `::`")
        while self.row.current.kind != .rightBrace, self.row.current.kind != .end,
            self.errors.count < self.limits.errors
        {
            do {
                try self.annotations()
                if self.isWord("namespace") {
                    throw self.unexpected("`entity`, `action` or `type`", hint: "namespaces do not nest: write `A::B`")
                }
                try self.declaration(into: &namespace)
            } catch {
                self.skipDeclaration(within: 1)
            }
        }
        guard self.errors.count < self.limits.errors else { throw SyntaxError() }
        try self.expect(.rightBrace, "`}`")
        return namespace
    }

    // MARK: Tokens

    @discardableResult
    mutating func expect(_ kind: Token.Kind, _ what: String, hint: String? = nil) throws(SyntaxError) -> Token {
        guard self.row.current.kind == kind else { throw self.unexpected(what, hint: hint) }
        return self.row.advance()
    }

    /// Whether the current token is that word; no word is reserved for the grammar alone.
    func isWord(_ word: StaticString) -> Bool { self.row.isWord(self.row.current, word) }

    mutating func takeWord(_ word: StaticString) -> Bool {
        guard self.isWord(word) else { return false }
        self.row.advance()
        return true
    }

    /// Whether the current token is `?`, which policies have no token for.
    var isQuestionMark: Bool {
        let token = self.row.current
        return token.kind == .invalid && token.end - token.start == 1
            && self.row.bytes[token.start] == UInt8(ascii: "?")
    }

    /// The text that a string token states.
    mutating func string(_ token: Token) -> CedarString {
        do {
            return CedarString(try Escapes.string(self.row.bytes, token.start..<token.end))
        } catch {
            self.note(error.message, hint: Escapes.Invalid.hint, at: error.offset)
            return ""
        }
    }

    func place(_ token: Token) -> SchemaPlace { SchemaPlace(self.source, offset: token.start) }

    // MARK: Errors

    mutating func note(_ message: String, hint: String? = nil, at offset: Int) {
        self.note(message, hint: hint, at: SchemaPlace(self.source, offset: offset))
    }

    mutating func note(_ message: String, hint: String? = nil, at place: SchemaPlace) {
        // Beyond the limit nothing is kept; the schema is refused anyway.
        guard self.errors.count < self.limits.errors else { return }
        self.errors.append(place.error(message, hint: hint))
    }

    /// Notes that the current token cannot stand here.
    mutating func unexpected(_ expected: String, hint: String? = nil) -> SyntaxError {
        let token = self.row.current
        let found = self.isQuestionMark ? "`?`" : SyntaxHints.describe(token, text: self.row.text(token))
        self.note("expected \(expected), found \(found)", hint: hint ?? self.hint(for: token), at: token.start)
        return SyntaxError()
    }

    private func hint(for token: Token) -> String? {
        switch token.kind {
        case .end: "every declaration ends with `;`"
        case .keyword: "quote it: `\"\(self.row.text(token))\"`"
        case .divide: "comments start with `//`"
        case .invalid: SyntaxHints.hint(for: token, text: self.row.text(token))
        case .equal: "write one `=`"
        case .identifier, .number, .string, .slot, .at, .dot, .comma, .semicolon, .colon, .doubleColon,
            .leftParenthesis, .rightParenthesis, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .notEqual,
            .less, .lessOrEqual, .greater, .greaterOrEqual, .or, .and, .plus, .minus, .times, .remainder, .not,
            .assign:
            nil
        }
    }

    /// Goes on after the next semicolon, or before the brace that ends the namespace.
    private mutating func skipDeclaration(within outerBraces: Int) {
        while self.row.current.kind != .end {
            if self.row.current.kind == .rightBrace, self.row.openBraces <= outerBraces { break }
            if self.row.advance().kind == .semicolon { break }
        }
        self.row.openBraces = outerBraces
    }
}
