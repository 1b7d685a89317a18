/// How strictly a policy is held to a schema.
package enum ValidationMode: String, Hashable, Sendable, CaseIterable {
    /// Types that are compared or joined must be the same type, no set is empty, extension values come from literals.
    ///
    /// This is Cedar's default.
    case strict
    /// Only what could fail in an evaluation is an error.
    case permissive
}

/// What validation found in policies.
package struct ValidationResult: Hashable, Sendable {
    /// What is wrong, in the order of the policies and, within each, of its text.
    package let errors: [ValidationFinding]
    /// What is probably not meant, in the same order.
    package let warnings: [ValidationFinding]

    /// States a result.
    package init(errors: [ValidationFinding], warnings: [ValidationFinding]) {
        self.errors = errors
        self.warnings = warnings
    }

    /// Whether nothing is wrong; warnings do not count.
    package var passed: Bool { self.errors.isEmpty }
}

/// One thing that validation found.
package struct ValidationFinding: Hashable, Sendable, CustomStringConvertible {
    /// The classes of findings, which are Cedar's; the raw values are stable codes.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A type that the schema does not declare.
        case unrecognizedEntityType = "unrecognized-entity-type"
        /// An action that the schema does not declare.
        case unrecognizedActionID = "unrecognized-action-id"
        /// No action applies to what the scope says.
        case invalidActionApplication = "invalid-action-application"
        /// An operand of a type that its operator does not take.
        case unexpectedType = "unexpected-type"
        /// Operands whose types do not fit each other.
        case incompatibleTypes = "incompatible-types"
        /// An attribute that is not there.
        case unsafeAttributeAccess = "unsafe-attribute-access"
        /// An optional attribute that is read without a `has` before it.
        case unsafeOptionalAttributeAccess = "unsafe-optional-attribute-access"
        /// A tag that is read without a `hasTag` before it.
        case unsafeTagAccess = "unsafe-tag-access"
        /// A tag of an entity whose type has no tags.
        case noTagsAllowed = "no-tags-allowed"
        /// A function that there is not; the parser refuses these before validation.
        case undefinedFunction = "undefined-function"
        /// A function called with too many or too few arguments.
        case wrongNumberArguments = "wrong-number-arguments"
        /// A literal that an extension's function cannot read.
        case functionArgumentValidation = "function-argument-validation"
        /// An empty set literal, which has no type.
        case emptySetForbidden = "empty-set-forbidden"
        /// An extension value that is not made from a literal.
        case nonLitExtConstructor = "non-lit-ext-constructor"
        /// An id that an enumerated type does not have.
        case invalidEnumEntity = "invalid-enum-entity"
        /// A fault of the validator itself.
        case internalInvariantViolation = "internal-invariant-violation"
        /// A policy that can never apply; a warning.
        case impossiblePolicy = "impossible-policy"
        /// Characters that turn the direction of the text around them; a warning.
        case bidirectionalText = "bidirectional-text"
    }

    /// Its class.
    package let kind: Kind
    /// The policy or template that it is in.
    package let policyID: String
    /// What is wrong.
    package let message: String
    /// What would be right, where we know.
    package let hint: String?
    /// Where the expression, or the name in the scope, starts that it is about; else where the policy starts.
    package let position: SourcePosition

    /// The class's stable code.
    package var code: String { self.kind.rawValue }

    /// `file:line:column: message`, with the hint in brackets.
    package var description: String {
        PolicyError(message: self.message, hint: self.hint, position: self.position).description
    }
}
