extension SchemaParser {
    /// Reads what stands before a declaration or an attribute: `@name` or `@name("value")`, each name once.
    mutating func annotations() throws(SyntaxError) {
        var names = Set<CedarString>()
        while self.row.current.kind == .at {
            let at = self.row.advance()
            guard self.row.current.isWord else { throw self.unexpected("an annotation's name") }
            let name = self.row.text(self.row.advance())
            if self.row.take(.leftParenthesis) {
                let hint = SyntaxHints.annotation(name)
                _ = self.string(try self.expect(.string, "a string", hint: hint))
                try self.expect(.rightParenthesis, "`)`", hint: hint)
            }
            if !names.insert(CedarString(name)).inserted {
                self.note(SyntaxHints.repeated(annotation: name), at: at.start)
            }
        }
    }

    /// Reads one declaration, after its annotations.
    mutating func declaration(into namespace: inout SchemaNamespace) throws(SyntaxError) {
        if self.takeWord("entity") {
            namespace.entityTypes.append(try self.entityType())
        } else if self.takeWord("action") {
            namespace.actions.append(try self.action())
        } else if self.takeWord("type") {
            namespace.commonTypes.append(try self.commonType())
        } else {
            var hint: String?
            if self.row.current.kind == .identifier {
                let words = ["entity", "action", "type", "namespace"]
                hint = SyntaxHints.nearest(to: self.row.text(self.row.current), among: words).map {
                    "did you mean `\($0)`?"
                }
            }
            throw self.unexpected("`entity`, `action`, `type` or `namespace`", hint: hint)
        }
    }

    private mutating func entityType() throws(SyntaxError) -> EntityTypeStatement {
        var statement = EntityTypeStatement(names: [])
        repeat {
            statement.names.append(try self.declaredType("an entity type"))
        } while self.row.take(.comma)
        for name in statement.names where name.text == "Action" {
            let hint = "actions are declared with `action`"
            self.note("`Action` is the type of actions and cannot be declared", hint: hint, at: name.place)
        }
        if self.takeWord("enum") {
            statement.choices = try self.choices()
        } else {
            if self.takeWord("in") { statement.parents = try self.entityTypes() }
            let isAssigned = self.row.take(.assign)
            if isAssigned || self.row.current.kind == .leftBrace {
                statement.shape = try self.record()
            }
            if self.takeWord("tags") { statement.tags = try self.type() }
        }
        try self.expect(.semicolon, "`;`")
        return statement
    }

    private mutating func choices() throws(SyntaxError) -> [CedarString] {
        try self.expect(.leftBracket, "`[`")
        var choices: [CedarString] = []
        repeat {
            choices.append(self.string(try self.expect(.string, "a string")))
        } while self.row.take(.comma)
        try self.expect(.rightBracket, "`]` or `,`")
        return choices
    }

    private mutating func commonType() throws(SyntaxError) -> CommonTypeStatement {
        let name = try self.declaredType("a type's name")
        if SchemaResolver.reservedTypes.contains(name.text) {
            self.note("`\(name.text)` is reserved and cannot name a common type", at: name.place)
        }
        try self.expect(.assign, "`=`")
        let type = try self.type()
        try self.expect(.semicolon, "`;`")
        return CommonTypeStatement(name: name, type: type)
    }

    private mutating func action() throws(SyntaxError) -> ActionStatement {
        var statement = ActionStatement(names: [])
        repeat {
            let place = self.place(self.row.current)
            statement.names.append(DeclaredName(text: try self.actionName(), place: place))
        } while self.row.take(.comma)
        if self.takeWord("in") { statement.parents = try self.actionParents() }
        let start = self.row.current.start
        if self.takeWord("appliesTo") { try self.appliesTo(of: &statement, at: start) }
        if self.takeWord("attributes") {
            try self.expect(.leftBrace, "`{`")
            try self.expect(.rightBrace, "`}`", hint: "actions have no attributes")
        }
        try self.expect(.semicolon, "`;`")
        return statement
    }

