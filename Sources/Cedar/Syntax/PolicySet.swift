/// Policies that were read together, compiled and ready to be asked.
package struct PolicySet: Sendable {
    /// The policies, in the order of their sources and of their places there.
    package let policies: [Policy]
    let program: Program

    /// Reads policy texts.
    ///
    /// - Parameters:
    ///   - sources: The texts.
    ///   - idsFromAnnotations: Whether a policy's `@id` is its id. No two may then have the same.
    ///   - limits: How large a text may be.
    /// - Throws: Every problem of every text; a set with a problem does not exist.
    package init(
        parsing sources: [PolicySource],
        idsFromAnnotations: Bool = false,
        limits: PolicyLimits = PolicyLimits(),
    ) throws(PolicyErrors) {
        var policies: [Policy] = []
        var errors: [PolicyError] = []
        for source in sources {
            var parser = Parser(source, limits: limits)
            policies += parser.policies()
            errors += parser.errors
        }
        var ids = Set<CedarString>()
        policies = policies.enumerated().map { index, policy in
            let annotated = idsFromAnnotations ? policy.annotation("id") : nil
            return policy.named(annotated ?? "policy\(index)")
        }
        for policy in policies where !ids.insert(CedarString(policy.id)).inserted {
            let message = "another policy has the id `\(policy.id)` already"
            errors.append(PolicyError(message: message, hint: "ids are unique", position: policy.position))
        }
        guard errors.isEmpty else { throw PolicyErrors(errors) }
        self.policies = policies
        self.program = Program(policies)
    }

    /// The canonical texts of all policies, in order, with an empty line between them.
    package var canonicalText: String {
        self.policies.map { $0.canonicalText + "\n" }.joined(separator: "\n")
    }
}
