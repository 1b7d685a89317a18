/// A pattern for paths, such as `/v1/orders/{id}/*`.
///
/// A literal segment matches itself, byte by byte after decoding; `{name}` matches one non-empty segment; a last `*` or
/// `{name...}` matches one or more segments, an empty last one included (`/v1/*` matches `/v1/` but not `/v1`).
package struct PathTemplate: Hashable, Sendable, CustomStringConvertible {
    private enum Part: Hashable {
        case literal([UInt8])
        case one(String)
        case rest(String?)

        /// How little the part matches; more is more specific.
        var rank: Int {
            switch self {
            case .literal: 2
            case .one: 1
            case .rest: 0
            }
        }
    }

    /// The template as written.
    package let text: String
    private let parts: [Part]

    /// Reads a template; nil if it is malformed or could never match an accepted path.
    package init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "/") else { return nil }
        let pieces = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var parts: [Part] = []
        var names: Set<String> = []
        for (index, piece) in pieces.enumerated() {
            let isLast = index == pieces.count - 1
            guard let part = Self.part(Array(piece), isLast: isLast) else { return nil }
            switch part {
            case .literal: break
            case .one(let name), .rest(.some(let name)):
                guard names.insert(name).inserted else { return nil }
            case .rest(.none): break
            }
            parts.append(part)
        }
        self.text = text
        self.parts = parts
    }

    /// Whether the decoded segments of a path match.
    package func matches(_ segments: [String]) -> Bool {
        for (index, part) in parts.enumerated() {
            guard index < segments.count else { return false }
            switch part {
            case .literal(let bytes):
                guard segments[index].utf8.elementsEqual(bytes) else { return false }
            case .one:
                guard !segments[index].isEmpty else { return false }
            case .rest:
                return true
            }
        }
        return parts.count == segments.count
    }

    /// Whether the path of a target matches.
    package func matches(_ target: RequestTarget) -> Bool { matches(target.segments) }

    /// Whether this template is to be tried before another; a total order, so that sorting is deterministic.
    ///
    /// The first segment in which they differ decides: a literal is more specific than `{name}`, and that than `*`.
    package func isMoreSpecific(than other: PathTemplate) -> Bool {
        for (mine, theirs) in zip(parts, other.parts) where mine.rank != theirs.rank {
            return mine.rank > theirs.rank
        }
        if parts.count != other.parts.count { return parts.count > other.parts.count }
        return text.utf8.lexicographicallyPrecedes(other.text.utf8)
    }

    /// The template as written.
    package var description: String { text }

    private static func part(_ piece: [UInt8], isLast: Bool) -> Part? {
        if piece.isEmpty { return isLast ? .literal([]) : nil }
        if piece == [UInt8(ascii: "*")] { return isLast ? .rest(nil) : nil }
        guard piece.first == UInt8(ascii: "{") else { return literal(piece) }
        guard piece.last == UInt8(ascii: "}") else { return nil }
        let inner = piece.dropFirst().dropLast()
        let dots = [UInt8](repeating: UInt8(ascii: "."), count: 3)
        let isRest = inner.suffix(3).elementsEqual(dots)
        let name = isRest ? inner.dropLast(3) : inner
        guard !name.isEmpty, name.allSatisfy(isNameByte) else { return nil }
        let string = String(decoding: name, as: UTF8.self)
        if isRest { return isLast ? .rest(string) : nil }
        return .one(string)
    }

    /// A literal segment, written decoded; nil for characters that have a meaning here or that no path can hold.
    private static func literal(_ piece: [UInt8]) -> Part? {
        let dot = UInt8(ascii: ".")
        guard piece != [dot], piece != [dot, dot] else { return nil }
        for byte in piece {
            if Grammar.isControl(byte) { return nil }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "*"), UInt8(ascii: "\\"), UInt8(ascii: ";"):
                return nil
            case _: continue
            }
        }
        return .literal(piece)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        Grammar.isDigit(byte) || (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
