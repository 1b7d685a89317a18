package import Cedar

/// How the policies of two sets differ, by id and canonical text.
package struct PolicySetChange: Sendable {
    /// Policies that only the new set has.
    package let added: [Policy]
    /// Policies that only the old set has.
    package let removed: [Policy]
    /// Policies of one `@id` whose canonical text differs; comments, spaces and order are no part of that.
    package let changed: [(old: Policy, new: Policy)]

    /// Compares two sets.
    ///
    /// A policy without an `@id` is what its text says: its place in the set means nothing.
    package init(_ old: PolicySet, _ new: PolicySet) {
        let oldNamed = Self.named(old)
        let newNamed = Self.named(new)
        var oldTexts = Self.unnamed(old)
        var added = [Policy]()
        var changed = [(old: Policy, new: Policy)]()
        for policy in new.policies {
            let text = CedarString(policy.canonicalText)
            if policy.annotation("id") == nil {
                if let count = oldTexts[text], count > 0 { oldTexts[text] = count - 1 } else { added.append(policy) }
            } else if let before = oldNamed[CedarString(policy.id)] {
                if CedarString(before.canonicalText) != text { changed.append((before, policy)) }
            } else {
                added.append(policy)
            }
        }
        self.added = added
        self.changed = changed
        removed = old.policies.filter { policy in
            guard policy.annotation("id") == nil else { return newNamed[CedarString(policy.id)] == nil }
            let text = CedarString(policy.canonicalText)
            guard let count = oldTexts[text], count > 0 else { return false }
            oldTexts[text] = count - 1
            return true
        }
    }

    /// Whether both sets have the same policies.
    package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

    private static func named(_ set: PolicySet) -> [CedarString: Policy] {
        var named = [CedarString: Policy]()
        for policy in set.policies where policy.annotation("id") != nil { named[CedarString(policy.id)] = policy }
        return named
    }

    private static func unnamed(_ set: PolicySet) -> [CedarString: Int] {
        var counts = [CedarString: Int]()
        for policy in set.policies where policy.annotation("id") == nil {
            counts[CedarString(policy.canonicalText), default: 0] += 1
        }
        return counts
    }
}
