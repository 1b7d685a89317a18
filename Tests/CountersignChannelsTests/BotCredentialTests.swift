import CanonicalJSON
import CountersignCards
import CountersignCore
import Crypto
import CryptoExtras
import Testing

@testable import CountersignChannels

/// A bot's settings, and tokens of a Teams of our own.
enum TeamsFixture {
    static let settings = TeamsSettings(
        name: ChannelName(unchecked: "teams"),
        application: "11111111-2222-4333-8444-555555555555",
        secret: "s",
        tenant: "aaaa-1",
        service: nil,
        matchesEmail: true,
        tokenURL: "https://login.example.com/token",
        metadataURL: "https://login.example.com/metadata",
        issuer: "https://api.botframework.com",
    )
    static let now = Timestamp(microseconds: 1_700_000_000_000_000)

    static func activity(
        service: String = "https://smba.example.com/",
        platform: String = "msteams",
        account: String = "bbbb-2",
    ) throws -> TeamsActivity {
        let json: JSONValue = [
            "channelId": .string(platform), "conversation": ["id": "19:ops", "tenantId": "aaaa-1"],
            "from": ["aadObjectId": .string(account), "id": "29:1x"], "id": "f:1", "serviceUrl": .string(service),
            "type": "message",
        ]
        return try TeamsActivity(json.canonicalBytes())
    }

    static func claims(_ changes: JSONObject = [:]) -> JSONValue {
        var claims: JSONObject = [
            "aud": .string(settings.application), "exp": 1_700_003_600, "iss": "https://api.botframework.com",
            "nbf": 1_699_999_990, "serviceurl": "https://smba.example.com/",
        ]
        for member in changes { claims[member.key] = member.value }
        return .object(claims)
    }

    static func token(
        _ key: _RSA.Signing.PrivateKey,
        header: JSONValue = ["alg": "RS256", "kid": "k1", "typ": "JWT"],
        claims: JSONValue = claims(),
        padding: _RSA.Signing.Padding = .insecurePKCS1v1_5,
    ) throws -> String {
        let text = Base64URL.encode(header.canonicalBytes()) + "." + Base64URL.encode(claims.canonicalBytes())
        let signature = try key.signature(for: SHA256.hash(data: Array(text.utf8)), padding: padding)
        return "Bearer \(text).\(Base64URL.encode(signature.rawRepresentation))"
    }
}

@Suite("The proof that a call is of Teams", .timeLimit(.minutes(5)))
struct BotCredentialTests {
    private let pair: _RSA.Signing.PrivateKey
    private let key: BotKey

    init() throws {
        pair = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        key = BotKey(id: "k1", key: pair.publicKey, endorsements: ["msteams"])
    }

    private func check(_ field: String?, key: BotKey? = nil, _ activity: TeamsActivity? = nil) throws {
        let credential = try BotCredential(field, settings: TeamsFixture.settings, now: TeamsFixture.now)
        try credential.check(key ?? self.key)
        try credential.check(try activity ?? TeamsFixture.activity(), key: key ?? self.key)
    }

    private func refusal(_ field: String?, key: BotKey? = nil, _ activity: TeamsActivity? = nil) -> BotRefusal? {
        #expect(throws: BotRefusal.self) { try check(field, key: key, activity) }
    }

    @Test("a token that is right in all is taken")
    func good() throws {
        try check(try TeamsFixture.token(pair))
        let later = TeamsFixture.claims(["exp": 1_699_999_701, "nbf": 1_700_000_300])
        try check(try TeamsFixture.token(pair, claims: later))
    }

    private static let claims: [(changes: JSONObject, code: ReasonCode)] = [
        (["iss": "https://login.example.com"], .signatureInvalid), (["iss": .null], .signatureInvalid),
        (["aud": "other"], .signatureInvalid), (["aud": .null], .signatureInvalid),
        (["aud": ["11111111-2222-4333-8444-555555555555"]], .signatureInvalid),
        (["exp": 1_699_999_700], .callbackLate), (["exp": .null], .signatureInvalid),
        (["exp": "1700003600"], .signatureInvalid), (["exp": -1], .signatureInvalid),
        (["exp": 9_223_372_036_854_775_807], .signatureInvalid), (["nbf": 1_700_000_301], .callbackLate),
        (["nbf": "soon"], .callbackLate), (["serviceurl": "https://smba.example.com"], .signatureInvalid),
        (["serviceurl": "https://evil.example.com/"], .signatureInvalid), (["serviceurl": .null], .signatureInvalid),
        (["serviceUrl": "https://evil.example.com/"], .signatureInvalid),
    ]

