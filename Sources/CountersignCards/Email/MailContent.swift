import CountersignCore

/// The content of a mail while it is written: as text and as HTML at once, so that both say the same.
///
/// Words of our own and texts from outside come in by different doors. In the text, every line from outside stands
/// behind a bar, so that none of them passes for one of ours; in the HTML it is escaped and stands in a box.
struct MailContent {
    private var lines: [String] = []
    private var markup = ""

    /// The longest text of one part.
    static let longestPart = 8000
    /// The longest text within a line.
    static let longestName = 600

    /// The text.
    var text: String { lines.joined(separator: "\n") + "\n" }

    /// The HTML: nothing that is loaded from elsewhere, no colours but the reader's own, so that it is legible in the
    /// light and in the dark.
    func html(title: StaticTitle) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="color-scheme" content="light dark">
        <meta name="supported-color-schemes" content="light dark">
        <meta name="viewport" content="width=device-width">
        <title>\(title.words)</title></head>
        <body style="font-family:system-ui,sans-serif;line-height:1.45;max-width:42em;margin:0 auto;padding:1em">
        \(markup)</body></html>

        """
    }

    /// A title of our own words.
    struct StaticTitle {
        let words: String
    }

    /// A title.
    mutating func title(_ words: StaticTitle) {
        lines += [words.words, String(repeating: "=", count: words.words.count), ""]
        markup += "<h1 style=\"font-size:1.3em\">\(words.words)</h1>\n"
    }

    /// A sentence of our own words.
    mutating func words(_ words: String) {
        lines += [words, ""]
        markup += "<p>\(ShownText(words, .html, isBlock: false, limit: 2000).text)</p>\n"
    }

    /// Names and what they are, one to a line.
    mutating func table(_ rows: [(name: String, value: String)]) {
        markup += "<table style=\"border-collapse:collapse\">\n"
        for (name, value) in rows {
            let padding = String(repeating: " ", count: max(1, 14 - name.utf8.count))
            let (shown, html) = Self.shown(value, isBlock: false, limit: Self.longestName)
            lines.append("\(name):\(padding)\(shown.text)")
            markup += "<tr><th style=\"text-align:left;vertical-align:top;padding:.1em 1em .1em 0\">\(name)</th>"
            markup += "<td style=\"word-break:break-word\">\(html)"
            if shown.isCut { note(Self.cut(shown)) }
            markup += "</td></tr>\n"
        }
        lines.append("")
        markup += "</table>\n"
    }

    /// A text from outside under our own words for it.
    mutating func box(_ name: String, _ text: String, isExcerpt: Bool) {
        let (shown, html) = Self.shown(text, isBlock: true, limit: Self.longestPart)
        lines.append("\(name):")
        lines += shown.text.split(separator: "\n", omittingEmptySubsequences: false).map { "  | \($0)" }
        markup += "<h2 style=\"font-size:1.05em\">\(name)</h2>\n"
        markup += "<pre style=\"white-space:pre-wrap;word-break:break-word;border:1px solid #888;padding:.6em\">"
        markup += "\(html)</pre>\n"
        if isExcerpt {
            note("Only the beginning is shown; the decision is on all of it, which the page has.")
        } else if shown.isCut {
            note(Self.cut(shown))
        }
        lines.append("")
    }

    /// A text from outside for the text, and as many of its characters for the HTML, whatever their escapes cost.
    private static func shown(_ text: String, isBlock: Bool, limit: Int) -> (plain: ShownText, html: String) {
        let plain = ShownText(text, .plain, isBlock: isBlock, limit: limit)
        return (plain, ShownText(text.cut(to: plain.shown), .html, isBlock: isBlock, limit: limit * 6).text)
    }

    private static func cut(_ shown: ShownText) -> String {
        "Cut: \(shown.shown) of \(shown.total) characters are shown; the decision is on all of it."
    }

    private mutating func note(_ words: String) {
        lines.append(words)
        markup += "<p>\(words)</p>\n"
    }

    /// The way to a page.
    mutating func link(_ link: CardLink, _ label: String) {
        lines += ["\(label):", link.url, ""]
        markup += "<p><a href=\"\(ShownText(link.url, .html, isBlock: false, limit: 9000).text)\">\(label)</a></p>\n"
    }
}
