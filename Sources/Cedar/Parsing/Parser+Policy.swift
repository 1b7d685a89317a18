extension Parser {
    /// Reads one policy or template, up to its semicolon: `@a("b") permit (principal, action, resource) when { … };`.
    mutating func statement() throws(SyntaxError) -> Statement {
        let start = self.row.current.start
        let annotations = try self.annotations()
        let effect = try self.effect()
        let (scope, names) = try self.scope()
        var conditions: [Policy.Condition] = []
        while self.row.current.kind != .semicolon, !self.isAtNextPolicy { conditions.append(try self.condition()) }
        let end = self.row.current.kind == .semicolon ? self.row.current.end : self.row.previous?.end ?? 0
        let template = Template(
            id: "",
            effect: effect,
            annotations: annotations,
            principal: scope.principal,
            action: scope.action,
            resource: scope.resource,
            conditions: conditions,
            source: PolicyText(
                start: self.map.position(of: start),
                written: String(decoding: self.row.bytes[start..<end], as: UTF8.self),
                names: names,
                map: self.map,
            ),
        )
        return Statement(template)
    }

    private mutating func annotations() throws(SyntaxError) -> [Annotation] {
        var annotations: [Annotation] = []
        var names: Set<CedarString> = []
        while self.row.current.kind == .at {
            let at = self.row.advance()
            self.hasLooseAnnotations = true
            guard self.row.current.isWord else { throw self.unexpected("an annotation's name") }
            let name = self.row.text(self.row.advance())
            var value = ""
            let hasValue = self.row.take(.leftParenthesis)
            if hasValue {
                let hint = SyntaxHints.annotation(name)
                value = self.string(try self.expect(.string, "a string", hint: hint))
                try self.expect(.rightParenthesis, "`)`", hint: hint)
            }
            if !names.insert(CedarString(name)).inserted {
                self.note(SyntaxHints.repeated(annotation: name), at: at.start)
            }
            let position = self.map.position(of: at.start)
            annotations.append(Annotation(name: name, value: value, position: position, hasValue: hasValue))
        }
        return annotations
    }

    private mutating func effect() throws(SyntaxError) -> Effect {
        let token = self.row.current
        guard token.isWord else { throw self.unexpected("`permit` or `forbid`") }
        self.row.advance()
        self.hasLooseAnnotations = false
        if self.row.isWord(token, "permit") { return .permit }
        if self.row.isWord(token, "forbid") { return .forbid }
        let near = SyntaxHints.nearest(to: self.row.text(token), among: ["permit", "forbid"])
        let hint = near.map { "did you mean `\($0)`?" } ?? "a policy starts with `permit` or `forbid`"
        self.note("`\(self.row.text(token))` is not an effect", hint: hint, at: token.start)
        return .forbid
    }

    private mutating func condition() throws(SyntaxError) -> Policy.Condition {
        let token = self.row.current
        guard token.isWord else { throw self.unexpected("`when`, `unless` or `;`") }
        guard self.row.following.kind == .leftBrace else {
            if self.row.isWord(token, "when") || self.row.isWord(token, "unless") {
                self.row.advance()
                throw self.unexpected("`{`", hint: "a condition stands in braces")
            }
            throw self.unexpected("`when`, `unless` or `;`")
        }
        self.row.advance()
        let isUnless = self.row.isWord(token, "unless")
        if !isUnless, !self.row.isWord(token, "when") {
            let near = SyntaxHints.nearest(to: self.row.text(token), among: ["when", "unless"])
            let hint = near.map { "did you mean `\($0)`?" } ?? "conditions are `when { … }` and `unless { … }`"
            self.note("`\(self.row.text(token))` is not a condition", hint: hint, at: token.start)
        }
        let brace = self.row.advance()
        if self.row.current.kind == .rightBrace {
            self.note("the condition is empty", hint: "leave the clause out, or say `true`", at: brace.start)
            self.row.advance()
            return Policy.Condition(isUnless: isUnless, body: Expression(.literal(.bool(false)), offset: brace.end))
        }
        let body = try self.expression()
        try self.expect(.rightBrace, "`}` or an operator")
        return Policy.Condition(isUnless: isUnless, body: body)
    }
}
