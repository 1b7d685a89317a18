/// Writes text from outside so that a reader sees what is there: what is invisible, turns the direction of reading or
/// passes for another character becomes a marked escape (Unicode TR 36 and 39 tell of the attacks).
///
/// What it writes has elements in it: for an attribute's value take ``Markup/init(_:)``.
enum VisibleText {
    /// One line; breaks and tabs are escapes, too.
    static func line(_ text: String) -> Markup { write(text, isBlock: false) }

    /// Several lines, for `<pre>`.
    static func block(_ text: String) -> Markup { write(text, isBlock: true) }

    private static func write(_ text: String, isBlock: Bool) -> Markup {
        let scalars = Array(text.unicodeScalars)
        let suspects = Confusables.suspects(in: scalars)
        var html = ""
        html.reserveCapacity(text.utf8.count + text.utf8.count / 8)
        var marks = 0
        for (index, scalar) in scalars.enumerated() {
            if scalar.isASCII {
                marks = 0
                switch scalar {
                case "\n" where isBlock, "\t" where isBlock: html.unicodeScalars.append(scalar)
                case "\n": escape("\\n", scalar, to: &html)
                case "\t": escape("\\t", scalar, to: &html)
                case "\r": escape("\\r", scalar, to: &html)
                case " "..."~": Markup.append(scalar, to: &html)
                default: escape(scalar, to: &html)
                }
                continue
            }
            let isMark = scalar.properties.generalCategory == .nonspacingMark
            marks = isMark ? marks + 1 : 0
            // A few accents belong to a letter; a pile of them covers the lines above and below.
            if suspects.contains(index) || marks > 2 || isHidden(scalar) {
                escape(scalar, to: &html)
            } else {
                html.unicodeScalars.append(scalar)
            }
        }
        return Markup(trusted: html)
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

    private static func escape(_ scalar: Unicode.Scalar, to html: inout String) {
        escape("\\u{\(String(scalar.value, radix: 16, uppercase: true))}", scalar, to: &html)
    }

    private static func escape(_ shown: String, _ scalar: Unicode.Scalar, to html: inout String) {
        let name = scalar.properties.name ?? scalar.properties.nameAlias ?? "a character that is not printable"
        html += "<span class=\"esc\" title=\"\(Markup(name).text)\">\(shown)</span>"
    }
}
