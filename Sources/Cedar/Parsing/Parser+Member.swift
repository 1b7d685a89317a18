extension Parser {
    /// A primary expression and the accesses that follow it.
    mutating func member() throws(SyntaxError) -> Expression {
        let start = self.row.current.start
        var result = try self.primary()
        while true {
            if self.row.take(.dot) {
                guard self.row.current.isWord else { throw self.noName(after: start) }
                let word = self.row.current
                guard word.kind == .identifier else {
                    throw self.unexpected("a name", hint: "write `[\"\(self.row.text(word))\"]` for this attribute")
                }
                self.row.advance()
                if self.row.current.kind == .leftParenthesis {
                    result = try self.methodCall(on: result, word, start: start)
                } else {
                    result = try self.make(.attribute(result, CedarString(self.attributeName(word))), at: start)
                }
            } else if self.row.take(.leftBracket) {
                let hint = "an index is a string literal: `[\"name\"]`"
                let name = self.string(try self.expect(.string, "a string", hint: hint))
                try self.expect(.rightBracket, "`]`", hint: hint)
                result = try self.make(.attribute(result, CedarString(name)), at: start)
            } else if self.row.current.kind == .leftParenthesis {
                throw self.fail(
                    "only a named function or method can be called",
                    hint: "the functions are \(Self.constructorList)",
                    at: self.row.current.start,
                )
            } else {
                return result
            }
        }
    }

    /// What follows a dot is no name; perhaps the fraction of a number.
    private mutating func noName(after start: Int) -> SyntaxError {
        let token = self.row.current
        let text = self.row.bytes[start..<token.end]
        guard token.kind == .number, text.count <= 40, text.allSatisfy({ Lexer.isDigit($0) || $0 == UInt8(ascii: ".") })
        else { return self.unexpected("an attribute's or a method's name") }
        let number = String(decoding: text, as: UTF8.self)
        return self.fail("`\(number)` is not an integer", hint: "write `decimal(\"\(number)\")`", at: start)
    }

    private mutating func primary() throws(SyntaxError) -> Expression {
        let token = self.row.current
        switch token.kind {
        case .keyword(.true):
            self.row.advance()
            return Expression(.literal(.bool(true)), offset: token.start)
        case .keyword(.false):
            self.row.advance()
            return Expression(.literal(.bool(false)), offset: token.start)
        case .number: return try self.integer(self.row.advance(), isNegative: false)
        case .string:
            return Expression(.literal(.string(CedarString(self.string(self.row.advance())))), offset: token.start)
        case .identifier: return try self.named()
        case .leftParenthesis:
            self.row.advance()
            let inner = try self.expression()
            try self.expect(.rightParenthesis, "`)` or an operator")
            return inner
        case .leftBracket:
            self.row.advance()
            let elements = try self.expressions(until: .rightBracket, "`]` or `,`")
            return try self.make(.set(elements), at: token.start)
        case .leftBrace: return try self.record()
        case .slot:
            throw self.fail(
                "the slot `\(self.row.text(token))` cannot stand in a condition",
                hint: "slots stand in the scope only: `principal == ?principal`",
                at: token.start,
            )
        case .keyword, .at, .dot, .comma, .semicolon, .colon, .doubleColon, .rightParenthesis, .rightBrace,
            .rightBracket, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .or, .and, .plus, .minus,
            .times, .divide, .remainder, .not, .assign, .invalid, .end:
            throw self.unexpected("an expression")
        }
    }

    /// A variable, an entity or a function call.
    private mutating func named() throws(SyntaxError) -> Expression {
        let token = self.row.current
        let name = try self.name()
        switch self.row.current.kind {
        case .doubleColon:
            self.row.advance()
            guard self.row.current.kind == .string else {
                throw self.unexpected("an entity's id in quotes", hint: "an entity is written `\(name)::\"id\"`")
            }
            let id = CedarString(self.string(self.row.advance()))
            return Expression(
                .literal(.entity(EntityUID(type: EntityTypeName(name), id: id))),
                offset: token.start,
            )
        case .leftParenthesis: return try self.functionCall(name, start: token.start)
        case .identifier, .keyword, .number, .string, .slot, .at, .dot, .comma, .semicolon, .colon, .rightParenthesis,
            .leftBrace, .rightBrace, .leftBracket, .rightBracket, .equal, .notEqual, .less, .lessOrEqual, .greater,
            .greaterOrEqual, .or, .and, .plus, .minus, .times, .divide, .remainder, .not, .assign, .invalid, .end:
            if let variable = Expression.Variable(rawValue: name) {
                return Expression(.variable(variable), offset: token.start)
            }
            if name.utf8.elementsEqual("not".utf8) {
                throw self.fail("`not` is not an operator", hint: "not is written `!`", at: token.start)
            }
            if name.utf8.contains(UInt8(ascii: ":")) {
                self.note(
                    "expected an entity, found the name `\(CedarText.shortened(name))`",
                    hint: SyntaxHints.entity(name),
                    at: token.start,
                )
                return Expression(.literal(.bool(false)), offset: token.start)
            }
            let near = SyntaxHints.nearest(to: name, among: ["principal", "action", "resource", "context"])
            let known = "the variables are `principal`, `action`, `resource` and `context`"
            self.note(
                "`\(name)` is not a variable",
                hint: near.map { "did you mean `\($0)`?" } ?? known,
                at: token.start,
            )
            return Expression(.literal(.bool(false)), offset: token.start)
        }
    }

    private mutating func functionCall(_ name: String, start: Int) throws(SyntaxError) -> Expression {
        self.row.advance()
        let arguments = try self.expressions(until: .rightParenthesis, "`)` or `,`")
        if let function = ExtensionFunction(rawValue: name), function.isConstructor {
            return try self.make(.call(function, arguments), at: start)
        }
        if ExtensionFunction(rawValue: name) != nil || Expression.Method(rawValue: name) != nil {
            self.note("`\(name)` is a method, not a function", hint: "write `value.\(name)(…)`", at: start)
        } else if name.utf8.elementsEqual("not".utf8) {
            self.note("`not` is not a function", hint: "not is written `!`", at: start)
        } else {
            let near = SyntaxHints.nearest(
                to: name,
                among: ExtensionFunction.allCases.filter(\.isConstructor).map(\.rawValue),
            )
            let hint = near.map { "did you mean `\($0)`?" } ?? "the functions are \(Self.constructorList)"
            self.note("`\(name)` is not a function", hint: hint, at: start)
        }
        return Expression(.literal(.bool(false)), offset: start)
    }

    private mutating func methodCall(
        on receiver: Expression,
        _ word: Token,
        start: Int,
    ) throws(SyntaxError) -> Expression {
        let name = self.row.text(word)
        self.row.advance()
        let arguments = try self.expressions(until: .rightParenthesis, "`)` or `,`")
        if let method = Expression.Method(rawValue: name) {
            if arguments.count == method.argumentCount {
                return try self.make(.method(receiver, method, arguments), at: start)
            }
            let wanted = method.argumentCount == 1 ? "1 argument" : "no arguments"
            self.note("`\(name)` takes \(wanted), not \(arguments.count)", at: word.start)
            return receiver
        }
        if let function = ExtensionFunction(rawValue: name) {
            if !function.isConstructor { return try self.make(.call(function, [receiver] + arguments), at: start) }
            self.note("`\(name)` is a function, not a method", hint: "write `\(name)(…)`", at: word.start)
            return receiver
        }
        let names = Expression.Method.allCases.map(\.rawValue)
        let others = ExtensionFunction.allCases.filter { !$0.isConstructor }.map(\.rawValue)
        let near = SyntaxHints.nearest(to: name, among: names + others).map { "did you mean `\($0)`?" }
        let hint = SyntaxHints.pattern(for: name, arguments) ?? near
        self.note("`\(name)` is not a method", hint: hint, at: word.start)
        return receiver
    }

    /// Expressions with commas between them and, if one likes, after the last; takes the closing token.
    private mutating func expressions(until close: Token.Kind, _ what: String) throws(SyntaxError) -> [Expression] {
        var expressions: [Expression] = []
        while self.row.current.kind != close {
            expressions.append(try self.expression())
            guard self.row.take(.comma) else { break }
        }
        try self.expect(close, what)
        return expressions
    }

    private mutating func record() throws(SyntaxError) -> Expression {
        let start = self.row.advance().start
        var members: [Expression.Member] = []
        var names = Set<CedarString>()
        while self.row.current.kind != .rightBrace {
            let key = self.row.current
            guard key.kind == .string || key.kind == .identifier else {
                throw self.unexpected("a member's name", hint: "names are identifiers or strings: `{a: 1, \"b c\": 2}`")
            }
            self.row.advance()
            let name = CedarString(key.kind == .string ? self.string(key) : self.attributeName(key))
            try self.expect(.colon, "`:`")
            let value = try self.expression()
            if names.insert(name).inserted {
                members.append(Expression.Member(name: name, value: value))
            } else {
                self.note("the record has two members named `\(name)`", at: key.start)
            }
            guard self.row.take(.comma) else { break }
        }
        try self.expect(.rightBrace, "`}` or `,`")
        return try self.make(.record(members), at: start)
    }

    private static let constructorList = "`decimal`, `ip`, `datetime` and `duration`"
}

