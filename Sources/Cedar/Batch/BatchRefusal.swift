/// Why a request of a batch cannot be decided.
package struct BatchRefusal: Error, Hashable, Sendable {
    /// The part of a request that is not what it must be.
    package enum Part: String, Hashable, Sendable, CaseIterable {
        /// The line is no JSON object of the protocol.
        case line
        /// The policies cannot be read or do not parse, or a link does not fit.
        case policies
        /// The entities cannot be read or do not parse, or do not conform to the schema.
        case entities
        /// The schema cannot be read or does not parse.
        case schema
        /// The context does not parse, or does not conform to the schema.
        case context
        /// Principal, action or resource do not parse, or do not conform to the schema.
        case request
    }

    /// What is wrong.
    package let part: Part
    /// Everything that is wrong with it, with positions where there are any.
    package let errors: [String]

    init(_ part: Part, _ errors: [String]) {
        self.part = part
        self.errors = errors
    }

    init(_ part: Part, _ error: String) { self.init(part, [error]) }
}
