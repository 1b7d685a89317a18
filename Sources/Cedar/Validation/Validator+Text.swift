extension Validator {
    /// Warns of characters that turn the direction of text, so that a policy is not what it looks like.
    func warnOfText(_ maker: TermMaker, _ warnings: inout Findings) {
        for (text, expression) in maker.texts where text.string.unicodeScalars.contains(where: Self.turnsDirection) {
            warnings.note(
                .bidirectionalText,
                "\(CedarText.quoted(text.string)) has characters that turn the direction of text",
                hint: "what is read may not be what is written",
                at: expression,
            )
        }
    }

    private static func turnsDirection(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
