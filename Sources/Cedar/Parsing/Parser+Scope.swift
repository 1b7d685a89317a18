extension Parser {
    private enum Operator {
        case equal
        case within
    }

    /// What stands right of `==` and `in` in a scope.
    private enum Reference {
        case entity(EntityUID)
        case slot
    }

    /// Reads a head: `(principal …, action …, resource …)`.
    mutating func scope() throws(SyntaxError) -> (scope: Template.Scope, names: ScopeNames) {
        var names = ScopeNames()
        try self.expect(.leftParenthesis, "`(`")
        try self.variable("principal")
        let principal = try self.entityConstraint(slot: .principal)
        names.principal = self.takeNames()
        try self.separator(before: "action")
        try self.variable("action")
        let action = try self.actionConstraint()
        names.action = self.takeNames()
        try self.separator(before: "resource")
        try self.variable("resource")
        let resource = try self.entityConstraint(slot: .resource)
        names.resource = self.takeNames()
        _ = self.row.take(.comma)
        try self.expect(.rightParenthesis, "`)`", hint: "conditions on `context` belong in `when { … }`")
        return (Template.Scope(principal: principal, action: action, resource: resource), names)
    }

    private mutating func takeNames() -> [Int] {
        defer { self.names = [] }
        return self.names
    }

    private mutating func separator(before name: String) throws(SyntaxError) {
        try self.expect(
            .comma,
            "`,`",
            hint: self.row.current.kind == .rightParenthesis ? "the scope lacks `\(name)`" : nil,
        )
    }

    private mutating func variable(_ name: StaticString) throws(SyntaxError) {
        guard self.row.isWord(self.row.current, name) else {
            throw self.unexpected("`\(name)`", hint: "a scope is `(principal, action, resource)`, in this order")
        }
        self.row.advance()
        if self.row.current.kind == .colon {
            throw self.fail(
                "a type is not stated with `:`",
                hint: "write `\(name) is Type`",
                at: self.row.current.start
            )
        }
    }

    private mutating func entityConstraint(slot: Template.Slot) throws(SyntaxError) -> Template.EntityConstraint {
        if self.row.take(.keyword(.is)) {
            self.names.append(self.row.current.start)
            let type = try self.typeName()
            if self.row.current.kind == .equal {
                throw self.fail(
                    "`is` and `==` cannot stand together",
                    hint: "`==` already says the type",
                    at: self.row.current.start,
                )
            }
            guard self.row.take(.keyword(.in)) else { return .fixed(.isType(type)) }
            switch try self.scopeReference(slot) {
            case .entity(let uid): return .fixed(.isTypeWithin(type, uid))
            case .slot: return .isTypeWithinSlot(type)
            }
        }
        switch try self.scopeOperator() {
        case nil: return .fixed(.any)
        case .equal:
            switch try self.scopeReference(slot) {
            case .entity(let uid): return .fixed(.equal(uid))
            case .slot: return .equalSlot
            }
        case .within:
            switch try self.scopeReference(slot) {
            case .entity(let uid): return .fixed(.within(uid))
            case .slot: return .withinSlot
            }
        }
    }

    private mutating func actionConstraint() throws(SyntaxError) -> Scope.ActionConstraint {
        let start = self.row.current.start
        if self.row.current.kind == .keyword(.is) {
            throw self.fail(
                "`is` cannot stand in the action's scope",
                hint: "name actions with `==` or `in`",
                at: start,
            )
        }
        switch try self.scopeOperator() {
        case nil: return .any
        case .equal: return .equal(try self.actionEntity())
        case .within:
            var parentheses = 0
            var ahead = self.row.current
            while ahead.kind == .leftParenthesis, parentheses < self.limits.nesting {
                parentheses += 1
                self.row.advance()
                ahead = self.row.current
            }
            let constraint: Scope.ActionConstraint
            if self.row.take(.leftBracket) {
                var actions: [EntityUID] = []
                while self.row.current.kind != .rightBracket {
                    actions.append(try self.actionEntity())
                    guard self.row.take(.comma) else { break }
                }
                try self.expect(.rightBracket, "`]` or `,`")
                constraint = .withinAny(actions)
            } else {
                constraint = .within(try self.actionEntity())
            }
            for _ in 0..<parentheses { try self.expect(.rightParenthesis, "`)`") }
            return constraint
        }
    }

    private mutating func scopeOperator() throws(SyntaxError) -> Operator? {
        let token = self.row.current
        switch token.kind {
        case .equal:
            self.row.advance()
            return .equal
        case .keyword(.in):
            self.row.advance()
            return .within
        case .comma, .rightParenthesis: return nil
        case .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            throw self.fail(
                "`\(self.row.text(token))` cannot stand in the scope",
                hint: "the scope knows `==`, `in` and `is`; the rest belongs in `when { … }`",
                at: token.start,
            )
        case .identifier, .keyword, .number, .string, .slot, .at, .dot, .semicolon, .colon, .doubleColon,
            .leftParenthesis, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .or, .and, .plus, .minus, .times,
            .divide, .remainder, .not, .assign, .invalid, .end:
            throw self.unexpected("`==`, `in`, `is`, `,` or `)`")
        }
    }

    /// An entity or the slot that may stand here, possibly in parentheses.
    ///
    /// - Parameter slot: The slot that may stand here, if any may.
    private mutating func scopeReference(_ slot: Template.Slot?) throws(SyntaxError) -> Reference {
        var parentheses = 0
        while self.row.current.kind == .leftParenthesis, parentheses < self.limits.nesting {
            parentheses += 1
            self.row.advance()
        }
        let reference: Reference
        if self.row.current.kind == .slot {
            try self.slot(slot)
            reference = .slot
        } else {
            reference = .entity(try self.scopeEntity(slot == nil ? #"Action::"read""# : #"User::"alice""#))
        }
        for _ in 0..<parentheses { try self.expect(.rightParenthesis, "`)`") }
        return reference
    }

    private mutating func slot(_ expected: Template.Slot?) throws(SyntaxError) {
        let token = self.row.current
        let text = self.row.text(token)
        guard let expected else {
            throw self.fail(
                "the slot `\(text)` cannot stand in the action's scope",
                hint: "only the principal and the resource have slots; name an action",
                at: token.start,
            )
        }
        guard text.utf8.elementsEqual(expected.rawValue.utf8) else {
            throw self.fail(
                "the slot `\(text)` cannot stand here",
                hint: "the slot of this place is `\(expected.rawValue)`",
                at: token.start,
            )
        }
        self.row.advance()
    }

    private mutating func scopeEntity(_ example: String) throws(SyntaxError) -> EntityUID {
        if self.row.current.kind == .leftBracket {
            throw self.fail(
                "a single entity must stand here, not a set",
                hint: "only the action's scope takes a set",
                at: self.row.current.start,
            )
        }
        guard self.row.current.isWord else { throw self.unexpected("an entity such as `\(example)`") }
        let start = self.row.current.start
        let name = try self.name()
        guard self.row.current.kind == .doubleColon, self.row.following.kind == .string else {
            throw self.fail(
                "expected an entity, found the name `\(name)`",
                hint: SyntaxHints.entity(name),
                at: start,
            )
        }
        self.row.advance()
        self.names.append(start)
        return EntityUID(type: EntityTypeName(name), id: CedarString(self.string(self.row.advance())))
    }

    private mutating func actionEntity() throws(SyntaxError) -> EntityUID {
        let start = self.row.current.start
        guard case .entity(let uid) = try self.scopeReference(nil) else { throw self.unexpected("an action") }
        if !uid.type.isAction {
            self.note(
                "`\(uid)` is not an action",
                hint: "an action's type is `Action` or ends in `::Action`",
                at: start,
            )
        }
        return uid
    }

    mutating func typeName() throws(SyntaxError) -> EntityTypeName {
        guard self.row.current.isWord else {
            throw self.unexpected("an entity type", hint: "a type is a bare name: `is Photos::Album`")
        }
        let start = self.row.current.start
        let name = try self.name()
        if self.row.current.kind == .doubleColon {
            throw self.fail("expected an entity type, found an entity", hint: "write `is \(name)`", at: start)
        }
        return EntityTypeName(name)
    }

    /// Identifiers joined by `::`, up to a `::` that something else follows.
    mutating func name() throws(SyntaxError) -> String {
        let start = self.row.current.start
        var parts = [try self.namePart()]
        while self.row.current.kind == .doubleColon, self.row.following.isWord {
            self.row.advance()
            parts.append(try self.namePart())
        }
        if parts.contains(where: { $0.utf8.elementsEqual("__cedar".utf8) }) {
            self.note("names with `__cedar` in them are reserved", at: start)
        }
        return parts.joined(separator: "::")
    }

    private mutating func namePart() throws(SyntaxError) -> String {
        guard self.row.current.kind == .identifier else { throw self.unexpected("a name") }
        return self.row.text(self.row.advance())
    }
}
