/// What to say about a token that cannot stand where it does.
package enum SyntaxHints {
    static func describe(_ token: Token, text: String) -> String {
        switch token.kind {
        case .end: "the end of the file"
        case .invalid where text.utf8.first == UInt8(ascii: "\""): "a string without an end"
        case .invalid where text.utf8.first == UInt8(ascii: "#"): "`\(CedarText.shortened(text, to: 40))`"
        case .invalid: "`\(CedarText.shortened(text, to: 40))`, which is no part of the language"
        case .keyword: "the reserved word `\(text)`"
        case .identifier, .number, .string, .slot, .at, .dot, .comma, .semicolon, .colon, .doubleColon,
            .leftParenthesis, .rightParenthesis, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .equal,
            .notEqual,
            .less, .lessOrEqual, .greater, .greaterOrEqual, .or, .and, .plus, .minus, .times, .divide, .remainder, .not,
            .assign:
            "`\(CedarText.shortened(text, to: 40))`"
        }
    }

    static func hint(for token: Token, text: String) -> String? {
        switch token.kind {
        case .end: "every policy ends with `;`"
        case .assign: "equality is written `==`"
        case .divide: "Cedar has no division; comments start with `//`"
        case .remainder: "Cedar has no remainder operator"
        case .slot: "slots stand in the scope only, after `==` or `in`"
        case .invalid where text == "&": "and is written `&&`"
        case .invalid where text == "|": "or is written `||`"
        case .invalid where text.utf8.first == UInt8(ascii: "#"): "comments start with `//`"
        case .invalid where text == "'": "strings stand in double quotes"
        case .identifier where text == "and": "and is written `&&`"
        case .identifier where text == "or": "or is written `||`"
        case .identifier where text == "not": "not is written `!`"
        case .keyword(.if): "a conditional within another expression needs parentheses"
        case .invalid, .identifier, .keyword, .number, .string, .at, .dot, .comma, .semicolon, .colon, .doubleColon,
            .leftParenthesis, .rightParenthesis, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .equal,
            .notEqual,
            .less, .lessOrEqual, .greater, .greaterOrEqual, .or, .and, .plus, .minus, .times, .not:
            nil
        }
    }

    /// How an annotation with a value is written.
    static func annotation(_ name: String) -> String {
        "an annotation's value is a string: `@\(CedarText.shortened(name))(\"…\")`"
    }

    /// What is wrong where one policy or declaration has two annotations of one name.
    static func repeated(annotation name: String) -> String {
        "the annotation `@\(CedarText.shortened(name))` stands twice in one place"
    }

    /// How the entity is probably to be written of which there is only a name: `Action::"read"` for `Action::read`.
    static func entity(_ name: String) -> String {
        guard let colon = name.utf8.lastIndex(of: UInt8(ascii: ":")) else {
            return "an entity is written `\(CedarText.shortened(name))::\"id\"`"
        }
        let id = name[name.utf8.index(after: colon)...]
        return "write `\(CedarText.shortened(String(name[...colon])))\"\(CedarText.shortened(String(id)))\"`"
    }

    /// The operator that does what a method does that other languages have.
    static func pattern(for method: String, _ arguments: [Expression]) -> String? {
        var text: [UInt8] = Array("/a".utf8)
        if arguments.count == 1, case .literal(.string(let literal)) = arguments[0].form, literal.byteCount <= 40 {
            text = Array(literal.string.utf8)
        }
        let pieces: [[UInt8]]
        switch method {
        case "startsWith", "starts_with", "hasPrefix": pieces = [text, []]
        case "endsWith", "ends_with", "hasSuffix": pieces = [[], text]
        case "includes", "matches": pieces = [[], text, []]
        default: return nil
        }
        return "write `like \(CedarText.quoted(Pattern(pieces: pieces)))`"
    }

    /// The name among some that is nearest to a mistyped one, if any is near.
    package static func nearest(to name: String, among names: [String]) -> String? {
        guard name.utf8.count <= 32 else { return nil }
        let ranked = names.map { ($0, self.distance(Array(name.utf8), Array($0.utf8))) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= max(1, name.utf8.count / 3) else { return nil }
        return best.0
    }

    /// How many letters were added, left out, mistaken or swapped with their neighbour, case aside.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            for (j, b) in right.enumerated() {
                let isSame = a | 0x20 == b | 0x20
                var cost = min(last[j] + (isSame ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a | 0x20 == right[j - 1] | 0x20, left[i - 1] | 0x20 == b | 0x20 {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[right.count]
    }
}
