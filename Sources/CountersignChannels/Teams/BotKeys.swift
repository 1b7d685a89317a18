import CanonicalJSON
import CountersignCards
import CountersignCore
import CryptoExtras
import NIOCore
import NIOHTTP1
import Synchronization

/// A key that signs Teams' tokens.
struct BotKey: Sendable {
    let id: String
    let key: _RSA.Signing.PublicKey
    /// The platforms that it signs for.
    let endorsements: Set<String>

    /// The most keys that are read.
    private static let maximum = 200
    private static let maximumModulus = 1024

    /// The RSA keys of a JWK set (RFC 7517) that are for signatures by RS256; others are no concern of ours.
    static func read(_ json: JSONValue) -> [BotKey] {
        (json["keys"]?.arrayValue ?? []).prefix(maximum).compactMap { item in
            guard item["kty"] == "RSA", item["use"] == nil || item["use"] == "sig",
                item["alg"] == nil || item["alg"] == "RS256",
                let id = item["kid"]?.stringValue, TeamsActivity.isIdentifier(id),
                let modulus = item["n"]?.stringValue.flatMap({ Base64URL.decode($0) }),
                modulus.count <= maximumModulus,
                let exponent = item["e"]?.stringValue.flatMap({ Base64URL.decode($0) }), exponent.count <= 8,
                let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
            else { return nil }
            let endorsements = (item["endorsements"]?.arrayValue ?? []).compactMap(\.stringValue)
            return BotKey(id: id, key: key, endorsements: Set(endorsements))
        }
    }
}

/// The keys that Teams' metadata name, fetched when they are wanted and kept for a day.
///
/// A key that is not known is looked for again, at a bounded pace, because Microsoft changes keys without notice. What
/// cannot be fetched is not trusted: without keys nobody is let in. The mutex guards keys and pace.
final class BotKeys: Sendable {
    /// Why there is no key.
    enum Absence: Error, Hashable, Sendable {
        /// The metadata name none of this id.
        case unknown
        /// The metadata cannot be had, or are not as they must be.
        case unavailable
    }

    private struct State {
        var keys: [String: BotKey] = [:]
        var readAt: Timestamp?
        var nextLook: Timestamp?
    }

    private let settings: TeamsSettings
    private let clock: any WallClock
    /// Gets a JSON object of an address; `nil` without one.
    private let get: @Sendable (String, TimeAmount) async -> JSONValue?
    private let state = Mutex(State())
    private let turns = Turns()

    /// How long keys are kept without a look.
    static let freshness = Duration.seconds(86_400)
    /// How long they are kept while nobody answers.
    static let lifetime = Duration.seconds(3 * 86_400)
    /// How soon an unknown key may cause another look, and how soon a look that failed is repeated.
    static let pace = (unknown: Duration.seconds(60), failed: Duration.seconds(5))

    init(
        _ settings: TeamsSettings,
        clock: any WallClock,
        get: @escaping @Sendable (String, TimeAmount) async -> JSONValue?,
    ) {
        self.settings = settings
        self.clock = clock
        self.get = get
    }

    convenience init(_ settings: TeamsSettings, web: TeamsWeb, clock: any WallClock) {
        self.init(settings, clock: clock) { url, limit in
            guard let answer = await web.exchange(.GET, url, within: limit), answer.status == 200 else { return nil }
            return answer.json
        }
    }

    /// The key of an id.
    func key(_ id: String, within limit: TimeAmount) async -> Result<BotKey, Absence> {
        if let key = kept(id, Self.freshness) { return .success(key) }
        await look(for: id, within: limit)
        if let key = kept(id, Self.lifetime) { return .success(key) }
        return .failure(isCurrent(Self.lifetime) ? .unknown : .unavailable)
    }

    /// Fetches the keys before somebody waits for them.
    func warm(within limit: TimeAmount) async {
        if !isCurrent(Self.freshness) { await look(for: nil, within: limit) }
    }

    private func kept(_ id: String, _ age: Duration) -> BotKey? {
        isCurrent(age) ? state.withLock { $0.keys[id] } : nil
    }

    /// A reading of the future was taken by a clock that was wrong.
    private func isCurrent(_ age: Duration) -> Bool {
        let now = clock.time()
        return state.withLock {
            $0.readAt.map { now < $0.adding(age) && $0 <= now.adding(Self.pace.unknown) } ?? false
        }
    }

    private func look(for id: String?, within limit: TimeAmount) async {
        await turns.take {
            // Somebody else may have looked while this one waited.
            if let id, kept(id, Self.freshness) != nil { return }
            let now = clock.time()
            // No look is ever put off further than the longer pace, unless the clock was wrong.
            let latest = now.adding(Self.pace.unknown)
            guard state.withLock({ $0.nextLook.map { $0 <= now || $0 > latest } ?? true }) else { return }
            let keys = await fetch(within: limit)
            let end = clock.time()
            state.withLock { state in
                state.nextLook = end.adding(keys == nil ? Self.pace.failed : Self.pace.unknown)
                guard let keys else { return }
                state.keys = Dictionary(keys.map { ($0.id, $0) }) { first, _ in first }
                state.readAt = end
            }
        }
    }

    private func fetch(within limit: TimeAmount) async -> [BotKey]? {
        guard let metadata = await get(settings.metadataURL, limit), metadata["issuer"] == .string(settings.issuer),
            metadata["id_token_signing_alg_values_supported"]?.arrayValue?.contains("RS256") == true,
            let address = metadata["jwks_uri"]?.stringValue.flatMap({ TeamsServiceURL($0) }),
            let keys = await get(address.text, limit).map({ BotKey.read($0) }), !keys.isEmpty
        else { return nil }
        return keys
    }
}
