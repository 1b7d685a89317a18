/// One word of a policy text, by its bytes' place.
struct Token: Sendable {
    let kind: Kind
    let start: Int
    let end: Int

    enum Kind: Hashable, Sendable {
        case identifier
        case keyword(Keyword)
        case number
        case string
        case slot
        case at
        case dot
        case comma
        case semicolon
        case colon
        case doubleColon
        case leftParenthesis
        case rightParenthesis
        case leftBrace
        case rightBrace
        case leftBracket
        case rightBracket
        case equal
        case notEqual
        case less
        case lessOrEqual
        case greater
        case greaterOrEqual
        case or
        case and
        case plus
        case minus
        case times
        case divide
        case remainder
        case not
        case assign
        case invalid
        case end
    }

    /// The identifiers that no name may be.
    enum Keyword: String, Hashable, Sendable, CaseIterable {
        case `true`
        case `false`
        case `if`
        case then
        case `else`
        case `in`
        case `is`
        case has
        case like
    }

    /// Whether the token is an identifier in the grammar's widest sense, keywords included.
    var isWord: Bool {
        switch self.kind {
        case .identifier, .keyword: true
        case .number, .string, .slot, .at, .dot, .comma, .semicolon, .colon, .doubleColon, .leftParenthesis,
            .rightParenthesis, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .equal, .notEqual, .less,
            .lessOrEqual, .greater, .greaterOrEqual, .or, .and, .plus, .minus, .times, .divide, .remainder, .not,
            .assign, .invalid, .end:
            false
        }
    }
}
