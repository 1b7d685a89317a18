import CanonicalJSON
import CountersignCore
import CountersignTestKit
import CryptoExtras
import NIOCore
import Synchronization
import Testing

@testable import CountersignChannels

/// Metadata and keys that a test changes, and how often they were asked for.
private final class KeyServer: Sendable {
    struct State {
        var ids: [String] = ["k1"]
        var metadata: JSONObject = [
            "id_token_signing_alg_values_supported": ["RS256"], "issuer": "https://api.botframework.com",
            "jwks_uri": "https://login.example.com/keys",
        ]
        var isDown = false
        var looks = 0
    }

    let state = Mutex(State())
    private let modulus: String
    private let exponent: String

    init() throws {
        let parts = try _RSA.Signing.PrivateKey(keySize: .bits2048).publicKey.getKeyPrimitives()
        modulus = Base64URL.encode(parts.modulus)
        exponent = Base64URL.encode(parts.publicExponent)
    }

    var looks: Int { state.withLock { $0.looks } }

    func get(_ url: String) -> JSONValue? {
        state.withLock { state in
            guard !state.isDown else {
                state.looks += url == TeamsFixture.settings.metadataURL ? 1 : 0
                return nil
            }
            guard url != TeamsFixture.settings.metadataURL else {
                state.looks += 1
                return .object(state.metadata)
            }
            guard url == "https://login.example.com/keys" else { return nil }
            return [
                "keys": .array(
                    state.ids.map { ["e": .string(exponent), "kid": .string($0), "kty": "RSA", "n": .string(modulus)] }
                )
            ]
        }
    }
}

@Suite("The keys of Teams", .timeLimit(.minutes(5)))
struct BotKeysTests {
    private let clock = ManualClock()
    private let server: KeyServer
    private let keys: BotKeys

    init() throws {
        let server = try KeyServer()
        self.server = server
        keys = BotKeys(TeamsFixture.settings, clock: clock) { url, _ in server.get(url) }
    }

    private func find(_ id: String) async -> BotKeys.Absence? {
        switch await keys.key(id, within: .seconds(1)) {
        case .success: nil
        case .failure(let absence): absence
        }
    }

    @Test("keys are fetched once, and again after a day")
    func freshness() async {
        for _ in 0..<3 { #expect(await find("k1") == nil) }
        #expect(server.looks == 1)
        clock.advance(by: BotKeys.freshness)
        #expect(await find("k1") == nil)
        #expect(server.looks == 2)
    }

    @Test("a key that is new is found, at a bounded pace")
    func rotation() async {
        #expect(await find("k1") == nil)
        server.state.withLock { $0.ids = ["k2"] }
        for _ in 0..<10 { #expect(await find("k2") == .unknown) }
        #expect(server.looks == 1)
        clock.advance(by: BotKeys.pace.unknown)
        #expect(await find("k2") == nil)
        #expect(await find("k1") == .unknown)
        #expect(server.looks == 2)
    }

    @Test("a clock that was ahead when keys were read does not keep them, nor put off the next look")
    func clockSetBack() async {
        clock.advance(by: .seconds(2 * 86_400))
        #expect(await find("k1") == nil)
        clock.advance(by: .seconds(-2 * 86_400))
        server.state.withLock { $0.ids = ["k2"] }
        #expect(await find("k2") == nil)
        #expect(await find("k1") == .unknown)
        #expect(server.looks == 2)
        // A clock that is only put right by a little keeps what it has.
        clock.advance(by: .seconds(-30))
        #expect(await find("k2") == nil)
        #expect(server.looks == 2)
    }

    @Test("without keys nobody is let in, and old ones last for three days")
    func outage() async {
        server.state.withLock { $0.isDown = true }
        for _ in 0..<5 { #expect(await find("k1") == .unavailable) }
        #expect(server.looks == 1)
        clock.advance(by: BotKeys.pace.failed)
        server.state.withLock { $0.isDown = false }
        #expect(await find("k1") == nil)
        server.state.withLock { $0.isDown = true }
        clock.advance(by: BotKeys.lifetime + .microseconds(-1))
        #expect(await find("k1") == nil)
        clock.advance(by: .microseconds(1))
        #expect(await find("k1") == .unavailable)
    }

    @Test(
        "metadata that are not as they must be give no keys",
        arguments: [
            ["issuer": "https://evil.example.com"], ["id_token_signing_alg_values_supported": ["HS256"]],
            ["id_token_signing_alg_values_supported": .null], ["jwks_uri": "http://login.example.com/keys"],
            ["jwks_uri": "https://login.example.com/others"],
        ] as [JSONObject],
    )
    func metadata(changes: JSONObject) async {
        server.state.withLock { state in for member in changes { state.metadata[member.key] = member.value } }
        #expect(await find("k1") == .unavailable)
    }
}
