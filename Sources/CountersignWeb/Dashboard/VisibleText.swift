import CountersignCore

/// Writes text from outside so that a reader sees what is there: what is invisible, turns the direction of reading or
/// passes for another character becomes a marked escape (Unicode TR 36 and 39 tell of the attacks).
///
/// What it writes has elements in it: for an attribute's value take ``Markup/init(_:)``.
enum VisibleText {
    /// One line; breaks and tabs are escapes, too.
    static func line(_ text: String) -> Markup { write(text, isBlock: false) }

    /// Several lines, for `<pre>`.
    static func block(_ text: String) -> Markup { write(text, isBlock: true) }

    /// What an approval is about: its first operation's resource, and how many more operations there are.
    static func resource(of approval: Approval) -> Markup {
        line(approval.resource + (ApprovalContext(approval).furtherOperations.map { " and \($0)" } ?? ""))
    }

    private static func write(_ text: String, isBlock: Bool) -> Markup {
        var html = ""
        html.reserveCapacity(text.utf8.count + text.utf8.count / 8)
        VisibleScalar.each(of: text, isBlock: isBlock) { visible in
            switch visible {
            case .plain(let scalar): Markup.append(scalar, to: &html)
            case .escaped(let shown, let scalar): escape(shown, scalar, to: &html)
            }
        }
        return Markup(trusted: html)
    }

    private static func escape(_ shown: String, _ scalar: Unicode.Scalar, to html: inout String) {
        let name = scalar.properties.name ?? scalar.properties.nameAlias ?? "a character that is not printable"
        html += "<span class=\"esc\" title=\"\(Markup(name).text)\">\(shown)</span>"
    }
}
