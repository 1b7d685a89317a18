/// How text is written in Cedar.
package enum CedarText {
    /// A string literal, quotes included.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars { Self.append(scalar, to: &result) }
        result += "\""
        return result
    }

    /// A string literal as the official engine writes identities: Rust's `escape_debug`.
    static func debugQuoted(_ text: String) -> String {
        var result = "\""
        for (index, scalar) in text.unicodeScalars.enumerated() {
            switch scalar {
            case "\"", "\\", "\n", "\r", "\t", "\0": Self.append(scalar, to: &result)
            case "'": result += "\\'"
            case " ": result += " "
            default:
                // A mark that joins the character before it would join the quote. Rust leaves out the two halfwidth
                // sound marks, which Unicode has added to such marks for the sake of old encodings.
                let isSoundMark = scalar.value == 0xFF9E || scalar.value == 0xFF9F
                let joinsQuote = index == 0 && scalar.properties.isGraphemeExtend && !isSoundMark
                if joinsQuote || Self.isInvisible(scalar) {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    /// Whether a character has no look of its own: a control, a mark that shows nothing, a
    /// separator, or no assigned character.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isDefaultIgnorableCodePoint { return true }
        return switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            true
        default: false
        }
    }

    /// A text's first 80 characters, for a message.
    static func shortened(_ text: String, to length: Int = 80) -> String {
        guard text.utf8.count > length, text.unicodeScalars.count > length else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(length))) + "…"
    }

    /// A pattern literal, quotes included.
    static func quoted(_ pattern: Pattern) -> String {
        var result = "\""
        for (index, piece) in pattern.pieces.enumerated() {
            if index > 0 { result += "*" }
            for scalar in String(decoding: piece, as: UTF8.self).unicodeScalars {
                if scalar == "*" { result += "\\*" } else { Self.append(scalar, to: &result) }
            }
        }
        result += "\""
        return result
    }

    /// Whether a text can stand where the grammar wants an identifier that is not reserved.
    static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, Lexer.startsWord(first), text.utf8.allSatisfy(Lexer.continuesWord) else {
            return false
        }
        return Token.Keyword(rawValue: text) == nil && text != "__cedar"
    }

    /// An expression that reads attributes, by the names in it from the variable on.
    package static func access(_ path: some Sequence<CedarString>) -> String {
        path.reduce(into: "") { text, name in
            if text.isEmpty {
                text = name.string
            } else {
                text += Self.isIdentifier(name.string) ? ".\(name)" : "[\(Self.quoted(name.string))]"
            }
        }
    }

    /// Whether a text is a type name: identifiers joined by `::`.
    static func isName(_ text: String) -> Bool {
        var rest = text.utf8[...]
        while true {
            let part = rest.prefix { $0 != UInt8(ascii: ":") }
            guard Self.isIdentifier(String(Substring(part))) else { return false }
            rest = rest.dropFirst(part.count)
            if rest.isEmpty { return true }
            guard rest.starts(with: "::".utf8) else { return false }
            rest = rest.dropFirst(2)
        }
    }

    /// Escapes what would end a literal, what cannot be seen and what would reorder the text around it.
    ///
    /// The ranges are fixed, not taken from Unicode tables, so that canonical text never changes with a toolchain.
    private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
        switch scalar.value {
        case 0x22: result += "\\\""
        case 0x5C: result += "\\\\"
        case 0x0A: result += "\\n"
        case 0x0D: result += "\\r"
        case 0x09: result += "\\t"
        case 0x00: result += "\\0"
        case 0x01...0x1F, 0x7F...0x9F, 0xAD, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
            0xE0000...0xE007F:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
}
