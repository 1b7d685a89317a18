package import CountersignCore

/// A mail as it is sent: header fields and two readings of one content, text and HTML (RFC 5322, RFC 2046).
///
/// Every header field is of ASCII that we wrote or checked, so nothing in it needs RFC 6532, and nobody's text can end a
/// field. The contents are quoted-printable: seven bits wide, with lines of 76 characters at most, and free of any
/// boundary.
package struct MailMessage: Hashable, Sendable {
    /// From whom.
    package let sender: Mailbox
    /// To whom, all of them in one list.
    package let recipients: [MailAddress]
    /// What it is about; printable ASCII, anything else is written as `?`.
    package let subject: String
    /// The part of the id before the `@`: the same in every attempt to send it.
    package let id: String
    /// The id of the thread's first mail, if this is not it.
    package let thread: String?
    /// When it is sent.
    package let date: Timestamp
    /// The content as text.
    package let text: String
    /// The content as HTML.
    package let html: String

    /// Describes a mail.
    package init(
        sender: Mailbox,
        recipients: [MailAddress],
        subject: String,
        id: String,
        thread: String?,
        date: Timestamp,
        text: String,
        html: String,
    ) {
        self.sender = sender
        self.recipients = recipients
        self.subject = subject
        self.id = id
        self.thread = thread
        self.date = date
        self.text = text
        self.html = html
    }

    /// The bytes, with CRLF at the ends of lines.
    package var bytes: [UInt8] {
        let domain = sender.address.domain
        // `=_` cannot stand in quoted-printable text.
        let boundary = "=_\(id)"
        var lines = [
            "Date: \(Self.moment(date))",
            "From: \(sender.field)",
            "To: \(recipients.map(\.text).joined(separator: ",\r\n "))",
            Self.folded("Subject: " + Self.printable(subject)),
            "Message-ID: <\(id)@\(domain)>",
        ]
        if let thread {
            lines += ["In-Reply-To: <\(thread)@\(domain)>", "References: <\(thread)@\(domain)>"]
        }
        lines += [
            "Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All", "MIME-Version: 1.0",
            "Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"", "",
        ]
        for (type, content) in [("plain", text), ("html", html)] {
            lines += [
                "--\(boundary)", "Content-Type: text/\(type); charset=utf-8",
                "Content-Transfer-Encoding: quoted-printable", "",
            ]
            lines.append(QuotedPrintable.encode(content))
        }
        lines += ["--\(boundary)--", ""]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// `Wed, 04 Mar 2026 05:06:07 +0000`.
    static func moment(_ time: Timestamp) -> String {
        let text = time.rfc3339
        let names = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        // 1 January 1970 was a Thursday.
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let seconds = time.wholeSeconds
        let day = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
        let weekday = days[Int((day % 7 + 7) % 7)]
        let month = Int(text.dropFirst(5).prefix(2)).map { names[($0 + 11) % 12] } ?? "Jan"
        let (year, date) = (text.prefix(4), text.dropFirst(8).prefix(2))
        return "\(weekday), \(date) \(month) \(year) \(text.dropFirst(11).prefix(8)) +0000"
    }

    private static func printable(_ text: String) -> String {
        let bytes = text.unicodeScalars.prefix(300).map { scalar in
            (" "..."~").contains(scalar) ? UInt8(truncatingIfNeeded: scalar.value) : UInt8(ascii: "?")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A field in lines of at most 78 characters where it has spaces for that.
    private static func folded(_ field: String) -> String {
        var folded = ""
        var length = 0
        for word in field.split(separator: " ") {
            if length > 0, length + 1 + word.utf8.count > 78 {
                folded += "\r\n "
                length = 1
            } else if length > 0 {
                folded += " "
                length += 1
            }
            folded += word
            length += word.utf8.count
        }
        return folded
    }
}

/// The encoding quoted-printable (RFC 2045, section 6.7).
enum QuotedPrintable {
    /// Encodes a text whose lines end in line feeds.
    static func encode(_ text: String) -> String {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.map { line in
            var written = ""
            var length = 0
            for (index, byte) in line.enumerated() {
                let isLast = index == line.count - 1
                let piece: String
                switch byte {
                // A dot alone on a line would end the mail for a server that counts wrongly.
                case UInt8(ascii: ".") where length == 0: piece = "=2E"
                case UInt8(ascii: "="): piece = "=3D"
                case UInt8(ascii: " ") where isLast, UInt8(ascii: "\t") where isLast: piece = hex(byte)
                case UInt8(ascii: " ")...UInt8(ascii: "~"), UInt8(ascii: "\t"):
                    piece = String(Unicode.Scalar(byte))
                default: piece = hex(byte)
                }
                if length + piece.utf8.count > 75 {
                    written += "=\r\n"
                    length = 0
                    if byte == UInt8(ascii: ".") {
                        written += "=2E"
                        length = 3
                        continue
                    }
                }
                written += piece
                length += piece.utf8.count
            }
            return written
        }.joined(separator: "\r\n")
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return byte < 16 ? "=0\(digits)" : "=\(digits)"
    }
}
