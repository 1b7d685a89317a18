import CountersignCards
import CountersignCore
import Testing

@Suite("Webhooks", .timeLimit(.minutes(10)))
struct WebhookTests {
    /// The specification's own example, and its Ed25519 pair.
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let privateKey =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
    private static let publicKey = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
    private static let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
    private static let sent = Timestamp(microseconds: 1_614_265_330_000_000)
    private static let v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    private func message() throws -> WebhookMessage {
        try WebhookMessage(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: Array(#"{"test": 2432232314}"#.utf8))
    }

    private func key(_ text: String) throws -> WebhookKey { try WebhookKey(text) }

    @Test("the specification's example has the specification's signature")
    func vector() throws {
        let headers = try message().headers(at: Self.sent, keys: [key(Self.secret)])
        #expect(headers.fields.map(\.name) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
        #expect(headers.fields.map(\.value) == ["msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", Self.v1])
    }

    @Test("an Ed25519 signature by another library is accepted, and so is ours")
    func ed25519() throws {
        let body = try message().body
        let theirs =
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
        let headers = try WebhookHeaders(id: message().id, timestamp: "1614265330", signature: theirs)
        let verifier = try WebhookVerifier(keys: [key(Self.publicKey)])
        #expect(try verifier.verify(headers, body: body, now: Self.sent) == Self.sent)
        let ours = try message().headers(at: Self.sent, keys: [key(Self.privateKey)])
        #expect(try verifier.verify(ours, body: body, now: Self.sent) == Self.sent)
        #expect(try key(Self.privateKey).publicKey == Self.publicKey)
    }

    @Test("during a rotation both secrets sign, and a receiver with either accepts")
    func rotation() throws {
        let headers = try message().headers(
            at: Self.sent,
            keys: [key(Self.other), key(Self.secret), key(Self.privateKey)]
        )
        #expect(headers.signature.split(separator: " ").count == 3)
        #expect(headers.signature.contains(" \(Self.v1) v1a,"))
        for text in [Self.secret, Self.other, Self.publicKey, Self.privateKey] {
            let verifier = try WebhookVerifier(keys: [key(text)])
            #expect(try verifier.verify(headers, body: message().body, now: Self.sent) == Self.sent)
        }
    }

    @Test("forged and altered messages are refused, each with its code")
    func forged() throws {
        let good = try message().headers(at: Self.sent, keys: [key(Self.secret)])
        let body = try message().body
        func code(_ headers: WebhookHeaders, _ body: [UInt8], key text: String = Self.secret) -> ChannelFault.Code? {
            do {
                _ = try WebhookVerifier(keys: [WebhookKey(text)]).verify(headers, body: body, now: Self.sent)
                return nil
            } catch { return error.code }
        }
        func changed(id: String? = nil, timestamp: String? = nil, signature: String? = nil) -> WebhookHeaders {
            WebhookHeaders(
                id: id ?? good.id,
                timestamp: timestamp ?? good.timestamp,
                signature: signature ?? good.signature,
            )
        }
        #expect(code(good, body) == nil)
        #expect(code(good, body + [0x20]) == .signatureMismatch)
        #expect(code(good, body, key: Self.other) == .signatureMismatch)
        #expect(code(changed(id: "msg_2"), body) == .signatureMismatch)
        #expect(code(changed(timestamp: "1614265331"), body) == .signatureMismatch)
        #expect(code(changed(signature: "v2," + Self.v1.dropFirst(3)), body) == .signatureMismatch)
        #expect(code(changed(signature: "v1a," + Self.v1.dropFirst(3)), body) == .signatureMismatch)
        #expect(code(changed(signature: String(Self.v1.dropLast())), body) == .signatureMismatch)
        // The next base64 digit has the same bytes, and other spare bits.
        #expect(code(changed(signature: Self.v1.replacing("OE=", with: "OF=")), body) == .signatureMismatch)
        #expect(code(changed(signature: ""), body) == .signatureMalformed)
        #expect(code(changed(id: "a.b"), body) == .signatureMalformed)
        for time in ["", "-1", "+1614265330", "1614265330.0", " 1614265330", "1614265330000000", "１６"] {
            #expect(code(changed(timestamp: time), body) == .signatureMalformed)
        }
        let many = Array(repeating: "v1,AAAA", count: WebhookVerifier.maximumSignatures + 1).joined(separator: " ")
        #expect(code(changed(signature: many), body) == .signatureMalformed)
        #expect(code(changed(signature: "v9,x \(Self.v1)"), body) == nil)
    }

    @Test("a message is accepted for five minutes before and after its time", arguments: [-301, -300, 0, 300, 301])
    func tolerance(seconds: Int64) throws {
        let headers = try message().headers(at: Self.sent, keys: [key(Self.secret)])
        let now = Self.sent.adding(.seconds(seconds))
        let verifier = try WebhookVerifier(keys: [key(Self.secret)])
        let body = try message().body
        if seconds.magnitude <= 300 {
            #expect(try verifier.verify(headers, body: body, now: now) == Self.sent)
        } else {
            let fault = #expect(throws: ChannelFault.self) { try verifier.verify(headers, body: body, now: now) }
            #expect(fault?.code == .timestampOutOfRange)
        }
    }

    @Test(
        "what is no secret is refused without being shown",
        arguments: [
            "", "SuperSecretSuperSecretSuperSecret", "whsec_", "whsec_U3VwZXJTZWNyZXQ=", "whsec_SuperSecret!",
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY", "whsec_-_ECAwQFBgcICQoLDA0ODxAREhMUFRYX",
            "whsec_" + String(repeating: "AAAA", count: 22), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n",
            "WHSEC_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "whpk_AAEC",
            "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfUKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
        ],
    )
    func secrets(text: String) {
        let fault = #expect(throws: ChannelFault.self) { try WebhookKey(text) }
        #expect(fault?.code == .secretMalformed)
        let digits = text.drop { $0 != "_" }.dropFirst()
        let message = fault?.description ?? ""
        let isShown = !digits.isEmpty && message.contains(digits) || message.contains("Super")
        #expect(!isShown)
    }

    @Test("a key shows its kind only")
    func description() throws {
        for text in [Self.secret, Self.privateKey, Self.publicKey] {
            #expect("\(try key(text))" == text.prefix { $0 != "_" } + "_…")
        }
        #expect(try key("whsec_" + String(repeating: "AAAA", count: 21) + "AA==").publicKey == nil)
    }

    @Test("what cannot be signed for certain is not signed")
    func unsignable() throws {
        for id in ["", "a.b", "a b", "ä", String(repeating: "a", count: 256)] {
            #expect(throws: ChannelFault.self) { try WebhookMessage(id: id, body: []) }
        }
        #expect(throws: ChannelFault.self) {
            try WebhookMessage(id: "a", body: [UInt8](repeating: 0, count: WebhookMessage.maximumBody))
        }
        #expect(throws: ChannelFault.self) { try message().headers(at: Self.sent, keys: []) }
        #expect(throws: ChannelFault.self) { try message().headers(at: Self.sent, keys: [key(Self.publicKey)]) }
    }
}

@Suite("Deliveries of webhooks", .timeLimit(.minutes(10)))
struct WebhookDeliveryTests {
    private static let now = Timestamp(microseconds: 784_111_777_000_000)  // Sun, 06 Nov 1994 08:49:37 GMT

