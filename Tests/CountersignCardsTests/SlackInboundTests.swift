import CanonicalJSON
import CountersignCards
import CountersignCore
import Testing

@Suite("What Slack sends", .timeLimit(.minutes(10)))
struct SlackInboundTests {
    /// The example of Slack's page "Verifying requests from Slack".
    private static let secret = "8f742231b10e8888abcd99yyyzzz85a5"
    private static let body =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        + "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        + "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        + "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    private static let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    private static let sent = Timestamp(microseconds: 1_531_420_618_000_000)

    private func code(
        timestamp: String = "1531420618",
        signature: String = Self.signature,
        body: String = Self.body,
        secret: String = Self.secret,
        later seconds: Int64 = 0,
    ) -> ChannelFault.Code? {
        do {
            let key = try SlackSignature(signingSecret: secret).verify(
                timestamp: timestamp,
                signature: signature,
                body: Array(body.utf8),
                now: Self.sent.adding(.seconds(seconds)),
            )
            #expect(key == Self.signature)
            return nil
        } catch { return error.code }
    }

    @Test("Slack's own example is accepted, for five minutes")
    func vector() {
        #expect(code() == nil)
        #expect(code(later: 300) == nil)
        #expect(code(later: -300) == nil)
        #expect(code(later: 301) == .timestampOutOfRange)
        #expect(code(later: -301) == .timestampOutOfRange)
    }

    @Test("a forged, altered or unreadable signature is refused")
    func forged() {
        #expect(code(body: Self.body + "&x=1") == .signatureMismatch)
        #expect(code(timestamp: "1531420619") == .signatureMismatch)
        #expect(code(timestamp: "01531420618") == .signatureMismatch)
        #expect(code(secret: "8f742231b10e8888abcd99yyyzzz85a6") == .signatureMismatch)
        for text in [
            "", "v0=", String(Self.signature.dropLast()), Self.signature + "0", Self.signature.uppercased(),
            "v1=" + Self.signature.dropFirst(3), Self.signature.replacing("a2", with: "zz"),
        ] {
            #expect(code(signature: text) == .signatureMalformed)
        }
        for text in ["", "-1", "1e9", "1531420618.0", " 1531420618"] {
            #expect(code(timestamp: text) == .signatureMalformed)
        }
    }

    @Test("a secret that is a token, short or has a line break is refused without being shown")
    func secrets() {
        for text in ["", "brief", "8f742231b10e8888abcd99yyyzzz85a5\n", "xoxb-1234567890-abcdefghijk"] {
            let fault = #expect(throws: ChannelFault.self) { try SlackSignature(signingSecret: text) }
            #expect(fault?.code == .secretMalformed)
            #expect(text.isEmpty || fault?.message.contains(text) == false)
        }
    }

    private static let click: JSONValue = [
        "actions": [["action_id": "countersign.approve", "block_id": "b", "type": "button", "value": "v"]],
        "api_app_id": "A1", "channel": ["id": "C1"],
        "container": ["channel_id": "C1", "message_ts": "1.2", "type": "message"],
        "enterprise": nil, "team": ["domain": "d", "id": "T1"], "trigger_id": "1.2.3", "type": "block_actions",
        "user": ["id": "U1", "name": "n", "team_id": "T2"],
    ]

    private func form(_ json: JSONValue) -> [UInt8] {
        Array(("payload=" + PercentCoding.encode(json.canonicalText)).utf8)
    }

    @Test("a click is read with who, of which team, and what")
    func click() throws {
        let expected = SlackBlockAction(
            user: SlackUser(id: "U1", team: "T2"),
            team: "T1",
            app: "A1",
            actionID: "countersign.approve",
            value: "v",
            block: "b",
            trigger: "1.2.3",
            message: SlackMessageReference(channel: "C1", timestamp: "1.2"),
        )
        #expect(try SlackInteraction(form: form(Self.click)) == .blockAction(expected))
        #expect(try SlackInteraction(Self.click) == .blockAction(expected))
    }

    @Test("a form that is not exactly one payload is refused")
    func forms() throws {
        let good = String(decoding: form(Self.click), as: UTF8.self)
        for text in [
            "", "payload=", "payload", good + "&" + good, good + "&x=1", "x=1", "payload=%7B", "payload=%zz",
            "payload=%ff", "payload=%7B%22type%22%3A%22a%22%2C%22type%22%3A%22b%22%7D", "payload=[]", "payload=%22x%22",
            "payload=" + String(repeating: "%5B", count: 100),
        ] {
            let fault = #expect(throws: ChannelFault.self) { try SlackInteraction(form: Array(text.utf8)) }
            #expect(fault?.code == .payloadMalformed)
        }
        #expect(throws: ChannelFault.self) { try SlackInteraction(form: [0xFF]) }
    }

