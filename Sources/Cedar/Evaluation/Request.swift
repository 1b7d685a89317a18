/// A question to a policy set: whether this principal may do this action to this resource, in this context.
package struct Request: Sendable {
    /// Who asks.
    package let principal: EntityUID
    /// What they want to do.
    package let action: EntityUID
    /// What they want to do it to.
    package let resource: EntityUID
    /// What else is known.
    package let context: Record

    /// States a question.
    package init(principal: EntityUID, action: EntityUID, resource: EntityUID, context: Record = .empty) {
        self.principal = principal
        self.action = action
        self.resource = resource
        self.context = context
    }
}