extension Parser {
    /// The number that a token states, the sign included.
    mutating func integer(_ token: Token, isNegative: Bool) throws(SyntaxError) -> Expression {
        var magnitude: UInt64 = 0
        var fits = true
        for byte in self.row.bytes[token.start..<token.end] {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
            fits = fits && !overflow && !carry
            magnitude = sum
        }
        let limit = UInt64(Int64.max) + (isNegative ? 1 : 0)
        if !fits || magnitude > limit {
            self.note(
                "the integer `\(self.row.text(token))` is too large",
                hint: "integers go from \(Int64.min) to \(Int64.max)",
                at: token.start,
            )
            return Expression(.literal(.long(0)), offset: token.start)
        }
        let value = isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude)
        return Expression(.literal(.long(value)), offset: token.start)
    }

    /// The text that a string token states.
    mutating func string(_ token: Token) -> String {
        do {
            return try Escapes.string(self.row.bytes, token.start..<token.end)
        } catch {
            self.note(invalid: error)
            return ""
        }
    }

    /// The pattern that a string token states.
    mutating func pattern(_ token: Token) -> Pattern {
        do {
            return try Escapes.pattern(self.row.bytes, token.start..<token.end)
        } catch {
            self.note(invalid: error)
            return Pattern(pieces: [[]])
        }
    }

    /// The text of an identifier that names an attribute.
    mutating func attributeName(_ token: Token) -> String {
        let name = self.row.text(token)
        if name.utf8.elementsEqual("__cedar".utf8) {
            self.note("names with `__cedar` in them are reserved", at: token.start)
        }
        return name
    }

    private mutating func note(invalid escape: Escapes.Invalid) {
        self.note(
            escape.message,
            hint: Escapes.Invalid.hint + #", and \* in a pattern"#,
            at: escape.offset,
        )
    }
}
