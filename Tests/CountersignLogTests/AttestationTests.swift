import CanonicalJSON
import CountersignCore
import CountersignLog
import CountersignTestKit
import Crypto
import Foundation
import Testing
import TransparencyLog

@Suite("Grants and attestations", .timeLimit(.minutes(10)))
struct AttestationTests {
    let clock = ManualClock()
    let ledger: InMemoryLedger
    let enforcement: Enforcement
    let key = Curve25519.Signing.PrivateKey()
    let head: LogHead
    let log: LogSigner

    init() throws {
        ledger = InMemoryLedger(clock: clock)
        enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        head = LogHead.testing(ledger, clock: clock, signer: try Fixtures.logSigner())
        log = LogSigner(ledger: ledger, head: head, grantKey: key, clock: clock)
    }

    private func approved() async throws -> Approval {
        let answer = await enforcement.admit(Fixtures.action(), Circumstances())
        guard case .held(let approval) = answer else { throw Unexpected() }
        let ballot = Ballot(.approve, reason: "looked at it", actionDigest: approval.digest)
        return try await enforcement.decide(approval.id, by: Fixtures.signedIn(Fixtures.alice), ballot).get()
    }

    private func decidedEntry() async throws -> JSONValue? {
        try await ledger.entries(EntryQuery(kinds: [.approvalDecided])).items.first.flatMap {
            StoredJSON.value($0.bytes)
        }
    }

    private struct Unexpected: Error {}

    @Test("the pre-authentication encoding is that of the DSSE specification")
    func encoding() {
        let bytes = DSSEEnvelope.preAuthentication(
            type: "http://example.com/HelloWorld",
            payload: Array("hello world".utf8)
        )
        #expect(String(decoding: bytes, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
        #expect(DSSEEnvelope.preAuthentication(type: "", payload: []) == Array("DSSEv1 0  0 ".utf8))
    }

    @Test("an attestation is signed over type and payload, with the key that the key set names")
    func attestation() async throws {
        let approval = try await approved()
        let envelope = try JSONParser.parse(try #require(try await log.attestation(of: approval)))
        let payload = try #require(envelope["payload"]?.stringValue.flatMap { Data(base64Encoded: $0) })
        let signature = try #require(
            envelope["signatures"]?.arrayValue?.first?["sig"]?.stringValue.flatMap { Data(base64Encoded: $0) }
        )
        let signed = Array("DSSEv1 28 application/vnd.in-toto+json \(payload.count) ".utf8) + payload
        #expect(key.publicKey.isValidSignature(signature, for: signed))
        #expect(!key.publicKey.isValidSignature(signature, for: payload))
        let jwk = try #require(log.grantKeys["keys"]?.arrayValue?.first)
        #expect(jwk["kid"] == envelope["signatures"]?.arrayValue?.first?["keyid"])
        #expect(jwk["x"]?.stringValue.flatMap { Base64URL.decode($0) } == Array(key.publicKey.rawRepresentation))
        let statement = try JSONParser.parse(Array(payload))
        #expect(statement["_type"] == "https://in-toto.io/Statement/v1")
        #expect(statement["predicateType"] == "https://countersign.dev/attestation/decision/v1")
        let digest = SHA256.hash(data: Array(try #require(approval.document).utf8)).map { String(format: "%02x", $0) }
            .joined()
        #expect(statement["subject"]?.arrayValue?.first?["digest"]?["sha256"]?.stringValue == digest)
        let predicate = statement["predicate"]
        #expect(predicate?["status"] == "approved")
        #expect(predicate?["log"] == ["entries": [0, 1, 2], "origin": .string(Fixtures.logOrigin)])
        #expect(predicate?["decisions"]?.arrayValue?.first?["user"]?.stringValue == Fixtures.alice.rawValue)
        #expect(predicate?["decisions"]?.arrayValue?.first?["reason"] == "looked at it")
        // How the approver proved presence, and through what they decided, are two things.
        let decision = try #require(try await decidedEntry())
        #expect(predicate?["decisions"]?.arrayValue?.first?["assurance"] == "session")
        #expect(predicate?["decisions"]?.arrayValue?.first?["channel"] == "dashboard")
        #expect(decision["assurance"] == "session" && decision["actor"]?["via"] == "dashboard")
    }

    @Test("what nobody has decided is not attested")
    func pending() async throws {
        guard case .held(let approval) = await enforcement.admit(Fixtures.action(), Circumstances()) else {
            throw Unexpected()
        }
        #expect(try await log.attestation(of: approval) == nil)
    }

    @Test("a grant names agent, connection, approval, action and expiry, and the request that it is for")
    func grant() async throws {
        let approval = try await approved()
        let claims = try #require(
            CompactJWS.verify(try log.grant(for: approval), type: "countersign-grant", key: key.publicKey)
        )
        #expect(claims["iss"]?.stringValue == Fixtures.logOrigin)
        #expect(claims["sub"]?.stringValue == approval.agent.rawValue)
        #expect(claims["aud"]?.stringValue == approval.connection.rawValue)
        #expect(claims["jti"]?.stringValue == approval.id.rawValue)
        #expect(claims["action_digest"]?.stringValue == approval.digest.rawValue)
        #expect(claims["approvers"] == [.string(Fixtures.alice.rawValue)])
        let until = try #require(approval.grantExpiresAt)
        #expect(claims["exp"]?.integerValue == until.microseconds / 1_000_000)
        #expect(claims["request"]?["method"] == "DELETE")
        #expect(claims["request"]?["target"] == "/v1/customers/42")
    }
}
