package import Cedar
import Crypto

/// A Cedar policy set whose annotations have been checked and whose gates are known (DESIGN 3).
package struct GatedPolicySet: Sendable {
    /// The policies.
    package var policies: PolicySet { authorizer.policies }
    /// What could be permitted while arguments are not known yet; gates are out of it.
    let possibilities: PolicySet
    /// What an agent could be permitted at all, whatever it asks for, and the resource that each policy is about.
    let openings: (set: PolicySet, resources: [Scope.EntityConstraint])
    /// Asks the policies; gates are the ones that can be lifted.
    let authorizer: ThreeWayAuthorizer
    /// The gate of each policy, by the policy's index; `nil` for a permit or a plain forbid.
    package let gates: [Gate?]
    /// The SHA-256 of the canonical text, unpadded base64url; every entry names it.
    package let version: String

    /// Parses and checks policy files.
    ///
    /// Throws every error that it finds, each with file, line and column, in the order of the texts: of what can be read
    /// also where something else cannot. Policies are validated, strictly, against the product's schema; `ownVocabulary`
    /// is off for trying out policies about other entities than the product's.
    package init(
        parsing sources: [PolicySource],
        groups: Set<GroupName>,
        ownVocabulary: Bool = true,
    ) throws(PolicyErrors) {
        let (policies, unreadable) = PolicySet.reading(sources, idsFromAnnotations: true)
        var errors = unreadable
        var gates = [Gate?]()
        for policy in policies.policies {
            gates.append(GateReader(policy: policy, groups: groups).read(&errors))
        }
        // A rule written as a template that nothing links would silently never apply.
        let linked = Set(policies.links.map { CedarString($0.template) })
        // What cannot be read may be the links.
        for template in policies.templates where unreadable.isEmpty && !linked.contains(CedarString(template.id)) {
            errors.append(
                PolicyError(
                    message: "nothing links the template \(template.id), so it would never apply",
                    hint: "add a link in a *.cedar.json file, or name an entity where the slot stands",
                    position: template.position,
                )
            )
        }
        if ownVocabulary { errors += try PolicyVocabulary.validate(policies).errors.map(PolicyError.init) }
        guard errors.isEmpty else { throw PolicyErrors(Self.inOrder(errors, of: sources)) }
        authorizer = ThreeWayAuthorizer(policies) { $0.annotation("approvers") != nil }
        possibilities = policies.possibilities(knowing: Self.knownBeforehand) { $0.annotation("approvers") != nil }
        openings = policies.openings { $0.annotation("approvers") != nil }
        self.gates = gates
        version = Base64URL.encode(SHA256.hash(data: Array(policies.canonicalText.utf8)))
    }

    /// What of an action's context is known before it is asked for: enough to say that a tool can never be called.
    private static let knownBeforehand: Set<String> = ["method", "tool", "prompt", "uri", "on_behalf_of"]

    private static func inOrder(_ errors: [PolicyError], of sources: [PolicySource]) -> [PolicyError] {
        let places = Dictionary(sources.enumerated().map { (CedarString($1.name), $0) }) { first, _ in first }
        func rank(_ item: (offset: Int, element: PolicyError)) -> (Int, Int, Int) {
            let position = item.element.position
            return (places[CedarString(position.file)] ?? sources.count, position.offset, item.offset)
        }
        return errors.enumerated().sorted { rank($0) < rank($1) }.map(\.element)
    }
}

extension PolicyError {
    fileprivate init(_ finding: ValidationFinding) {
        self.init(
            message: "\(finding.message) [\(finding.policyID), \(finding.code)]",
            hint: finding.hint,
            position: finding.position,
        )
    }
}

/// Reads the annotations of one policy.
private struct GateReader {
    let policy: Policy
    let groups: Set<GroupName>