    @Test(
        "a click without what names the person, the team or the button is refused",
        arguments: [
            ("user", nil), ("user", ["id": "U1"]), ("user", ["id": "", "team_id": "T2"]),
            ("user", ["id": 1, "team_id": "T2"]),
            ("team", ["id": nil]), ("team", "T1"), ("actions", []), ("actions", nil), ("api_app_id", nil),
            ("trigger_id", ""),
            ("actions", [["action_id": "a"], ["action_id": "b"]]), ("actions", [["value": "v"]]),
            ("actions", [["action_id": "a", "value": 1]]), ("type", nil), ("enterprise", ["id": ""]),
        ] as [(String, JSONValue?)],
    )
    func incomplete(name: String, value: JSONValue?) throws {
        var object = try #require(Self.click.objectValue)
        object[name] = value
        let fault = #expect(throws: ChannelFault.self) { try SlackInteraction(.object(object)) }
        #expect(fault?.code == .payloadMalformed)
    }

    @Test("a modal is read with what was entered")
    func modal() throws {
        let json: JSONValue = [
            "api_app_id": "A1", "team": ["id": "T1"], "trigger_id": "1", "type": "view_submission",
            "user": ["id": "U1", "team_id": "T1"],
            "view": [
                "callback_id": "countersign.denial", "id": "V1", "private_metadata": "apr_1 abcdefghijkl",
                "state": ["values": ["reason": ["text": ["type": "plain_text_input", "value": "no"]]]],
            ],
        ]
        guard case .viewSubmission(let submission) = try SlackInteraction(form: form(json)) else {
            Issue.record("not a submission")
            return
        }
        #expect(submission.values == ["reason": ["text": "no"]])
        let denial = try #require(SlackDenial(submission))
        #expect(denial.reason == "no")
        #expect(denial.handle.approval.rawValue == "apr_1")
        #expect(denial.handle.digestPrefix == "abcdefghijkl")
    }

    @Test("what we do not know is acknowledged and nothing else")
    func unknown() throws {
        #expect(try SlackInteraction(["type": "shortcut"]) == .other(type: "shortcut"))
    }

    @Test("a command is read, and refused if a field stands twice")
    func command() throws {
        let command = try SlackCommand(form: Array((Self.body + "&api_app_id=A1").utf8))
        #expect(command.user == SlackUser(id: "U2CERLKJA", team: "T1DC2JH3J"))
        #expect(command.command == "/webhook-collect")
        #expect(command.text.isEmpty)
        #expect(command.channel == "G8PSS9T3V")
        #expect(throws: ChannelFault.self) { try SlackCommand(form: Array(Self.body.utf8)) }
        let twice = Self.body + "&api_app_id=A1&user_id=U0"
        #expect(throws: ChannelFault.self) { try SlackCommand(form: Array(twice.utf8)) }
    }

    private func socket(_ text: String) throws -> SlackSocketMessage { try SlackSocketMessage(Array(text.utf8)) }

    @Test("messages of Socket Mode are read")
    func socketMode() throws {
        #expect(
            try socket(#"{"type":"hello","num_connections":1,"connection_info":{"app_id":"A1"}}"#)
                == .hello(app: "A1", connections: 1)
        )
        #expect(try socket(#"{"type":"disconnect","reason":"warning"}"#) == .disconnect(.warning))
        #expect(try socket(#"{"type":"disconnect","reason":"refresh_requested"}"#) == .disconnect(.refreshRequested))
        #expect(try socket(#"{"type":"disconnect","reason":"link_disabled"}"#) == .disconnect(.linkDisabled))
        #expect(try socket(#"{"type":"disconnect","reason":"new"}"#) == .disconnect(.other("new")))
        #expect(try socket(#"{"type":"later"}"#) == .unknown(type: "later"))
        for text in ["", "[]", "{}", #"{"type":1}"#, #"{"type":"hello","type":"hello"}"#] {
            #expect(throws: ChannelFault.self) { try socket(text) }
        }
    }

    @Test("an envelope is acknowledged by its id, with an answer only where one may be given")
    func envelopes() throws {
        let text = """
            {"envelope_id":"e1","type":"interactive","accepts_response_payload":true,"payload":\(Self.click.canonicalText)}
            """
        guard case .envelope(let envelope) = try socket(text) else {
            Issue.record("no envelope")
            return
        }
        #expect(envelope.content == .interactive(try SlackInteraction(Self.click)))
        #expect(envelope.acknowledgement() == ["envelope_id": "e1"])
        #expect(envelope.acknowledgement(["a": 1]) == ["envelope_id": "e1", "payload": ["a": 1]])
        guard
            case .envelope(let event) = try socket(
                #"{"envelope_id":"e2","type":"events_api","payload":{"type":"x"},"retry_attempt":2}"#
            )
        else {
            Issue.record("no envelope")
            return
        }
        #expect(event.content == .event(.other(type: "x")))
        #expect(event.attempt == 2)
        #expect(event.acknowledgement(["a": 1]) == ["envelope_id": "e2"])
    }

    @Test("an envelope that cannot be read is still acknowledged")
    func malformedEnvelope() throws {
        guard
            case .envelope(let envelope) = try socket(
                #"{"envelope_id":"e3","type":"slash_commands","payload":{"user_id":1}}"#
            ),
            case .malformed(let fault) = envelope.content
        else {
            Issue.record("not malformed")
            return
        }
        #expect(fault.code == .payloadMalformed)
        #expect(envelope.acknowledgement() == ["envelope_id": "e3"])
    }
}