    @Test(
        "a status says what to do next",
        arguments: [
            (200, .delivered), (204, .delivered), (299, .delivered), (301, .failed), (307, .failed), (399, .failed),
            (410, .disabled), (400, .retry(after: nil)), (404, .retry(after: nil)), (429, .retry(after: .seconds(7))),
            (500, .retry(after: nil)), (503, .retry(after: .seconds(7))), (100, .retry(after: nil)),
            (0, .retry(after: nil)),
        ] as [(Int, WebhookDelivery)],
    )
    func status(status: Int, delivery: WebhookDelivery) {
        #expect(WebhookDelivery(status: status, retryAfter: "7", now: Self.now) == delivery)
    }

    @Test(
        "Retry-After is read as seconds and in all three spellings of a date",
        arguments: [
            ("120", 120), (" 120 ", 120), ("0", 0), ("99999999999999999999", 86_400),
            ("Sun, 06 Nov 1994 08:50:37 GMT", 60), ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
            ("Sun Nov  6 08:50:37 1994", 60), ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Mon, 01 Jan 2035 00:00:00 GMT", 86_400),
            ("", nil), ("soon", nil), ("-1", nil), ("1.5", nil), ("Sun, 31 Feb 1994 08:50:37 GMT", nil),
            ("Sun, 06 Nov 1994 08:50:37 CET", nil), ("Sun, 06 Nov 1994 25:50:37 GMT", nil),
        ] as [(String, Int64?)],
    )
    func retryAfter(text: String, seconds: Int64?) {
        #expect(RetryAfter.wait(text, now: Self.now) == seconds.map { .seconds($0) })
    }

    @Test("the back-off grows, is spread, keeps to what the receiver asked, and ends")
    func backOff() {
        let backOff = WebhookBackOff.standard
        #expect(backOff.delay(afterAttempts: 0, random: 0) == nil)
        #expect(backOff.delay(afterAttempts: backOff.delays.count + 1, random: 0) == nil)
        var total = Duration.zero
        for (index, base) in backOff.delays.enumerated() {
            for random in [0, 1, 12_345_678_901, UInt64.max] {
                let delay = backOff.delay(afterAttempts: index + 1, random: random) ?? .zero
                #expect(delay >= base * 4 / 5 && delay <= base * 6 / 5)
            }
            total += base
        }
        #expect(total > .seconds(3 * 86_400))
        let low = backOff.delay(afterAttempts: 2, random: 0)
        #expect(low == .seconds(240))
        #expect(backOff.delay(afterAttempts: 2, random: 120_000_000) == .seconds(360))
        let asked = backOff.delay(afterAttempts: 1, random: 999_999, atLeast: .seconds(60)) ?? .zero
        #expect(asked >= .seconds(60) && asked < .seconds(61))
        #expect(backOff.delay(afterAttempts: 3, random: 0, atLeast: .seconds(1)) == .seconds(1440))
    }
}
