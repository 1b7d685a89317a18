extension SchemaParser {
    /// Reads a type.
    mutating func type() throws(SyntaxError) -> WrittenType {
        let start = self.row.current.start
        self.nesting += 1
        defer { self.nesting -= 1 }
        guard self.nesting <= self.limits.nesting else {
            self.note("the type nests deeper than \(self.limits.nesting) levels", at: start)
            throw SyntaxError()
        }
        if self.row.current.kind == .leftBrace { return try self.record() }
        if self.isWord("Set"), self.row.following.kind == .less {
            self.row.advance()
            self.row.advance()
            let element = try self.type()
            try self.expect(.greater, "`>`")
            return .set(element)
        }
        return .reference(try self.reference(.either, "a type"))
    }

    /// Reads a record: `{a: T, "b"?: U}`.
    mutating func record() throws(SyntaxError) -> WrittenType {
        try self.expect(.leftBrace, "`{`")
        var attributes: [WrittenAttribute] = []
        while self.row.current.kind != .rightBrace {
            try self.annotations()
            let name: CedarString
            if self.row.current.kind == .string {
                name = self.string(self.row.advance())
            } else {
                name = CedarString(try self.identifier("an attribute's name or `}`"))
            }
            let isOptional = self.isQuestionMark
            if isOptional { self.row.advance() }
            try self.expect(.colon, isOptional ? "`:`" : "`:` or `?`")
            attributes.append(WrittenAttribute(name: name, type: try self.type(), isRequired: !isOptional))
            guard self.row.take(.comma) else { break }
        }
        try self.expect(.rightBrace, "`}` or `,`")
        return .record(attributes)
    }

    /// Reads a name that stands for a type: `A` or `NS::A`.
    mutating func reference(_ kind: TypeReference.Kind, _ what: String) throws(SyntaxError) -> TypeReference {
        let place = self.place(self.row.current)
        var parts = [try self.identifier(what)]
        while self.row.take(.doubleColon) { parts.append(try self.identifier("a name")) }
        return TypeReference(name: SchemaName(parts: parts), kind: kind, place: place)
    }

    /// Reads the name of a type that is being declared.
    mutating func declaredType(_ what: String) throws(SyntaxError) -> DeclaredName {
        let place = self.place(self.row.current)
        return DeclaredName(text: CedarString(try self.unreservedIdentifier(what)), place: place)
    }

    mutating func identifier(_ what: String) throws(SyntaxError) -> String {
        guard self.row.current.kind == .identifier else { throw self.unexpected(what) }
        return self.row.text(self.row.advance())
    }

    mutating func unreservedIdentifier(_ what: String) throws(SyntaxError) -> String {
        if self.isWord("__cedar") { self.note("the name `__cedar` is reserved", at: self.row.current.start) }
        return try self.identifier(what)
    }
}
