/// One thing that is wrong with the configuration.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    /// The file.
    package let file: String
    /// The line, from 1; `nil` where the file as a whole is meant.
    package let line: Int?
    /// The column, from 1.
    package let column: Int?
    /// The key, as a path: `connections[0].upstream`.
    package let key: String
    /// What is wrong and how to mend it.
    package let message: String

    /// `file:line:column: key: message`.
    package var description: String {
        let place = [file] + [line, column].compactMap { number in number.map { String($0) } }
        return place.joined(separator: ":") + ": " + (key.isEmpty ? "" : key + ": ") + message
    }
}

/// Everything that is wrong with the configuration, in the file's order.
package struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
    /// The problems; at least one.
    package let problems: [ConfigurationProblem]

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Finds the known name that somebody may have meant.
enum NearestName {
    /// The known name with the fewest edits, if that is few enough to be a slip of the keyboard.
    static func find(_ name: String, among known: some Sequence<String>) -> String? {
        let nearest = known.map { ($0, distance(name, $0)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
        guard let (candidate, edits) = nearest, edits <= max(2, name.utf8.count / 3) else { return nil }
        return candidate
    }

    /// The Damerau-Levenshtein distance (adjacent transpositions count once) of two names, by bytes.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var rows = [Array(0...right.count)]
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            for (j, b) in right.enumerated() {
                var best = min(rows[i][j] + (a == b ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
