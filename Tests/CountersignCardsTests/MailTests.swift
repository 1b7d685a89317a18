import CountersignCards
import CountersignCore
import CountersignTestKit
import Testing

@Suite("Mail", .timeLimit(.minutes(10)))
struct MailTests {
    private func message(subject: String = "s", text: String = "t", html: String = "h") throws -> String {
        let mail = MailMessage(
            sender: try #require(Mailbox("Countersign <countersign@example.com>")),
            recipients: [try #require(MailAddress("a@example.com")), try #require(MailAddress("b@example.com"))],
            subject: subject,
            id: "thr_x",
            thread: "thr_y",
            date: try #require(Timestamp(rfc3339: "2026-03-04T05:06:07Z")),
            text: text,
            html: html,
        )
        return String(decoding: mail.bytes, as: UTF8.self)
    }

    @Test("only plain addresses are addresses")
    func addresses() {
        for good in ["a@b", "a.b+c@example.com", "x_y@xn--bcher-kva.example", "o'hara@example.com"] {
            #expect(MailAddress(good)?.text == good, "\(good)")
        }
        for bad in [
            "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b c", "<a@b>", "a@b>", ".a@b", "a.@b", "a..b@c", "\"a\"@b",
            "a@[127.0.0.1]", "a@-b", "a@b-", "a@b..c", "a@b.", "ä@b", "a@ä", "a\r\n@b", "a@b\r\nRCPT TO:<c@d>", "a@b\0",
            String(repeating: "a", count: 65) + "@b", "a@" + String(repeating: "b", count: 64), "a,b@c", "a;b@c",
        ] {
            #expect(MailAddress(bad) == nil, "\(bad)")
        }
        #expect(MailAddress.list("a@b, c@d,a@b")?.map(\.text) == ["a@b", "c@d"])
        for bad in ["", ",", "a@b,", "a@b c@d", "a@b,\r\nc@d", (0...32).map { "a\($0)@b" }.joined(separator: ",")] {
            #expect(MailAddress.list(bad) == nil, "\(bad)")
        }
    }

    @Test("a sender's name is plain words or encoded ones, and never a line of its own")
    func senders() throws {
        #expect(Mailbox("Evil\r\nBcc: x <a@b>") == nil)
        #expect(Mailbox("A\u{202E}B <a@b>") == nil)
        #expect(Mailbox("A <a@b") == nil)
        #expect(Mailbox("a@b")?.name == "")
        let long = String(repeating: "ü\", ", count: 20)
        let mail = MailMessage(
            sender: try #require(Mailbox("\(long) <a@b.example>")),
            recipients: [],
            subject: "",
            id: "i",
            thread: nil,
            date: Timestamp(microseconds: 0),
            text: "",
            html: "",
        )
        let lines = String(decoding: mail.bytes, as: UTF8.self).components("\r\n")
        let from = try #require(lines.firstIndex { $0.hasPrefix("From: ") })
        for line in lines[from...].prefix(while: { $0.hasPrefix("From: ") || $0.hasPrefix(" ") }) {
            #expect(line.utf8.count <= 100 && line.contains("=?utf-8?B?") && !line.contains("\""))
        }
        #expect(lines[0] == "Date: Thu, 01 Jan 1970 00:00:00 +0000")
    }

    @Test("every header field is where it belongs, in ASCII, on lines that are not too long")
    func fields() throws {
        let hostile = "a\r\nBcc: evil@example.com\r\n\r\nbody \u{202E}ü" + String(repeating: " word", count: 100)
        let text = try message(subject: hostile)
        let head = try #require(text.components("\r\n\r\n").first)
        let names = head.components("\r\n").filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != ":" } }
        #expect(
            names == [
                "Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
                "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
            ]
        )
        #expect(head.contains("Date: Wed, 04 Mar 2026 05:06:07 +0000\r\n"))
        #expect(head.contains("To: a@example.com,\r\n b@example.com\r\n"))
        #expect(head.contains("Subject: a??Bcc: evil@example.com????body ?? word"))
        #expect(text.utf8.allSatisfy { $0 == 13 || $0 == 10 || $0 == 9 || (32...126).contains($0) })
        #expect(text.components("\r\n").allSatisfy { $0.utf8.count <= 78 })
    }

    @Test(
        "quoted-printable keeps every text, in lines of 76 that no dot and no boundary begins",
        arguments: CardFixture.texts
    )
    func quotes(original: String) throws {
        let text = try message(text: original)
        let parts = text.components("\r\n--=_thr_x")
        try #require(parts.count == 4)
        let body = try #require(parts[1].rest(after: "\r\n\r\n"))
        for line in body.components("\r\n") { #expect(line.utf8.count <= 76 && !line.hasPrefix(".")) }
        #expect(!body.contains("=_"))
        #expect(Self.decode(body).elementsEqual(original.utf8))
    }

    /// The other direction, written from the standard.
    private static func decode(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "=") {
                let two = rest.prefix(2)
                rest = rest.dropFirst(2)
                if two.elementsEqual([13, 10]) { continue }
                bytes.append(UInt8(String(decoding: two, as: UTF8.self), radix: 16) ?? 0)
            } else if byte == 13, rest.first == 10 {
                continue
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }

    @Test("what an agent writes can neither become markup nor pass for our words", arguments: CardFixture.texts)
    func hostile(text: String) throws {
        let card = try CardFixture.card(try CardFixture.approval(saying: text))
        let mail = try #require(ApprovalMail([card], .requested))
        #expect(mail.subject == "Approval wanted: http:delete in \(card.connection), asked by \(card.agent)")
        let harmless = try #require(
            ApprovalMail([try CardFixture.card(try CardFixture.approval(saying: "x"))], .requested)
        )
        // As many tags as with a harmless text, but for the note that says that something was cut.
        func tags(_ html: String) -> Int {
            html.replacing("<p>Cut: ", with: "Cut: ").utf8.count { $0 == UInt8(ascii: "<") }
        }
        let cuts = mail.html.components("<p>Cut: ").count - 1
        #expect(tags(mail.html) == tags(harmless.html) + cuts)
        #expect(mail.html.components("href=").count == 2)
        for line in mail.text.components("\n") where line.hasPrefix("Open the approval") {
            #expect(line == "Open the approval to decide:")
        }
        #expect(mail.text.components("\nOpen the approval").count == 2)
    }

    @Test("what is too long for its line is cut alike in both parts, and both say so", arguments: ["r", "<", "\""])
    func longNames(character: String) throws {
        let card = try CardFixture.card(try CardFixture.approval(saying: String(repeating: character, count: 700)))
        let note = "Cut: 600 of 700 characters are shown; the decision is on all of it."
        for cards in [[card], [card, card]] {
            let mail = try #require(ApprovalMail(cards, .requested))
            let shown = String(repeating: character, count: 600)
            #expect(mail.text.contains("\nResource:      \(shown)\n\(note)\n"))
            let escaped = ["<": "&lt;", "\"": "&quot;"][character] ?? character
            let cell = String(repeating: escaped, count: 600)
            #expect(mail.html.contains(">\(cell)<p>\(note)</p>\n</td>"))
        }
        let short = try CardFixture.card(try CardFixture.approval(saying: String(repeating: character, count: 600)))
        let mail = try #require(ApprovalMail([short], .requested))
        #expect(!mail.text.contains("Cut: ") && !mail.html.contains("Cut: "))
    }

    @Test("a mail has what was said on the approval, and says by whom")
    func comments() throws {
        var approval = try CardFixture.approval()
        approval.comments = try CardFixture.comments(["Open the approval to decide:", "Which ticket?"])
        let mail = try #require(ApprovalMail([try CardFixture.card(approval)], .reminder))
        for words in [
            "Said by the agent, and checked by nobody:\n  | Open the approval to decide:\n",
            "Comment:       alice@example.com through dashboard at ",
            "Said by a person, who decided nothing by it:\n  | Which ticket?\n",
        ] { #expect(mail.text.contains(words)) }
        #expect(mail.html.contains("Which ticket?"))
    }

    @Test("a batch is one mail that lists each action with its digest and its link")
    func batch() throws {
        let cards = try (0..<60).map { try CardFixture.card(try CardFixture.approval(saying: "action \($0)")) }
        let mail = try #require(ApprovalMail(cards, .requested))
        #expect(mail.subject == "60 approvals wanted: asked by \(cards[0].agent) within a short time")
        #expect(mail.html.components("href=").count == ApprovalMail.maximumListed + 1)
        #expect(mail.text.contains("10 more are in the dashboard's inbox."))
        #expect(mail.text.contains(cards[0].handle.digestPrefix))
        #expect(ApprovalMail([], .requested) == nil)
        let batch = BatchID(unchecked: "bat_0123456789012345678901")
        let page = try CardLink(publicURL: "https://countersign.example.com", batch: batch)
        let leading = try #require(ApprovalMail(cards, .requested, page: page))
        #expect(leading.text.contains("Open all of them on one page:\n\(page.url)\n"))
        #expect(leading.html.components("href=").count == ApprovalMail.maximumListed + 2)
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map { String($0) }
    }

    /// What follows the first separator.
    fileprivate func rest(after separator: String) -> String? {
        let parts = components(separator)
        return parts.count > 1 ? parts.dropFirst().joined(separator: separator) : nil
    }
}
