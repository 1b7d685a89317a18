import CountersignCards
import Testing

@Suite("SMTP, the client's side", .timeLimit(.minutes(5)))
struct SMTPMachineTests {
    private static let sender = "countersign@example.com"

    private func letter(_ recipients: [String] = ["a@example.com"], _ text: String = "x\r\n") throws -> SMTPLetter {
        SMTPLetter(
            sender: try #require(MailAddress(Self.sender)),
            recipients: try recipients.map { try #require(MailAddress($0)) },
            message: Array(text.utf8),
        )
    }

    private func terms(_ security: SMTPTerms.Security = .none, signsIn: Bool = false) -> SMTPTerms {
        let credentials = SMTPTerms.Credentials(user: "user", password: "pass")
        return SMTPTerms(security: security, credentials: signsIn ? credentials : nil, greeting: "us.example")
    }

    /// What the machine does with each piece, commands as text.
    private func script(_ letter: SMTPLetter, _ terms: SMTPTerms, _ pieces: [String]) -> [String] {
        var machine = SMTPMachine(letter, terms)
        var said: [String] = []
        for piece in pieces { for action in machine.received(Array(piece.utf8)) { said.append(Self.text(action)) } }
        return said
    }

    private static func text(_ action: SMTPMachine.Action) -> String {
        switch action {
        case .send(let bytes): String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "|")
        case .startTLS: "TLS"
        case .finish(.sent(let refused, let deferred)): "sent \(refused) \(deferred)"
        case .finish(.later(let isServer, let trouble)): "later \(isServer) \(trouble)"
        case .finish(.never(let trouble)): "never \(trouble)"
        }
    }