    private mutating func actionParents() throws(SyntaxError) -> [ActionReference] {
        guard self.row.take(.leftBracket) else { return [try self.actionReference()] }
        var parents: [ActionReference] = []
        repeat {
            parents.append(try self.actionReference())
        } while self.row.take(.comma)
        try self.expect(.rightBracket, "`]` or `,`")
        return parents
    }

    /// `id`, `"id"` or `NS::Action::"id"`.
    private mutating func actionReference() throws(SyntaxError) -> ActionReference {
        let place = self.place(self.row.current)
        guard self.row.current.kind != .string, self.row.following.kind == .doubleColon else {
            return ActionReference(type: nil, id: try self.actionName(), place: place)
        }
        var parts = [try self.identifier("an action")]
        while self.row.take(.doubleColon) {
            if self.row.current.kind == .string {
                return ActionReference(
                    type: SchemaName(parts: parts),
                    id: self.string(self.row.advance()),
                    place: place
                )
            }
            parts.append(try self.identifier("a name or a string"))
        }
        throw self.unexpected("`::`", hint: "an action of another namespace is `NS::Action::\"id\"`")
    }

    private mutating func actionName() throws(SyntaxError) -> CedarString {
        if self.row.current.kind == .string { return self.string(self.row.advance()) }
        return CedarString(try self.identifier("an action's name"))
    }

    /// `{principal: [A], resource: B, context: {…}}`, in any order, each once; only the context may be missing.
    private mutating func appliesTo(of statement: inout ActionStatement, at start: Int) throws(SyntaxError) {
        try self.expect(.leftBrace, "`{`")
        var principals: [TypeReference]?
        var resources: [TypeReference]?
        var context: WrittenType?
        repeat {
            if self.row.current.kind == .rightBrace, principals != nil || resources != nil || context != nil { break }
            let token = self.row.current
            if self.takeWord("principal") {
                let isRepeated = principals != nil
                principals = try self.applicableTypes("principal")
                if isRepeated { self.note("`principal` stands twice", at: token.start) }
            } else if self.takeWord("resource") {
                let isRepeated = resources != nil
                resources = try self.applicableTypes("resource")
                if isRepeated { self.note("`resource` stands twice", at: token.start) }
            } else if self.takeWord("context") {
                try self.expect(.colon, "`:`")
                if context != nil { self.note("`context` stands twice", at: token.start) }
                context = try self.context()
            } else {
                throw self.unexpected("`principal`, `resource` or `context`")
            }
        } while self.row.take(.comma)
        try self.expect(.rightBrace, "`}` or `,`")
        let hint = "an action that applies to nothing is written without `appliesTo`"
        if principals == nil { self.note("`appliesTo` lacks `principal`", hint: hint, at: start) }
        if resources == nil { self.note("`appliesTo` lacks `resource`", hint: hint, at: start) }
        statement.principals = principals ?? []
        statement.resources = resources ?? []
        if let context { statement.context = context }
    }

    private mutating func applicableTypes(_ what: String) throws(SyntaxError) -> [TypeReference] {
        try self.expect(.colon, "`:`")
        let start = self.row.current.start
        let types = try self.entityTypes()
        if types.isEmpty {
            let hint = "an action that applies to nothing is written without `appliesTo`"
            self.note("`\(what)` lists no types", hint: hint, at: start)
        }
        return types
    }

    private mutating func context() throws(SyntaxError) -> WrittenType {
        if self.row.current.kind == .leftBrace { return try self.record() }
        return .reference(try self.reference(.common, "a record or a common type"))
    }

    /// `A` or `[A, B]`.
    private mutating func entityTypes() throws(SyntaxError) -> [TypeReference] {
        guard self.row.take(.leftBracket) else { return [try self.reference(.entity, "an entity type or `[`")] }
        if self.row.take(.rightBracket) { return [] }
        var types: [TypeReference] = []
        repeat {
            types.append(try self.reference(.entity, "an entity type"))
        } while self.row.take(.comma)
        try self.expect(.rightBracket, "`]` or `,`")
        return types
    }
}