    /// The gate, or `nil` for a policy without one; what is wrong goes into `errors`.
    func read(_ errors: inout [PolicyError]) -> Gate? {
        var gate = Draft()
        for annotation in policy.annotations {
            if let problem = gate.take(annotation, groups: groups) {
                errors.append(PolicyError(message: problem.0, hint: problem.1, position: annotation.position))
            }
        }
        guard let approvers = gate.approvers else {
            // Where @approvers is there but wrong, that has been said.
            if let stray = gate.gateOnly, policy.annotation("approvers") == nil {
                errors.append(
                    PolicyError(
                        message: "@\(stray.name) without @approvers does nothing",
                        hint: "name the groups that may decide: @approvers(\"GROUP\")",
                        position: stray.position,
                    )
                )
            }
            return nil
        }
        guard policy.effect == .forbid else {
            errors.append(
                PolicyError(
                    message: "@approvers stands on a permit",
                    hint: "a gate is a forbid: it stops the action until the approvers lift it",
                    position: policy.position,
                )
            )
            return nil
        }
        return Gate(
            policy: policy.id,
            approvers: approvers,
            quorum: gate.quorum,
            expires: gate.expires,
            grant: gate.grant,
            assurance: .session,
            advice: gate.advice,
            text: policy.text,
            position: PolicyPosition(
                file: policy.position.file,
                line: policy.position.line,
                column: policy.position.column,
            ),
        )
    }

    /// What the annotations read so far say.
    private struct Draft {
        var approvers: [GroupName]?
        var quorum = 1
        var expires: Duration?
        var grant = Duration.seconds(300)
        var advice: String?
        var gateOnly: Annotation?

        /// Takes one annotation; returns a message and a hint if it is wrong.
        mutating func take(_ annotation: Annotation, groups: Set<GroupName>) -> (String, String?)? {
            let value = annotation.value
            switch annotation.name {
            case "id", "description": return nil
            case "advice":
                advice = value
                return nil
            case "approvers": return takeApprovers(value, groups)
            case "quorum":
                gateOnly = gateOnly ?? annotation
                guard let number = (1...20).first(where: { value.utf8.elementsEqual(String($0).utf8) }) else {
                    return ("@quorum(\"\(value)\") is not a number from 1 to 20", nil)
                }
                quorum = number
                return nil
            case "expires":
                gateOnly = gateOnly ?? annotation
                guard let duration = Duration(text: value), duration > .zero else { return duration(annotation) }
                expires = duration
                return nil
            case "grant":
                gateOnly = gateOnly ?? annotation
                guard let duration = Duration(text: value), duration > .zero else { return duration(annotation) }
                grant = duration
                return nil
            case "assurance":
                gateOnly = gateOnly ?? annotation
                switch value {
                case "session": return nil
                case "passkey":
                    return ("@assurance(\"passkey\") cannot be met: this version has no passkeys", "use \"session\"")
                default: return ("@assurance(\"\(value)\") is unknown", "\"session\" is the one that there is")
                }
            default:
                return (
                    "the annotation @\(annotation.name) is unknown",
                    "known are @id, @approvers, @quorum, @expires, @grant, @assurance, @advice, @description",
                )
            }
        }

        private func duration(_ annotation: Annotation) -> (String, String?) {
            ("@\(annotation.name)(\"\(annotation.value)\") is not a duration", "write 90s, 30m, 12h or 7d")
        }

        private mutating func takeApprovers(_ value: String, _ groups: Set<GroupName>) -> (String, String?)? {
            var names = [GroupName]()
            var unknown = [GroupName]()
            for part in value.split(separator: ",", omittingEmptySubsequences: false) {
                let text = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
                guard let name = GroupName(text) else { return ("@approvers names no group: \"\(text)\"", nil) }
                if !groups.contains(name) { unknown.append(name) }
                guard !names.contains(name) else { return ("@approvers names \"\(name)\" twice", nil) }
                names.append(name)
            }
            guard unknown.isEmpty else {
                let known = groups.map(\.rawValue).sorted().joined(separator: ", ")
                let hint =
                    groups.isEmpty ? "no group has members: put users into it" : "groups with members are: \(known)"
                let list = unknown.map { "\"\($0)\"" }.joined(separator: " and ")
                return ("@approvers names the unknown group\(unknown.count > 1 ? "s" : "") \(list)", hint)
            }
            approvers = names
            return nil
        }
    }
}
