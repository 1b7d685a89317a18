/// A field of a state table that is not what the entries say.
///
/// Texts that people or agents wrote are told by their digest, so that a report can be shown to anybody.
package struct ReplayDifference: Hashable, Sendable {
    /// The field.
    package let field: String
    /// What it should be.
    package let expected: String
    /// What it is.
    package let found: String

    /// Names a field.
    package init(_ field: String, expected: String, found: String) {
        self.field = field
        self.expected = expected
        self.found = found
    }
}

/// Compares field by field, and keeps the first that differs.
struct ReplayComparison {
    /// The first field that differs.
    private(set) var difference: ReplayDifference?

    /// Compares short facts: states, ids, digests.
    mutating func fact(_ field: String, _ expected: String?, _ found: String?) {
        guard difference == nil, !Self.isSame(expected, found) else { return }
        difference = ReplayDifference(field, expected: expected ?? "nothing", found: found ?? "nothing")
    }

    /// Compares numbers.
    mutating func number(_ field: String, _ expected: Int?, _ found: Int?) {
        guard difference == nil, expected != found else { return }
        fact(field, expected.map { "\($0)" }, found.map { "\($0)" })
    }

    /// Compares moments.
    mutating func moment(_ field: String, _ expected: Timestamp?, _ found: Timestamp?) {
        guard difference == nil, expected != found else { return }
        fact(field, expected.map(Self.told), found.map(Self.told))
    }

    /// Compares what somebody wrote.
    mutating func text(_ field: String, _ expected: String?, _ found: String?) {
        guard difference == nil, !Self.isSame(expected, found) else { return }
        func digest(_ text: String) -> String { "text of digest \(ActionDigest(of: Array(text.utf8)))" }
        fact(field, expected.map(digest), found.map(digest))
    }

    /// Two texts that Swift calls equal need not be the same bytes.
    private static func isSame(_ left: String?, _ right: String?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): left.utf8.elementsEqual(right.utf8)
        case (nil, _?), (_?, nil): false
        }
    }

    /// The moment, as its number where the text form cannot tell it apart.
    private static func told(_ time: Timestamp) -> String {
        let text = time.rfc3339
        return Timestamp(rfc3339: text) == time ? text : "\(time.microseconds) µs"
    }
}
