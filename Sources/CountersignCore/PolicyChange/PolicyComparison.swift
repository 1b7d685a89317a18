import Cedar

/// Judges recorded actions by two policy sets, and gathers those that come out otherwise.
package struct PolicyComparison: Sendable {
    /// Actions that go from one answer to another for the same policies' sake.
    package struct Change: Sendable {
        /// The old answer.
        package let before: PolicyVerdict.Kind
        /// The new answer.
        package let after: PolicyVerdict.Kind
        /// What brought the old answer about, in words.
        package let oldReason: String
        /// What brings the new answer about, in words.
        package let newReason: String
        /// The ids of the policies that brought the old answer about.
        package let oldPolicies: [String]
        /// The ids of the policies that bring the new answer about.
        package let newPolicies: [String]
        /// How many actions change so.
        package fileprivate(set) var count = 0
        /// The first few of them.
        package fileprivate(set) var examples: [RecordedAction] = []
    }

    private struct Key: Hashable {
        let before: String
        let after: String
    }

    /// How many actions were judged.
    package private(set) var judged = 0
    /// What could not be judged, and how often, by reason.
    package private(set) var gaps: [RecordedAction.Gap: Int] = [:]
    private var changes: [Key: Change] = [:]
    private let old: GatedPolicySet
    private let new: GatedPolicySet
    private let directory: Directory
    private let exampleLimit: Int
    /// Whether the rules that narrow approving may differ; only then it matters who could approve.
    private let narrowingDiffers: Bool

    /// Compares two sets under one directory.
    package init(_ old: GatedPolicySet, _ new: GatedPolicySet, directory: Directory, examples: Int) {
        self.old = old
        self.new = new
        self.directory = directory
        exampleLimit = examples
        narrowingDiffers = old.plainForbids != new.plainForbids
    }

    /// Notes what cannot be judged.
    package mutating func skip(_ gap: RecordedAction.Gap) { gaps[gap, default: 0] += 1 }

    /// Judges an action twice.
    package mutating func take(_ recorded: RecordedAction) {
        let action = recorded.action
        // The gateway refuses them without asking policy; to policy they would have no groups and no labels.
        guard directory.agents[action.agent] != nil else { return skip(.unknownAgent(action.agent)) }
        guard directory.connections[action.connection] != nil else {
            return skip(.unknownConnection(action.connection))
        }
        func verdict(_ set: GatedPolicySet) -> PolicyVerdict {
            set.judge(action, recorded.circumstances, directory: directory, now: recorded.time)
        }
        judged += 1
        let (before, after) = (verdict(old), verdict(new))
        var (oldReason, newReason) = (before.detail(beside: after), after.detail(beside: before))
        if before.decidesAsMuch(as: after) {
            guard let (lost, gained) = approvers(of: recorded, before, after) else { return }
            if !lost.isEmpty { newReason += ", which \(lost) may no longer approve" }
            if !gained.isEmpty { newReason += ", which \(gained) may now approve" }
            oldReason += ", approved by others"
        }
        let key = Key(before: oldReason, after: newReason)
        var change =
            changes[key]
            ?? Change(
                before: before.kind,
                after: after.kind,
                oldReason: oldReason,
                newReason: newReason,
                oldPolicies: before.policies,
                newPolicies: after.policies,
            )
        change.count += 1
        if change.examples.count < exampleLimit { change.examples.append(recorded) }
        changes[key] = change
    }

    /// Who may no longer and who may now approve an action that both sets hold alike; `nil` if that is nobody.
    private func approvers(
        of recorded: RecordedAction,
        _ before: PolicyVerdict,
        _ after: PolicyVerdict,
    ) -> (lost: String, gained: String)? {
        guard narrowingDiffers, case .gated(let oldGates) = before.answer, case .gated(let newGates) = after.answer
        else {
            return nil
        }
        func approvers(_ set: GatedPolicySet, _ gates: [Gate]) -> Set<UserID> {
            set.approvers(
                of: recorded.action,
                recorded.circumstances,
                gates,
                directory: directory,
                now: recorded.time,
            )
        }
        let (may, mayNow) = (approvers(old, oldGates), approvers(new, newGates))
        guard may != mayNow else { return nil }
        func text(_ users: Set<UserID>) -> String { users.map(\.rawValue).sorted().joined(separator: ", ") }
        return (text(may.subtracting(mayNow)), text(mayNow.subtracting(may)))
    }

    /// How many actions come out otherwise.
    package var changed: Int { changes.values.reduce(0) { $0 + $1.count } }

    /// The changes: what becomes looser first, then the most frequent.
    package var sorted: [Change] {
        changes.values.sorted { left, right in
            (left.rank, -left.count, left.oldReason, left.newReason)
                < (right.rank, -right.count, right.oldReason, right.newReason)
        }
    }
}

extension PolicyComparison.Change {
    /// Loosening is what a reader must see first.
    fileprivate var rank: Int {
        switch (before, after) {
        case (.deny, .allow): 0
        case (.gated, .allow): 1
        case (.deny, .gated): 2
        case (.gated, .gated): 3
        case (.allow, .gated): 4
        case (.gated, .deny): 5
        case (.allow, .deny): 6
        case (.allow, .allow), (.deny, .deny): 7
        }
    }
}

extension GatedPolicySet {
    /// What denies without asking anybody, approving included.
    fileprivate var plainForbids: Set<[UInt8]> {
        let forbids = zip(policies.policies, gates).filter { $0.effect == .forbid && $1 == nil }
        return Set(forbids.map { Array($0.0.canonicalText.utf8) })
    }
}

extension PolicyVerdict {
    /// Whether both lead to the same: the same answer, and where humans are asked, the same is asked of them.
    fileprivate func decidesAsMuch(as other: PolicyVerdict) -> Bool {
        switch (answer, other.answer) {
        case (.allow, .allow), (.deny, .deny): true
        case (.gated(let gates), .gated(let others)): Set(gates.map(\.demand)) == Set(others.map(\.demand))
        case (.allow, _), (.deny, _), (.gated, _): false
        }
    }

    /// The answer in words; where both are gated, with what the gates ask that differ.
    fileprivate func detail(beside other: PolicyVerdict) -> String {
        guard case .gated(let gates) = answer, case .gated(let others) = other.answer else { return summary }
        let texts = gates.map { gate in
            let isSame = others.contains { $0.policy.utf8.elementsEqual(gate.policy.utf8) && $0.demand == gate.demand }
            return isSame ? gate.policy : "\(gate.policy) (\(gate.demand.text))"
        }
        return "gated by " + texts.joined(separator: ", ")
    }
}

extension Gate {
    /// What a gate asks of humans; its id, text and advice are not part of that.
    fileprivate struct Demand: Hashable {
        let approvers: Set<GroupName>
        let quorum: Int
        let expires: Duration?
        let grant: Duration
        let assurance: Assurance

        var text: String {
            let groups = approvers.map(\.rawValue).sorted().joined(separator: ", ")
            let until = expires.map { ", decided within \(Self.text($0))" } ?? ""
            let each = approvers.count > 1 ? "each of " : ""
            return "\(quorum) of \(each)\(groups)\(until), started within \(Self.text(grant))"
        }

        /// A duration as annotations write it.
        private static func text(_ duration: Duration) -> String {
            let seconds = duration.wholeSecondsRoundedUp
            for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("m", 60)] where seconds % length == 0 {
                return "\(seconds / length)\(unit)"
            }
            return "\(seconds)s"
        }
    }

    fileprivate var demand: Demand {
        Demand(approvers: Set(approvers), quorum: quorum, expires: expires, grant: grant, assurance: assurance)
    }
}
