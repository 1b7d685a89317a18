package import Cedar

/// Something in a policy set that is allowed and surely not meant.
package struct PolicyWarning: Hashable, Sendable, CustomStringConvertible {
    /// The kinds of warnings, as stable codes.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// No request ever satisfies it.
        case neverApplies = "never-applies"
        /// It says what another one says, word for word.
        case duplicate
        /// Another one of its kind says as much already.
        case redundant
        /// A plain `forbid` denies all that it is about.
        case shadowed
        /// Nothing that it holds could run, because nothing permits it.
        case nothingPermitted = "nothing-permitted"
        /// There are too few people who could lift it.
        case tooFewApprovers = "too-few-approvers"
        /// What it says of approving is not asked.
        case approvingNeedsNone = "approving-needs-none"
        /// It names a group, an agent, a user, a connection or an environment that there is not.
        case unknownName = "unknown-name"
        /// It names a tool of which no definition was accepted, on a connection that has such definitions.
        case unknownTool = "unknown-tool"
        /// What it asks of a call does not fit the arguments that the tool's accepted definition has.
        case toolArguments = "tool-arguments"
        /// Of the validator: characters that reorder the text around them.
        case confusingText = "confusing-text"
    }

    /// The kind.
    package let code: Code
    /// The policy's id; empty where the set as a whole is meant.
    package let policy: String
    /// What is wrong.
    package let message: String
    /// Where it stands; `nil` for the set as a whole.
    package let position: SourcePosition?

    /// `file:line:column: warning: message`.
    package var description: String { (position.map { "\($0): " } ?? "") + "warning: \(message)" }
}

extension GatedPolicySet {
    /// What is surely not meant, in the order of the policies.
    ///
    /// `directory` is everybody and everything that there is; `nil` if nobody knows, and then no gate has too few approvers
    /// and no name is unknown. `tools` are all tools with accepted definitions of the connections that have any there.
    package func warnings(_ directory: Directory?, tools: [KnownTool] = []) -> [PolicyWarning] {
        PolicyExaminer(self, directory, tools).warnings()
    }
}

/// Looks for what is surely not meant.
///
/// Compares every policy with every other one, so it is for commands and not for the gateway.
private struct PolicyExaminer {
    private let set: GatedPolicySet
    private let users: [User]?
    private let names: PolicyNames?
    private let analysis: PolicyAnalysis
    private let policies: [Policy]
    private let outlines: [PolicyOutline]
    private let tools: ToolExaminer?

    init(_ set: GatedPolicySet, _ directory: Directory?, _ tools: [KnownTool]) {
        self.set = set
        self.tools = ToolExaminer(set, tools, directory)
        users = directory.map { Array($0.users.values) }
        names = directory.map { PolicyNames($0) }
        analysis = PolicyAnalysis(schema: try? PolicyVocabulary.resolvedSchema.get())
        policies = set.policies.policies
        outlines = policies.map { PolicyOutline($0) }
    }

    func warnings() -> [PolicyWarning] {
        guard !policies.isEmpty else {
            let message = "there are no policies, so every action is denied"
            return [PolicyWarning(code: .nothingPermitted, policy: "", message: message, position: nil)]
        }
        var warnings = [PolicyWarning]()
        if !policies.contains(where: { $0.effect == .permit }) {
            let message = "there is no permit, so every action is denied"
            warnings.append(PolicyWarning(code: .nothingPermitted, policy: "", message: message, position: nil))
        }
        let impossible = validatorWarnings()
        for index in policies.indices {
            warnings += self.warnings(of: index, impossible)
            warnings += tools?.warnings(of: index) ?? []
        }
        return warnings
    }

    private func warning(_ code: PolicyWarning.Code, _ index: Int, _ message: String) -> PolicyWarning {
        PolicyWarning(code: code, policy: policies[index].id, message: message, position: policies[index].position)
    }

    /// What the validator warns of, by policy id.
    private func validatorWarnings() -> [CedarString: [ValidationFinding]] {
        let found = (try? PolicyVocabulary.validate(set.policies))?.warnings ?? []
        return Dictionary(grouping: found) { CedarString($0.policyID) }
    }

    private func warnings(of index: Int, _ found: [CedarString: [ValidationFinding]]) -> [PolicyWarning] {
        let policy = policies[index]
        var warnings = [PolicyWarning]()
        let findings = found[CedarString(policy.id)] ?? []
        for finding in findings where finding.kind == .bidirectionalText {
            warnings.append(warning(.confusingText, index, "in the policy \(policy.id), \(finding.message)"))
        }
        for name in names?.unknown(in: policy) ?? [] {
            let message = "the policy \(policy.id) names \(name), which is not there; is it spelt as it is declared?"
            warnings.append(warning(.unknownName, index, message))
        }
        if outlines[index].isNeverSatisfied {
            let message = "the policy \(policy.id) never applies: no request can be as it says"
            return warnings + [warning(.neverApplies, index, message)]
        }
        // Less certain: an agent that submits a document of its own may leave out what the gateway always says.
        if findings.contains(where: { $0.kind == .impossiblePolicy }) {
            let message = "the policy \(policy.id) never applies to what fits the schema (countersign policy schema)"
            return warnings + [warning(.neverApplies, index, message)]
        }
        if let message = approving(index) { return warnings + [warning(.approvingNeedsNone, index, message)] }
        if let other = same(as: index) {
            let message = "the policy \(policy.id) says what \(other.id) says already, at \(other.position)"
            return warnings + [warning(.duplicate, index, message)]
        }
        if let other = denial(of: index) {
            let what = set.gates[index] == nil ? "so it never permits anything" : "so nobody is ever asked"
            let message = "the plain forbid \(other.id) denies all that \(policy.id) is about, \(what)"
            warnings.append(warning(.shadowed, index, message))
        } else if let other = wider(than: index) {
            let message = "the policy \(policy.id) changes nothing: \(other.id) says the same, and more"
            warnings.append(warning(.redundant, index, message))
        }
        if let gate = set.gates[index] { warnings += self.warnings(of: gate, index) }
        return warnings
    }

