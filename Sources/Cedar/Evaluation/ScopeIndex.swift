/// Finds the policies whose scope matches a request without looking at the others.
///
/// A tree of three levels in flat arrays: the constraint on the action, below it that on the principal, below it that on
/// the resource, and there the policies that have exactly these three. Every policy stands in one place. What a request
/// visits are the branches whose constraint holds for it, so a level costs no more than the smaller of its branches and
/// the request's constraints, times a search in the larger.
final class ScopeIndex: Sendable {
    /// Branches side by side: those of one node are a range, ascending by key.
    fileprivate struct Level: Sendable {
        var keys: [Int32] = []
        /// Where the children of each branch start on the next level; one more than there are branches.
        var starts: [Int32] = []
    }

    private let principals: ScopeKeys
    private let actions: ScopeKeys
    private let resources: ScopeKeys
    private let first: Level
    private let second: Level
    private let third: Level
    private let policies: [Int32]

    init(_ scopes: [Scope]) {
        var principals = Numbering()
        var actions = Numbering()
        var resources = Numbering()
        var rows: [(action: Int32, principal: Int32, resource: Int32, policy: Int32)] = []
        rows.reserveCapacity(scopes.count)
        for (policy, scope) in scopes.enumerated() {
            rows.append(
                (
                    actions.key(of: .init(scope.action)), principals.key(of: .init(scope.principal)),
                    resources.key(of: .init(scope.resource)), Int32(policy)
                ),
            )
        }
        rows.sort { $0 < $1 }
        var first = Level()
        var second = Level()
        var third = Level()
        for (place, row) in rows.enumerated() {
            let before = place == 0 ? nil : rows[place - 1]
            let newFirst = before?.action != row.action
            let newSecond = newFirst || before?.principal != row.principal
            if newFirst { first.append(row.action, childrenFrom: second.keys.count) }
            if newSecond { second.append(row.principal, childrenFrom: third.keys.count) }
            if newSecond || before?.resource != row.resource { third.append(row.resource, childrenFrom: place) }
        }
        first.end(childrenAt: second.keys.count)
        second.end(childrenAt: third.keys.count)
        third.end(childrenAt: rows.count)
        self.first = first
        self.second = second
        self.third = third
        self.policies = rows.map(\.policy)
        self.principals = ScopeKeys(principals.constraints)
        self.actions = ScopeKeys(actions.constraints)
        self.resources = ScopeKeys(resources.constraints)
    }

    /// Calls `body` with each policy whose scope matches, once, in no order.
    @inline(__always)
    func forEachMatch(_ evaluator: Evaluator, _ body: (Int) -> Void) {
        self.actions.withActive(evaluator.action) { actions in
            self.principals.withActive(evaluator.principal) { principals in
                self.resources.withActive(evaluator.resource) { resources in
                    self.first.forEachShared(actions, 0..<self.first.keys.count) { first in
                        self.second.forEachShared(principals, self.first.children(of: first)) { second in
                            self.third.forEachShared(resources, self.second.children(of: second)) { third in
                                for place in self.third.children(of: third) { body(Int(self.policies[place])) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Gives equal constraints one number.
    private struct Numbering {
        var constraints: [ScopeKeys.Constraint] = [.any]
        private var keys: [ScopeKeys.Constraint: Int32] = [.any: ScopeKeys.any]

        mutating func key(of constraint: ScopeKeys.Constraint) -> Int32 {
            if let key = self.keys[constraint] { return key }
            let key = Int32(self.constraints.count)
            self.keys[constraint] = key
            self.constraints.append(constraint)
            return key
        }
    }
}

extension ScopeIndex.Level {
    fileprivate mutating func append(_ key: Int32, childrenFrom start: Int) {
        self.keys.append(key)
        self.starts.append(Int32(start))
    }

    fileprivate mutating func end(childrenAt end: Int) { self.starts.append(Int32(end)) }

    fileprivate func children(of branch: Int) -> Range<Int> {
        Int(self.starts[branch])..<Int(self.starts[branch + 1])
    }

    /// Calls `body` with each branch in a range whose key is active.
    @inline(__always)
    fileprivate func forEachShared(_ active: ActiveKeys, _ range: Range<Int>, _ body: (Int) -> Void) {
        var branch = range.lowerBound
        if active.count > 8 * range.count {
            for branch in range where active.contains(self.keys[branch]) { body(branch) }
            return
        }
        // Side by side while they are about as many; else each active key is searched for.
        let isSearched = range.count > 8 * active.count
        for index in 0..<active.count {
            let key = active[index]
            if isSearched { branch = self.firstBranch(from: key, in: branch..<range.upperBound) }
            while branch < range.upperBound, self.keys[branch] < key { branch += 1 }
            if branch == range.upperBound { return }
            if self.keys[branch] == key { body(branch) }
        }
    }

    /// The first branch in a range whose key is not below one.
    private func firstBranch(from key: Int32, in range: Range<Int>) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if self.keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension ScopeKeys.Constraint {
    fileprivate init(_ constraint: Scope.EntityConstraint) {
        switch constraint {
        case .any: self = .any
        case .equal(let uid): self = .equal(uid)
        case .within(let uid): self = .within([uid])
        case .isType(let type): self = .isType(type)
        case .isTypeWithin(let type, let uid): self = .isTypeWithin(type, uid)
        }
    }

    fileprivate init(_ constraint: Scope.ActionConstraint) {
        switch constraint {
        case .any: self = .any
        case .equal(let uid): self = .equal(uid)
        case .within(let uid): self = .within([uid])
        case .withinAny(let uids): self = .within(uids)
        }
    }
}
