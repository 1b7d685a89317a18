/// A character of a text from outside, as a reader should see it.
///
/// What is invisible, turns the direction of reading or passes for another character is to be written as an escape
/// (Unicode TR 36 and 39 tell of the attacks). Whoever writes for people, on a page or in a chat, writes these.
package enum VisibleScalar: Hashable, Sendable {
    /// It is what it looks like; of ASCII, the printable ones and the breaks of a block.
    case plain(Unicode.Scalar)
    /// The text to show in its place, printable ASCII that begins with a backslash, and what it stands for.
    case escaped(String, Unicode.Scalar)

    /// Goes through a text; in a block, line feeds and tabs are plain.
    package static func each(of text: String, isBlock: Bool, _ body: (VisibleScalar) -> Void) {
        let scalars = Array(text.unicodeScalars)
        let suspects = Confusables.suspects(in: scalars)
        var marks = 0
        for (index, scalar) in scalars.enumerated() {
            if scalar.isASCII {
                marks = 0
                switch scalar {
                case "\n" where isBlock, "\t" where isBlock: body(.plain(scalar))
                case "\n": body(.escaped("\\n", scalar))
                case "\t": body(.escaped("\\t", scalar))
                case "\r": body(.escaped("\\r", scalar))
                case " "..."~": body(.plain(scalar))
                default: body(escape(scalar))
                }
                continue
            }
            let isMark = scalar.properties.generalCategory == .nonspacingMark
            marks = isMark ? marks + 1 : 0
            // A few accents belong to a letter; a pile of them covers the lines above and below.
            let isDeceiving = suspects.contains(index) || marks > 2 || isHidden(scalar)
            body(isDeceiving ? escape(scalar) : .plain(scalar))
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> VisibleScalar {
        .escaped("\\u{\(String(scalar.value, radix: 16, uppercase: true))}", scalar)
    }

    /// Whether a character outside of ASCII cannot be seen or is not what it looks like, wherever it stands.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isDefaultIgnorableCodePoint || properties.isNoncharacterCodePoint { return true }
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator, .enclosingMark:
            return true
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation, .dashPunctuation,
            .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation, .otherPunctuation,
            .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
            return Confusables.isAlwaysSuspect(scalar)
        @unknown default: return true
        }
    }
}
