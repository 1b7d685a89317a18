/// What became of a text, line by line: what both have, what is gone, what is new, in the order of reading.
package enum LineDifference {
    /// A line.
    package struct Line: Hashable, Sendable {
        /// The cases.
        package enum Kind: Hashable, Sendable {
            /// Both have it.
            case kept
            /// Only the old text has it.
            case removed
            /// Only the new text has it.
            case added
        }

        /// Which case it is.
        package let kind: Kind
        /// The line, without its end.
        package let text: String

        /// Describes a line.
        package init(kind: Kind, text: String) {
            self.kind = kind
            self.text = text
        }
    }

    /// Beyond so many lines that differ, one block is told to have taken the other's place.
    private static let longest = 2000

    /// Compares two texts by their lines' bytes.
    package static func lines(from old: String, to new: String) -> [Line] {
        let old = Array(old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        let new = Array(new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        // Canonically equivalent lines are not the same: the difference is what a person looks for.
        func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
        var head = 0
        while head < min(old.count, new.count), isSame(old[head], new[head]) { head += 1 }
        var tail = 0
        while tail < min(old.count, new.count) - head, isSame(old[old.count - 1 - tail], new[new.count - 1 - tail]) {
            tail += 1
        }
        let before = Array(old[head..<(old.count - tail)])
        let after = Array(new[head..<(new.count - tail)])
        var lines = old[..<head].map { Line(kind: .kept, text: $0) }
        if before.count > longest || after.count > longest {
            lines += before.map { Line(kind: .removed, text: $0) } + after.map { Line(kind: .added, text: $0) }
        } else {
            lines += middle(before, after, isSame)
        }
        return lines + old[(old.count - tail)...].map { Line(kind: .kept, text: $0) }
    }

    /// The longest common subsequence, by the table that every textbook has.
    private static func middle(
        _ before: [String],
        _ after: [String],
        _ isSame: (String, String) -> Bool,
    ) -> [Line] {
        let width = after.count + 1
        var lengths = [Int](repeating: 0, count: (before.count + 1) * width)
        for i in before.indices.reversed() {
            for j in after.indices.reversed() {
                lengths[i * width + j] =
                    isSame(before[i], after[j])
                    ? lengths[(i + 1) * width + j + 1] + 1
                    : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
            }
        }
        var lines: [Line] = []
        var (i, j) = (0, 0)
        while i < before.count || j < after.count {
            if i < before.count, j < after.count, isSame(before[i], after[j]) {
                lines.append(Line(kind: .kept, text: before[i]))
                (i, j) = (i + 1, j + 1)
            } else if j == after.count
                || (i < before.count && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])
            {
                lines.append(Line(kind: .removed, text: before[i]))
                i += 1
            } else {
                lines.append(Line(kind: .added, text: after[j]))
                j += 1
            }
        }
        return lines
    }
}
