/// A character that people do not see, or that shows them something else than a model reads.
package struct HiddenCharacter: Hashable, Sendable {
    /// What it does; the raw values are stable.
    package enum Kind: String, CaseIterable, Sendable {
        /// Turns the direction of text: what stands left is read right.
        case bidirectional = "bidi-control"
        /// Has no width, such as U+200B.
        case zeroWidth = "zero-width"
        /// One of U+E0000…U+E007F, which spell ASCII invisibly.
        case tag = "tag-character"
        /// A variation selector that does not follow an emoji; 256 of them spell bytes.
        case variationSelector = "variation-selector"
        /// Begins a terminal's escape sequence: ESC, or its one-byte form U+009B.
        case escape = "ansi-escape"
        /// Another control character; tab, line feed and carriage return are none here.
        case control = "control-character"
        /// Another character without a shape of its own, such as the soft hyphen or the Hangul fillers.
        case format = "format-character"
    }

    /// Where its text is: a JSON pointer (RFC 6901) into the definition; that of an object for a member's name.
    package let pointer: String
    /// What it does.
    package let kind: Kind
    /// The first of that kind in that text.
    package let scalar: Unicode.Scalar
    /// How many of that kind the text has.
    package let count: Int

    /// A finding of these.
    package init(pointer: String, kind: Kind, scalar: Unicode.Scalar, count: Int) {
        self.pointer = pointer
        self.kind = kind
        self.scalar = scalar
        self.count = count
    }

    /// Those of a text, of each kind one, in the order in which they first occur.
    static func all(in text: String, at pointer: () -> String) -> [HiddenCharacter] {
        // Nothing of ASCII but control characters is hidden, and most texts are ASCII.
        guard text.utf8.contains(where: { $0 >= 0x7F || $0 < 0x20 && !isBreak($0) }) else { return [] }
        var found: [(kind: Kind, scalar: Unicode.Scalar, count: Int)] = []
        let scalars = Array(text.unicodeScalars)
        for index in scalars.indices {
            guard let kind = kind(of: scalars[index]), !isOfEmoji(index, scalars) else { continue }
            if let place = found.firstIndex(where: { $0.kind == kind }) {
                found[place].count += 1
            } else {
                found.append((kind, scalars[index], 1))
            }
        }
        if found.isEmpty { return [] }
        let place = pointer()
        return found.map { HiddenCharacter(pointer: place, kind: $0.kind, scalar: $0.scalar, count: $0.count) }
    }

    /// A text with every hidden character written as `\u{…}`, so that it can be shown.
    static func revealed(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            if kind(of: scalar) == nil {
                output.unicodeScalars.append(scalar)
            } else {
                output += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return output
    }

    /// Whether a hidden character is one that emoji are rightly written with.
    ///
    /// U+FE0E and U+FE0F choose how the one before is drawn, and U+200D joins two. After a digit a selector only makes a
    /// keycap, so that it cannot be told by selectors what digits do not say.
    private static func isOfEmoji(_ index: Int, _ scalars: [Unicode.Scalar]) -> Bool {
        guard index > 0 else { return false }
        let before = scalars[index - 1]
        let after = index + 1 < scalars.count ? scalars[index + 1] : nil
        switch scalars[index].value {
        case 0xFE0E, 0xFE0F: return isEmoji(before) || before.properties.isEmoji && after == "\u{20E3}"
        case 0x200D: return (isEmoji(before) || before == "\u{FE0F}") && after.map(isEmoji) == true
        default: return false
        }
    }

    private static func isEmoji(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isASCII && scalar.properties.isEmoji
    }

    private static func isBreak(_ byte: UInt8) -> Bool { byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func kind(of scalar: Unicode.Scalar) -> Kind? {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: nil
        case 0x1B, 0x9B: .escape
        case 0x00...0x1F, 0x7F...0x9F: .control
        case 0x20...0x7E: nil
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: .bidirectional
        case 0x200B...0x200D, 0x2060, 0xFEFF, 0x180E: .zeroWidth
        case 0xFE00...0xFE0F, 0xE0100...0xE01EF, 0x180B...0x180D, 0x180F: .variationSelector
        case 0xE0000...0xE007F: .tag
        // Line and paragraph separators, and the blank of Braille, show as nothing or as space.
        case 0x2028, 0x2029, 0x2800: .format
        default:
            scalar.properties.isDefaultIgnorableCodePoint || scalar.properties.isNoncharacterCodePoint
                || scalar.properties.generalCategory == .format ? .format : nil
        }
    }
}