    private func warnings(of gate: Gate, _ index: Int) -> [PolicyWarning] {
        var warnings = [PolicyWarning]()
        let permits = policies.indices.filter { policies[$0].effect == .permit }
        if !permits.isEmpty, permits.allSatisfy({ analysis.areDisjoint(outlines[index], outlines[$0]) }) {
            let message = "no permit is about what \(gate.policy) is about, so it is denied and nobody is ever asked"
            warnings.append(warning(.nothingPermitted, index, message))
        }
        if let users {
            let missing = gate.missing(users.map { Decision(trying: $0) })
            if missing > 0 {
                let groups = gate.approvers.map(\.rawValue).joined(separator: ", ")
                let places = gate.approvers.count * gate.quorum
                let message =
                    "it takes \(gate.quorum) of each of \(groups) to lift \(gate.policy), and the declared users fill "
                    + "\(places - missing) of these \(places) places"
                warnings.append(warning(.tooFewApprovers, index, message))
            }
        }
        return warnings
    }

    /// What is wrong with a permit or a gate that is about approving only (docs/decisions/0003).
    private func approving(_ index: Int) -> String? {
        guard analysis.isOnly(about: [PolicyVocabulary.approve], outlines[index]) else { return nil }
        if policies[index].effect == .permit {
            return "the permit \(policies[index].id) changes nothing: approving needs no permit, gates say who may"
        }
        guard set.gates[index] != nil else { return nil }
        return
            "the gate \(policies[index].id) never holds anything: approving is not gated; leave @approvers out to deny"
    }

    /// An earlier policy that is word for word the same.
    private func same(as index: Int) -> Policy? {
        policies[..<index].enumerated().first { other, policy in
            isOfKind(other, index) && policy.scope == policies[index].scope
                && policy.conditions == policies[index].conditions
                && set.gates[other]?.isAsStrict(as: set.gates[index]) ?? true
                && set.gates[index]?.isAsStrict(as: set.gates[other]) ?? true
        }?.element
    }

    /// A plain forbid that denies all that a permit or a gate is about.
    private func denial(of index: Int) -> Policy? {
        guard policies[index].effect == .permit || set.gates[index] != nil else { return nil }
        return policies.indices.first { other in
            policies[other].effect == .forbid && set.gates[other] == nil
                && analysis.implies(outlines[index], outlines[other])
        }.map { policies[$0] }
    }

    /// Another policy of its kind that is satisfied whenever it is, and asks for as much.
    private func wider(than index: Int) -> Policy? {
        policies.indices.first { other in
            guard other != index, isOfKind(other, index), analysis.implies(outlines[index], outlines[other]) else {
                return false
            }
            // Of two that imply each other, the later one is too much.
            if other > index, analysis.implies(outlines[other], outlines[index]) { return false }
            guard let gate = set.gates[index] else {
                // A plain forbid that cannot be evaluated denies, and that could be what it is for.
                return policies[index].effect == .permit || outlines[index].isUnconditional
                    || outlines[other].isUnconditional
            }
            return outlines[index].isUnconditional && set.gates[other]?.isAsStrict(as: gate) ?? false
        }.map { policies[$0] }
    }

    private func isOfKind(_ other: Int, _ index: Int) -> Bool {
        policies[other].effect == policies[index].effect && (set.gates[other] == nil) == (set.gates[index] == nil)
    }
}

extension Gate {
    /// Whether lifting this gate takes all that lifting the other takes.
    fileprivate func isAsStrict(as other: Gate?) -> Bool {
        guard let other else { return false }
        let isShorter = other.expires.map { limit in expires.map { $0 <= limit } ?? false } ?? true
        return Set(approvers).isSuperset(of: other.approvers) && quorum >= other.quorum && grant <= other.grant
            && isShorter
    }
}

extension Decision {
    /// An approval by a user of whom nothing but the groups matters.
    fileprivate init(trying user: User) {
        let digest = ActionDigest(of: [])
        self.init(
            user: user.id,
            groups: user.groups,
            verdict: .approve,
            reason: "",
            time: Timestamp(microseconds: 0),
            channel: "api",
            actionDigest: digest,
            previewDigest: digest,
        )
    }
}