    @Test("a mail is handed over command by command")
    func handsOver() throws {
        let said = script(
            try letter(["a@example.com", "b@example.com"], "one\r\n.two\r\n..\r\n"),
            terms(),
            [
                "220 hi\r\n", "250-odd\r\n250 SIZE 1000\r\n", "250 ok\r\n", "250 ok\r\n", "251 ok\r\n", "354 go\r\n",
                "250 ok\r\n", "221 bye\r\n",
            ]
        )
        #expect(
            said == [
                "EHLO us.example|", "MAIL FROM:<\(Self.sender)>|", "RCPT TO:<a@example.com>|",
                "RCPT TO:<b@example.com>|", "DATA|", "one|..two|...|.|", "QUIT|", "sent [] []",
            ]
        )
    }

    @Test("the longest dialogue has as many answers as are waited for")
    func longest() throws {
        let recipients = (0..<MailAddress.maximumList).map { "a\($0)@example.com" }
        let offers = "250-odd\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n"
        var answers = ["220 hi\r\n", offers, "220 go\r\n", offers]
        answers += ["334 VXNlcg==\r\n", "334 UGFzcw==\r\n", "235 ok\r\n"]
        answers += Array(repeating: "250 ok\r\n", count: 1 + recipients.count) + ["354 go\r\n", "250 ok\r\n"]
        let said = script(try letter(recipients), terms(.startTLS, signsIn: true), answers)
        #expect(said.suffix(2) == ["QUIT|", "sent [] []"])
        #expect(answers.count == SMTPMachine.mostAnswers)
    }

    @Test("answers are the same however their bytes are split")
    func splits() throws {
        let answers = "220-a\r\n220 b\r\n"
        for cut in 0...answers.utf8.count {
            let (head, tail) = (String(answers.prefix(cut)), String(answers.dropFirst(cut)))
            #expect(script(try letter(), terms(), [head, tail]) == ["EHLO us.example|"], "\(cut)")
        }
    }

    @Test("after STARTTLS everything is asked anew, and only then somebody signs in")
    func startsTLS() throws {
        let said = script(
            try letter(),
            terms(.startTLS, signsIn: true),
            [
                "220 hi\r\n", "250-odd\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", "220 go\r\n",
                "250-odd\r\n250 AUTH LOGIN PLAIN\r\n", "235 ok\r\n",
            ]
        )
        #expect(
            said == [
                "EHLO us.example|", "STARTTLS|", "TLS", "EHLO us.example|", "AUTH PLAIN AHVzZXIAcGFzcw==|",
                "MAIL FROM:<\(Self.sender)>|",
            ]
        )
    }

    @Test("LOGIN is used where PLAIN is not offered, and nothing where neither is")
    func login() throws {
        let begin = ["220 hi\r\n", "250-odd\r\n250 AUTH=LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"]
        let said = script(try letter(), terms(.tls, signsIn: true), begin + ["235 ok\r\n"])
        #expect(said.dropFirst().prefix(3) == ["AUTH LOGIN|", "dXNlcg==|", "cGFzcw==|"])
        let neither = script(
            try letter(),
            terms(.tls, signsIn: true),
            ["220 hi\r\n", "250-odd\r\n250 AUTH CRAM-MD5\r\n"]
        )
        #expect(neither.last == "later true the server offers neither AUTH PLAIN nor AUTH LOGIN")
        // A server that asks for more than it was promised gets nothing more.
        let greedy = script(try letter(), terms(.tls, signsIn: true), begin + ["334 more\r\n"])
        #expect(greedy.last == "later true the server answered 334 to AUTH")
    }

    @Test("nothing is said in the open where TLS was wanted")
    func stripped() throws {
        for offers in ["250 odd\r\n", "250-odd\r\n250 AUTH PLAIN\r\n", "250-odd\r\n250 XSTARTTLS\r\n"] {
            let said = script(try letter(), terms(.startTLS, signsIn: true), ["220 hi\r\n", offers])
            #expect(said == ["EHLO us.example|", "later true the server does not offer STARTTLS, so nothing was sent"])
        }
        let open = script(try letter(), terms(.none, signsIn: true), ["220 hi\r\n", "250-odd\r\n250 AUTH PLAIN\r\n"])
        #expect(open.last == "later true nobody signs in without TLS")
    }

    @Test("what comes with an answer before we asked is refused, above all before TLS")
    func injected() throws {
        let offers = "250-odd\r\n250 STARTTLS\r\n"
        for injected in ["220 go\r\n250 ok\r\n", "220 go\r\n2", "220 go\r\n\r\n"] {
            let said = script(try letter(), terms(.startTLS), ["220 hi\r\n", offers, injected])
            #expect(said.last == "later true the server answered STARTTLS twice", "\(injected)")
            #expect(!said.contains("TLS"))
        }
        let early = script(try letter(), terms(), ["220 hi\r\n250 odd\r\n250 ok\r\n"])
        #expect(early == ["later true the server answered the connection twice"])
    }

    @Test(
        "refusals are told apart: this mail never, this mail later, any mail later",
        arguments: [
            ("554 no\r\n", 0, "later true the server answered 554 to the connection"),
            ("502 what\r\n", 1, "later true the server answered 502 to EHLO"),
            ("451 x\r\n", 2, "later false the server answered 451 to MAIL"),
            ("553 x\r\n", 2, "never the server answered 553 to MAIL"),
            ("530 sign in\r\n", 2, "later true the server answered 530 to MAIL"),
            ("421 bye\r\n", 3, "later true the server answered 421 to RCPT"),
            ("450 x\r\n", 3, "later false the server answered 450 to RCPT"),
            ("550 x\r\n", 3, "never the server answered 550 to RCPT"),
            ("552 x\r\n", 3, "later false the server answered 552 to RCPT"),
            ("250 x\r\n", 4, "later false the server answered 250 to DATA"),
            ("554 x\r\n", 5, "never the server answered 554 to the mail"),
            ("452 x\r\n", 5, "later false the server answered 452 to the mail"),
        ] as [(String, Int, String)]
    )
    func refusals(answer: String, place: Int, expected: String) throws {
        let good = ["220 hi\r\n", "250 odd\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"]
        #expect(script(try letter(), terms(), good.prefix(place) + [answer]).last == expected)
    }

    @Test("some recipients may be refused, and some put off")
    func mixed() throws {
        let begin = ["220 hi\r\n", "250 odd\r\n", "250 ok\r\n", "250 ok\r\n", "550 gone\r\n", "451 later\r\n"]
        let three = try letter(["a@example.com", "b@example.com", "c@example.com"])
        let said = script(three, terms(), begin + ["354 go\r\n", "250 ok\r\n"])
        #expect(said.last == "sent [b@example.com] [c@example.com]")
    }

    @Test(
        "what is no SMTP ends it",
        arguments: [
            "hello\r\n", "2\r\n", "999 x\r\n", "220?x\r\n", "220-a\r\n250 b\r\n", String(repeating: "2", count: 5000),
            String(repeating: "220-x\r\n", count: 500), "HTTP/1.1 200 OK\r\n\r\n",
        ]
    )
    func nonsense(text: String) throws {
        #expect(script(try letter(), terms(), [text]).last?.hasPrefix("later true the server") == true)
    }

    @Test("after the end nothing more is said")
    func over() throws {
        var machine = SMTPMachine(try letter(), terms())
        #expect(machine.timedOut().count == 1)
        #expect(machine.received(Array("220 hi\r\n".utf8)).isEmpty)
        #expect(machine.closed(nil).isEmpty)
        #expect(machine.timedOut().isEmpty)
        var other = SMTPMachine(try letter(), terms())
        #expect(
            other.closed(nil) == [
                .finish(.later(isServer: true, trouble: "the server closed the connection after the connection"))
            ]
        )
    }
}