    @Test("each claim counts", arguments: claims)
    func counts(_ each: (changes: JSONObject, code: ReasonCode)) throws {
        let token = try TeamsFixture.token(pair, claims: TeamsFixture.claims(each.changes))
        #expect(refusal(token)?.code == each.code)
    }

    @Test(
        "the header chooses neither algorithm nor key",
        arguments: [
            ["alg": "none", "kid": "k1"], ["alg": "HS256", "kid": "k1"], ["alg": "RS512", "kid": "k1"],
            ["alg": "rs256", "kid": "k1"], ["kid": "k1"], ["alg": "RS256"], ["alg": "RS256", "kid": "k2"],
            ["alg": "RS256", "kid": 1], ["alg": "RS256", "crit": ["b64"], "kid": "k1"],
        ] as [JSONValue],
    )
    func headers(header: JSONValue) throws {
        #expect(refusal(try TeamsFixture.token(pair, header: header))?.code == .signatureInvalid)
    }

    @Test("another's signature, another padding, none, or a changed claim is refused")
    func signatures() throws {
        let other = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let good = try TeamsFixture.token(pair)
        let parts = good.split(separator: ".", omittingEmptySubsequences: false)
        let claims = Base64URL.encode(TeamsFixture.claims(["x": 1]).canonicalBytes())
        for bad in [
            try TeamsFixture.token(other), try TeamsFixture.token(pair, padding: .PSS), "\(parts[0]).\(parts[1]).",
            "\(parts[0]).\(claims).\(parts[2])", good + ".x", "\(parts[0]).\(parts[1])", good + "=",
            String(good.dropFirst(7)), "bearer " + good.dropFirst(7), "Bearer " + String(repeating: "x", count: 20_000),
            "", "Bearer", "Bearer ..",
        ] { #expect(refusal(bad)?.code == .signatureInvalid, "\(bad.prefix(40))") }
        #expect(refusal(nil)?.code == .signatureInvalid)
    }

    @Test("a key signs for the platforms that it is endorsed for, and we answer to Teams only")
    func endorsements() throws {
        let token = try TeamsFixture.token(pair)
        let bare = BotKey(id: "k1", key: pair.publicKey, endorsements: [])
        #expect(refusal(token, key: bare)?.code == .signatureInvalid)
        let both = BotKey(id: "k1", key: pair.publicKey, endorsements: ["msteams", "webchat"])
        let chat = try TeamsFixture.activity(platform: "webchat")
        #expect(refusal(token, key: both, chat)?.code == .signatureInvalid)
    }

    @Test("of a key set, only RSA keys for RS256 of 2048 bits or more are read")
    func keySets() throws {
        let parts = try pair.publicKey.getKeyPrimitives()
        let (n, e) = (Base64URL.encode(parts.modulus), Base64URL.encode(parts.publicExponent))
        func key(_ changes: JSONObject) -> JSONValue {
            var json: JSONObject = [
                "e": .string(e), "endorsements": ["msteams"], "kid": "k1", "kty": "RSA", "n": .string(n), "use": "sig",
            ]
            for member in changes { json[member.key] = member.value }
            return .object(json)
        }
        let keys = BotKey.read(["keys": [key([:]), key(["alg": "RS256", "kid": "k2"])]])
        #expect(keys.map(\.id) == ["k1", "k2"])
        #expect(keys[0].endorsements == ["msteams"])
        try check(try TeamsFixture.token(pair), key: keys[0])
        for changes: JSONObject in [
            ["kty": "EC"], ["use": "enc"], ["alg": "RS512"], ["kid": .null], ["n": "AQAB"], ["n": "!"], ["e": ""],
            ["n": .string(String(repeating: "A", count: 2000))], ["e": .string(n)],
        ] { #expect(BotKey.read(["keys": [key(changes)]]).isEmpty) }
        #expect(BotKey.read(["keys": "x"]).isEmpty)
    }
}

@Suite("What the connector says", .timeLimit(.minutes(5)))
struct TeamsAnswerTests {
    private static let members: [(member: JSONObject, email: String?, isRefused: Bool)] = [
        (
            ["aadObjectId": "BBBB-2", "email": "a@x", "tenantId": "aaaa-1", "userPrincipalName": "alice@example.com"],
            "alice@example.com", false
        ),
        (["email": "a@x", "objectId": "bbbb-2", "tenantId": "AAAA-1", "userRole": "user"], "a@x", false),
        (["email": "a@x", "objectId": "bbbb-2", "tenantId": "aaaa-1"], nil, true),
        (["objectId": "bbbb-2", "tenantId": "aaaa-1"], nil, true),
        (["aadObjectId": "bbbb-2", "userPrincipalName": "alice@example.com", "userRole": "user"], nil, true),
        (["email": "a@x", "tenantId": "aaaa-1", "userRole": "user"], nil, true),
        (["aadObjectId": "cccc-3", "email": "a@x", "tenantId": "aaaa-1", "userRole": "user"], nil, true),
        (["aadObjectId": "bbbb-2", "objectId": "cccc-3", "tenantId": "aaaa-1", "userRole": "user"], nil, true),
        (["aadObjectId": "bbbb-2", "tenantId": "other", "userRole": "user"], nil, true),
        (["aadObjectId": "bbbb-2", "tenantId": "aaaa-1", "userRole": "guest"], nil, true),
        (["aadObjectId": "bbbb-2", "tenantId": "aaaa-1", "userRole": "anonymous"], nil, true),
        (["aadObjectId": "bbbb-2", "tenantId": "aaaa-1", "userPrincipalName": "a@x", "userRole": .null], nil, true),
        (["aadObjectId": "bbbb-2", "tenantId": "aaaa-1", "userPrincipalName": "a_x.com#EXT#@example.com"], nil, true),
    ]

    @Test("guests, other tenants, who is somebody else and what nothing is said of are refused", arguments: members)
    func profiles(_ each: (member: JSONObject, email: String?, isRefused: Bool)) throws {
        let activity = try TeamsFixture.activity()
        let profile = TeamsPeople.profile(.object(each.member), of: activity, TeamsFixture.settings)
        #expect(profile.email == each.email)
        #expect((profile.objection != nil) == each.isRefused)
    }

    @Test("an answer means that it is there, that it is tried again, or that it never will be")
    func deliveries() {
        func judge(_ status: Int, after: String? = nil, update: String? = nil, body: String = "{}") -> Delivery {
            let answer = TeamsWeb.Answer(status: status, retryAfter: after, body: Array(body.utf8))
            return TeamsChannel.judge(answer, isUpdate: update != nil, reference: update, now: TeamsFixture.now)
        }
        #expect(judge(201, body: #"{"id":"17"}"#) == .delivered(reference: "17"))
        #expect(judge(200, update: "17") == .delivered(reference: "17"))
        #expect(judge(201, body: "x") == .delivered(reference: nil))
        let busy = Delivery.retry(after: .seconds(7), scope: .address, trouble: "the connector answered 429")
        #expect(judge(429, after: "7") == busy)
        #expect(judge(503) == .retry(after: nil, scope: .whole, trouble: "the connector answered 503"))
        for status in [408, 412, 425] {
            let late = Delivery.retry(after: nil, scope: .address, trouble: "the connector answered \(status)")
            #expect(judge(status) == late)
        }
        for status in [502, 504] {
            #expect(judge(status) == .retry(after: nil, scope: .whole, trouble: "the connector answered \(status)"))
        }
        #expect(judge(500) == .retry(after: nil, scope: .address, trouble: "the connector answered 500"))
        #expect(judge(401) == .retry(after: nil, scope: .whole, trouble: "the connector answered 401"))
        #expect(judge(413) == .refused(trouble: "the connector answered 413"))
        guard case .retry(_, .address, _) = judge(404), case .refused = judge(404, update: "17") else {
            Issue.record("a conversation that is not there")
            return
        }
    }

    @Test("an activity counts once, until its token is over")
    func replays() {
        let seen = SeenActivities(maximum: 3)
        let end = TeamsFixture.now.adding(.seconds(10))
        #expect(seen.isNew("a", until: end, now: TeamsFixture.now))
        #expect(!seen.isNew("a", until: end, now: TeamsFixture.now))
        for name in ["b", "c", "d"] {
            #expect(seen.isNew(name, until: end.adding(.seconds(5)), now: TeamsFixture.now))
        }
        // The bound lets go of what is over first.
        #expect(!seen.isNew("d", until: end, now: TeamsFixture.now))
        #expect(seen.isNew("a", until: end, now: TeamsFixture.now))
    }
}
