import CountersignCore
import Yams

extension CaseRequestReader {
    /// What must come of a case; `nil` if something is wrong.
    func expectation(_ node: Node?, _ path: String) -> PolicyCase.Expectation? {
        guard let node else { return nil }
        if case .scalar = node { return kind(node, path).map { PolicyCase.Expectation($0) } }
        let known = ["decision", "gates", "policies", "reasons", "may_approve", "may_not_approve"]
        let members = reader.mapping(node, path, known: known)
        let kind = kind(members["decision"], path + ".decision")
        guard let kind = reader.require(kind, members, "decision", of: node, path) else { return nil }
        var expectation = PolicyCase.Expectation(kind)
        func texts(_ key: String) -> [String]? {
            members[key].map { node in
                reader.list(node, "\(path).\(key)").enumerated().compactMap {
                    reader.text($1, "\(path).\(key)[\($0)]")
                }
            }
        }
        expectation.gates = texts("gates")
        expectation.policies = texts("policies")
        expectation.reasons = texts("reasons")?.compactMap { text in
            if let code = ReasonCode(rawValue: text) { return code }
            let nearest = NearestName.find(text, among: ReasonCode.allCases.map(\.rawValue))
            let advice = nearest.map { "did you mean \($0)?" } ?? "known are no-permit, forbidden, policy-error, …"
            reader.fail(members["reasons"], path + ".reasons", "\"\(text)\" is not a reason; \(advice)")
            return nil
        }
        for key in ["gates", "may_approve", "may_not_approve"] where members[key] != nil && kind != .gated {
            reader.fail(members[key], "\(path).\(key)", "needs the decision gated")
        }
        if members["reasons"] != nil, kind != .deny {
            reader.fail(members["reasons"], path + ".reasons", "needs the decision deny")
        }
        func users(_ key: String) -> [UserID] {
            reader.list(members[key], "\(path).\(key)").compactMap { item in
                declared(item, "\(path).\(key)", world.users.map(\.id.rawValue), "user").flatMap { UserID($0) }
            }
        }
        expectation.mayApprove = users("may_approve")
        expectation.mayNotApprove = users("may_not_approve")
        return expectation
    }

    private func kind(_ node: Node?, _ path: String) -> PolicyVerdict.Kind? {
        guard let text = reader.text(node, path) else { return nil }
        guard let kind = PolicyVerdict.Kind(rawValue: text) else {
            reader.fail(node, path, "\"\(text)\" is not a decision; there are allow, deny and gated")
            return nil
        }
        return kind
    }
}
