import Mustache

/// HTML that is safe to send: the only thing that view models hold and templates print, always as `{{{name}}}`.
///
/// Mustache's own escaping works on characters, so that a quotation mark with a combining accent after it would pass
/// unescaped. Here every scalar is escaped on its own.
struct Markup: Sendable, MustacheCustomRenderable {
    /// The HTML.
    let text: String

    /// Escapes a text of our own or an identifier.
    init(_ plain: String) {
        var escaped = ""
        escaped.reserveCapacity(plain.utf8.count)
        for scalar in plain.unicodeScalars { Self.append(scalar, to: &escaped) }
        text = escaped
    }

    /// Takes HTML that this module wrote.
    init(trusted html: String) { text = html }

    /// Nothing.
    static let none = Markup(trusted: "")

    /// What Mustache prints.
    var renderText: String { text }
    /// Whether a section of this name is left out.
    var isNull: Bool { text.isEmpty }

    /// Appends one scalar, escaped.
    static func append(_ scalar: Unicode.Scalar, to html: inout String) {
        switch scalar {
        case "<": html += "&lt;"
        case ">": html += "&gt;"
        case "&": html += "&amp;"
        case "\"": html += "&quot;"
        case "'": html += "&#39;"
        default: html.unicodeScalars.append(scalar)
        }
    }
}
