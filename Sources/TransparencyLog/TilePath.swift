/// The path of a tile or an entry bundle below a log's prefix: `tile/<L>/<N>[.p/<W>]` (C2SP tlog-tiles).
///
/// A path is a name and no promise: whether a tree has such a tile, `TileLayout` knows.
package struct TilePath: Hashable, Sendable {
    /// What lies at the path.
    package enum Content: Hashable, Sendable {
        /// Hashes of perfect subtrees of 256^`level` leaves each.
        case hashes(level: Int)
        /// The log's entries themselves.
        case entries
    }

    /// The number of hashes in a full tile, and of entries in a full bundle.
    package static let fullWidth = 256
    /// The levels that a path can name.
    package static let levels = 0...63

    /// What lies at the path.
    package let content: Content
    /// The tile's place within its level.
    package let index: UInt64
    /// The number of hashes or entries, 1 to 256; fewer than 256 are a partial tile.
    package let width: Int

    /// Names a tile; nil for a level or width that no tile has.
    package init?(_ content: Content, index: UInt64, width: Int = fullWidth) {
        if case .hashes(let level) = content, !Self.levels.contains(level) { return nil }
        guard (1...Self.fullWidth).contains(width) else { return nil }
        self.content = content
        self.index = index
        self.width = width
    }

    /// Whether the tile is at the right edge of its level, with fewer than 256 hashes or entries.
    package var isPartial: Bool { self.width < Self.fullWidth }

    /// The full tile that a partial one becomes; the same one where it is full.
    ///
    /// A log may have deleted a partial tile once this one is there.
    package var full: TilePath { TilePath(full: self.content, index: self.index) }

    private init(full content: Content, index: UInt64) {
        self.content = content
        self.index = index
        self.width = Self.fullWidth
    }
}

extension TilePath: CustomStringConvertible {
    /// The path as text, without a slash before it.
    package var text: String {
        let content =
            switch self.content {
            case .hashes(let level): String(level)
            case .entries: Self.entries
            }
        let suffix = self.isPartial ? ".p/\(self.width)" : ""
        return "\(Self.folder)/\(content)/\(Self.groups(of: self.index))\(suffix)"
    }

    /// The path as text.
    package var description: String { self.text }

    private static let folder = "tile"
    private static let entries = "entries"

    /// Groups of three digits, all but the last after an `x`.
    private static func groups(of index: UInt64) -> String {
        var text = Self.digits(index % 1000)
        var rest = index / 1000
        while rest > 0 {
            text = "x\(Self.digits(rest % 1000))/\(text)"
            rest /= 1000
        }
        return text
    }

    private static func digits(_ group: UInt64) -> String {
        let digits = String(group)
        return String(repeating: "0", count: 3 - digits.utf8.count) + digits
    }
}

extension TilePath {
    /// Reads a path strictly: what is read is exactly what `text` writes, and nothing else is.
    package init?(parsing text: some StringProtocol) {
        var parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { Array($0)[...] }[...]
        guard let folder = parts.popFirst(), folder.elementsEqual(Self.folder.utf8), let kind = parts.popFirst()
        else { return nil }
        let content: Content
        if kind.elementsEqual(Self.entries.utf8) {
            content = .entries
        } else {
            guard let level = NoteLines.number(kind), let level = Int(exactly: level) else { return nil }
            content = .hashes(level: level)
        }
        var width = Self.fullWidth
        let mark = Array(".p".utf8)
        // The one place of a dot is at the end of the last group, with the width behind it.
        if parts.count >= 2, let group = parts.dropLast().last, group.suffix(2).elementsEqual(mark) {
            guard let digits = parts.popLast(), let number = NoteLines.number(digits), number < UInt64(Self.fullWidth)
            else { return nil }
            width = Int(number)
            parts[parts.endIndex - 1] = group.dropLast(2)
        }
        guard let index = Self.index(of: parts) else { return nil }
        self.init(content, index: index, width: width)
    }

    private static func index(of groups: ArraySlice<ArraySlice<UInt8>>) -> UInt64? {
        guard let last = groups.last, var index = Self.number(last) else { return nil }
        let upper = groups.dropLast()
        // A leading group of zeros would be a second spelling; the first group of several is never zero.
        if let first = upper.first, first.elementsEqual("x000".utf8) { return nil }
        var scale: UInt64 = 1
        for group in upper.reversed() {
            guard group.first == UInt8(ascii: "x"), let number = Self.number(group.dropFirst()) else { return nil }
            let (next, scaleOverflows) = scale.multipliedReportingOverflow(by: 1000)
            let (part, partOverflows) = number.multipliedReportingOverflow(by: next)
            let (sum, sumOverflows) = index.addingReportingOverflow(part)
            guard !scaleOverflows, !partOverflows, !sumOverflows else { return nil }
            scale = next
            index = sum
        }
        return index
    }

    /// Exactly three digits.
    private static func number(_ group: ArraySlice<UInt8>) -> UInt64? {
        guard group.count == 3 else { return nil }
        var number: UInt64 = 0
        for digit in group {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return number
    }
}
