extension Parser {
    /// `if a then b else c`, or operators by precedence.
    mutating func expression() throws(SyntaxError) -> Expression {
        self.nesting += 1
        defer { self.nesting -= 1 }
        let start = self.row.current.start
        guard self.nesting <= self.limits.nesting else { throw self.tooDeep(at: start) }
        guard self.row.take(.keyword(.if)) else { return try self.disjunction() }
        let test = try self.expression()
        try self.expect(.keyword(.then), "`then`")
        let then = try self.expression()
        try self.expect(.keyword(.else), "`else`", hint: "a conditional needs both branches")
        let otherwise = try self.expression()
        return try self.make(.conditional(test: test, then: then, otherwise: otherwise), at: start)
    }

    /// Builds a node and refuses one that is too high.
    mutating func make(_ form: Expression.Form, at offset: Int) throws(SyntaxError) -> Expression {
        let expression = Expression(form, offset: offset)
        guard expression.height <= self.limits.nesting else { throw self.tooDeep(at: offset) }
        return expression
    }

    private mutating func tooDeep(at offset: Int) -> SyntaxError {
        self.fail(
            "the expression nests deeper than the \(self.limits.nesting) levels that are allowed",
            hint: "split the policy in two",
            at: offset,
        )
    }

    private mutating func disjunction() throws(SyntaxError) -> Expression {
        let start = self.row.current.start
        let first = try self.conjunction()
        guard self.row.current.kind == .or else { return first }
        var operands = [first]
        while self.row.take(.or) { operands.append(try self.conjunction()) }
        return try self.make(.or(operands), at: start)
    }

    private mutating func conjunction() throws(SyntaxError) -> Expression {
        let start = self.row.current.start
        let first = try self.relation()
        guard self.row.current.kind == .and else { return first }
        var operands = [first]
        while self.row.take(.and) { operands.append(try self.relation()) }
        return try self.make(.and(operands), at: start)
    }

    private mutating func relation() throws(SyntaxError) -> Expression {
        let start = self.row.current.start
        let left = try self.sum()
        let token = self.row.current
        switch token.kind {
        case .keyword(.has):
            self.row.advance()
            return try self.make(.has(left, try self.hasPath()), at: start)
        case .keyword(.like):
            self.row.advance()
            let literal = try self.expect(.string, "a pattern in quotes", hint: "the right side of `like` is a literal")
            return try self.make(.like(left, self.pattern(literal)), at: start)
        case .keyword(.is):
            self.row.advance()
            let type = try self.typeName()
            let within = self.row.take(.keyword(.in)) ? try self.sum() : nil
            return try self.make(.isType(left, type, within: within), at: start)
        case .assign:
            throw self.fail("`=` is not an operator", hint: "equality is written `==`", at: token.start)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .keyword, .identifier, .number, .string,
            .slot, .at, .dot, .comma, .semicolon, .colon, .doubleColon, .leftParenthesis, .rightParenthesis, .leftBrace,
            .rightBrace, .leftBracket, .rightBracket, .or, .and, .plus, .minus, .times, .divide, .remainder, .not,
            .invalid, .end:
            guard let comparison = Self.comparison(token.kind) else { return left }
            self.row.advance()
            let right = try self.sum()
            if Self.comparison(self.row.current.kind) != nil {
                throw self.fail(
                    "comparisons cannot be chained",
                    hint: "use parentheses to say which comes first",
                    at: self.row.current.start,
                )
            }
            return try self.make(.compare(comparison, left, right), at: start)
        }
    }

    private static func comparison(_ kind: Token.Kind) -> Expression.Comparison? {
        switch kind {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .keyword(.in): .within
        case .keyword, .identifier, .number, .string, .slot, .at, .dot, .comma, .semicolon, .colon, .doubleColon,
            .leftParenthesis, .rightParenthesis, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .or, .and, .plus,
            .minus, .times, .divide, .remainder, .not, .assign, .invalid, .end:
            nil
        }
    }

    /// The right side of `has`: a string, or names joined by dots.
    private mutating func hasPath() throws(SyntaxError) -> [CedarString] {
        let hint = "the right side of `has` is a name, names joined by dots, or a string"
        if self.row.current.kind == .string { return [CedarString(self.string(self.row.advance()))] }
        var path: [CedarString] = []
        repeat {
            guard self.row.current.kind == .identifier else { throw self.unexpected("an attribute's name", hint: hint) }
            path.append(CedarString(self.attributeName(self.row.advance())))
            if path.count > self.limits.nesting { throw self.tooDeep(at: self.row.current.start) }
        } while self.row.take(.dot)
        return path
    }

    private mutating func sum() throws(SyntaxError) -> Expression {
        let start = self.row.current.start
        let first = try self.product()
        var steps: [Expression.ArithmeticStep] = []
        while true {
            if self.row.take(.plus) {
                steps.append(.init(operator: .plus, operand: try self.product()))
            } else if self.row.take(.minus) {
                steps.append(.init(operator: .minus, operand: try self.product()))
            } else {
                return steps.isEmpty ? first : try self.make(.arithmetic(first, steps), at: start)
            }
        }
    }

    private mutating func product() throws(SyntaxError) -> Expression {
        let start = self.row.current.start
        let first = try self.unary()
        var steps: [Expression.ArithmeticStep] = []
        while true {
            switch self.row.current.kind {
            case .times:
                self.row.advance()
                steps.append(.init(operator: .times, operand: try self.unary()))
            case .divide:
                throw self.fail("division is not supported", at: self.row.current.start)
            case .remainder:
                throw self.fail("the remainder operator is not supported", at: self.row.current.start)
            case .identifier, .keyword, .number, .string, .slot, .at, .dot, .comma, .semicolon, .colon, .doubleColon,
                .leftParenthesis, .rightParenthesis, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .equal,
                .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .or, .and, .plus, .minus, .not, .assign,
                .invalid, .end:
                return steps.isEmpty ? first : try self.make(.arithmetic(first, steps), at: start)
            }
        }
    }

    /// Up to four `!`, or up to four `-`, before a member expression.
    private mutating func unary() throws(SyntaxError) -> Expression {
        let start = self.row.current.start
        let mark = self.row.current.kind
        guard mark == .not || mark == .minus else { return try self.member() }
        var count = 0
        while self.row.take(mark) { count += 1 }
        if count > 4 {
            throw self.fail("more than four `\(mark == .not ? "!" : "-")` in a row", at: start)
        }
        var operand: Expression
        if mark == .minus, self.row.current.kind == .number, !Self.continuesMember(self.row.following.kind) {
            operand = try self.integer(self.row.advance(), isNegative: true)
            count -= 1
        } else {
            operand = try self.member()
        }
        for _ in 0..<count { operand = try self.make(mark == .not ? .not(operand) : .negate(operand), at: start) }
        return operand
    }

    private static func continuesMember(_ kind: Token.Kind) -> Bool {
        kind == .dot || kind == .leftBracket || kind == .leftParenthesis
    }
}
