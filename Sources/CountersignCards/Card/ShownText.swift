import CountersignCore

/// Writes a text from outside for a channel: what is hidden or deceiving shows as `\u{…}`, what the channel would read
/// as anything but text is escaped, and the whole keeps to a limit.
///
/// A backslash of the text itself that would pass for such an escape is written as one, so that nobody can pretend.
struct ShownText: Hashable, Sendable {
    /// What a channel takes for more than text.
    enum Form: Hashable, Sendable {
        /// Inside of backquotes in Slack's mrkdwn, one of them or three: `&`, `<` and `>` as entities, no backquote.
        case slackCode
        /// A `plain_text` object of Slack.
        case slackPlain
        /// The text of a mail.
        case plain
        /// A `TextRun` of an Adaptive Card, which knows no Markdown, but turns `{{DATE(…)}}` and `{{TIME(…)}}` into
        /// local dates and times.
        case adaptive
        /// Between tags, or in a quoted attribute, of HTML.
        case html
    }

    /// The text to send.
    let text: String
    /// How many characters (Unicode scalars) of the original are in it.
    let shown: Int
    /// How many the original has.
    let total: Int

    /// Whether something was left out.
    var isCut: Bool { shown < total }

    /// Writes as much as fits in a number of UTF-16 units, the unit in which nobody counts fewer than Slack and Teams.
    init(_ original: String, _ form: Form, isBlock: Bool, limit: Int) {
        var text = ""
        var shown = 0
        var used = 0
        var isFull = false
        // A visible form is never shorter than a unit, so what lies beyond the limit can never be shown.
        let scalars = original.unicodeScalars
        let end = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex) ?? scalars.endIndex
        let window = scalars.index(end, offsetBy: 8, limitedBy: scalars.endIndex) ?? scalars.endIndex
        let candidates = String(scalars[..<window])
        let following = Array(candidates.unicodeScalars)
        var place = 0
        VisibleScalar.each(of: candidates, isBlock: isBlock) { visible in
            defer { place += 1 }
            guard !isFull else { return }
            let piece: String
            switch visible {
            case .escaped(_, let scalar): piece = Self.code(scalar)
            case .plain("\\") where following[(place + 1)...].prefix(2).elementsEqual(["u", "{"]):
                piece = Self.code("\\")
            case .plain("{") where form == .adaptive && following[(place + 1)...].first == "{":
                piece = Self.code("{")
            case .plain(let scalar): piece = Self.escape(scalar, form)
            }
            let length = piece.utf16.count
            guard used + length <= limit else {
                isFull = true
                return
            }
            text += piece
            used += length
            shown += 1
        }
        self.text = text
        self.shown = shown
        total = window == scalars.endIndex ? following.count : scalars.count
    }

    private static func code(_ scalar: Unicode.Scalar) -> String {
        "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    }

    private static func escape(_ scalar: Unicode.Scalar, _ form: Form) -> String {
        switch (form, scalar) {
        case (.slackCode, "&"), (.slackPlain, "&"): "&amp;"
        case (.slackCode, "<"), (.slackPlain, "<"): "&lt;"
        case (.slackCode, ">"), (.slackPlain, ">"): "&gt;"
        case (.slackCode, "`"): code("`")
        case (.html, "&"): "&amp;"
        case (.html, "<"): "&lt;"
        case (.html, ">"): "&gt;"
        case (.html, "\""): "&quot;"
        case (.html, "'"): "&#39;"
        case (.slackCode, _), (.slackPlain, _), (.plain, _), (.adaptive, _), (.html, _): String(scalar)
        }
    }
}
