import CanonicalJSON
import CountersignCore
import NIOCore
import NIOHTTP1
import Synchronization

/// Our own token for the connector, by client credentials (RFC 6749, section 4.4).
///
/// It is kept until shortly before its end, and asked for by one caller at a time. The mutexes guard the
/// token, and what became of the last renewal.
final class BotToken: Sendable {
    private struct Held {
        let text: String
        let renewAt: Timestamp
    }

    /// A renewal that failed, and how long it had been given.
    private struct Failure {
        let until: Timestamp
        let limit: TimeAmount
    }

    private let settings: TeamsSettings
    private let web: TeamsWeb
    private let clock: any WallClock
    private let held = Mutex<Held?>(nil)
    private let failed = Mutex<Failure?>(nil)
    private let turns = Turns()

    /// The longest token.
    private static let maximumLength = 16 * 1024
    /// How long a renewal that failed answers for others, so that they do not wait one after the other.
    private static let pause = Duration.seconds(3)

    init(_ settings: TeamsSettings, web: TeamsWeb, clock: any WallClock) {
        self.settings = settings
        self.web = web
        self.clock = clock
    }

    /// A token that is still good; `nil` if the login gives none.
    func get(within limit: TimeAmount) async -> String? {
        if let token = current { return token }
        return await turns.take {
            if let token = current { return token }
            if isPointless(within: limit) { return nil }
            let token = await renew(within: limit)
            let until = clock.time().adding(Self.pause)
            failed.withLock { $0 = token == nil ? Failure(until: until, limit: limit) : nil }
            return token
        }
    }

    /// Forgets a token that was not accepted.
    func forget(_ token: String) { held.withLock { if $0?.text == token { $0 = nil } } }

    /// Whether somebody who waited as long has just been given none.
    private func isPointless(within limit: TimeAmount) -> Bool {
        let now = clock.time()
        return failed.withLock { $0.map { now < $0.until && $0.until <= now.adding(Self.pause) && limit <= $0.limit } }
            ?? false
    }

    private var current: String? {
        let now = clock.time()
        return held.withLock { $0.flatMap { now < $0.renewAt ? $0.text : nil } }
    }

    private func renew(within limit: TimeAmount) async -> String? {
        let form = [
            ("grant_type", "client_credentials"), ("client_id", settings.application),
            ("client_secret", settings.secret), ("scope", TeamsSettings.scope),
        ].map { "\($0)=\(PercentCoding.encode($1))" }.joined(separator: "&")
        let answer = await web.exchange(
            .POST,
            settings.tokenURL,
            type: "application/x-www-form-urlencoded",
            body: Array(form.utf8),
            within: limit,
        )
        guard let answer, answer.status == 200, let json = answer.json,
            json["token_type"]?.stringValue?.lowercased() == "bearer",
            let token = json["access_token"]?.stringValue, !token.isEmpty, token.utf8.count <= Self.maximumLength,
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        // Some logins give the number as a text.
        let seconds = json["expires_in"]?.integerValue ?? json["expires_in"]?.stringValue.flatMap { Int64($0) } ?? 0
        let lifetime = min(max(0, seconds), 86_400)
        let renewAt = clock.time().adding(.seconds(lifetime - min(300, lifetime / 5)))
        held.withLock { $0 = Held(text: token, renewAt: renewAt) }
        return token
    }
}
