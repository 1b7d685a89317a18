package import CanonicalJSON

extension Schema {
    /// Makes sure that a request is one that the schema provides for.
    package func validate(_ request: Request) throws(RequestValidationError) {
        let (principal, action, resource) = (request.principal, request.action, request.resource)
        guard self.entityTypes[principal.type] != nil else { throw .undeclaredPrincipalType(principal.type) }
        guard self.isListed(principal) else { throw .unlistedID(principal) }
        guard self.entityTypes[resource.type] != nil else { throw .undeclaredResourceType(resource.type) }
        guard self.isListed(resource) else { throw .unlistedID(resource) }
        guard let declaration = self.actions[action] else { throw .undeclaredAction(action) }
        guard declaration.principals.contains(principal.type) else {
            throw .principalType(principal.type, action: action)
        }
        guard declaration.resources.contains(resource.type) else {
            throw .resourceType(resource.type, action: action)
        }
        try self.validate(context: request.context, of: declaration)
    }

    fileprivate func validate(
        context: Record,
        of declaration: ActionDeclaration,
    ) throws(RequestValidationError) {
        if let uid = self.unlistedID(in: context) { throw .unlistedID(uid) }
        do {
            try declaration.context.check(context)
        } catch {
            throw .context(error, action: declaration.uid)
        }
    }
}

extension Record {
    /// Reads a request's context from JSON, by what a schema says of the action.
    package init(context json: JSONValue, schema: Schema, action: EntityUID) throws(RequestValidationError) {
        guard let declaration = schema.actions[action] else { throw .undeclaredAction(action) }
        do {
            self = try Record(json: json, as: declaration.context)
        } catch {
            throw .malformedContext(error)
        }
        try schema.validate(context: self, of: declaration)
    }
}
