import CanonicalJSON
package import CountersignCore
import Crypto

/// Clients are declared by the configuration alone, and their tokens are signed and not kept: who takes a client or one
/// of its secrets out of the configuration ends its tokens with the same reload.
extension IdentityRegistry {
    /// How long a client's token holds.
    package static let clientTokenLife = Duration.seconds(300)

    /// A token for a client that proves itself with one of its secrets.
    package func clientToken(for id: String, secret: String, now: Timestamp) -> ClientToken? {
        // Hashes are compared, and always as many: how long it takes tells neither a name nor a secret.
        let hash = CredentialHash(of: secret)
        let client = read { book in book.declared.clients.first { $0.client.id.rawValue.utf8.elementsEqual(id.utf8) } }
        guard let client, client.secrets.contains(hash),
            let text = try? tokens.makeClientToken(
                client.client.id,
                mark: hash.mark,
                life: Self.clientTokenLife,
                now: now,
                chance: chance,
            )
        else { return nil }
        return ClientToken(text: text, life: Self.clientTokenLife)
    }

    /// The client with this token, as it is configured now.
    package func client(token: String, now: Timestamp) -> DecisionClient? {
        guard let claims = tokens.readClientToken(token, now: now) else { return nil }
        let client = read { book in book.declared.clients.first { $0.client.id == claims.client } }
        guard let client, client.secrets.contains(where: { $0.mark == claims.mark }) else { return nil }
        return client.client
    }
}

extension UserTokens {
    /// What every client's token starts with.
    package static let clientPrefix = "cso_"
    private static let clientType = "countersign-client"

    /// Makes a client's token; `mark` names the secret that it was given for.
    func makeClientToken(
        _ client: ClientID,
        mark: String,
        life: Duration,
        now: Timestamp,
        chance: Chance,
    ) throws -> String {
        let issued = now.microseconds / 1_000_000
        let claims = JSONObject([
            ("exp", .integer(issued + life.wholeSecondsRoundedUp)), ("iat", .integer(issued)),
            ("jti", .string(chance.secret())), ("secret", .string(mark)), ("sub", .string(client.rawValue)),
        ])
        return try Self.clientPrefix + CompactJWS.sign(claims, type: Self.clientType, key: key)
    }

    /// Reads a client's token; `nil` unless this key signed it as one, and it is within its time.
    func readClientToken(_ text: String, now: Timestamp) -> (client: ClientID, mark: String)? {
        let seconds = now.microseconds / 1_000_000
        guard text.utf8.starts(with: Self.clientPrefix.utf8) else { return nil }
        let signed = String(Substring(text.utf8.dropFirst(Self.clientPrefix.utf8.count)))
        guard let claims = CompactJWS.verify(signed, type: Self.clientType, key: key.publicKey),
            let client = claims["sub"]?.stringValue.flatMap({ ClientID($0) }),
            let mark = claims["secret"]?.stringValue,
            let issued = claims["iat"]?.integerValue, let expires = claims["exp"]?.integerValue,
            issued <= seconds + 60, seconds < expires, expires > issued,
            expires - issued <= IdentityRegistry.clientTokenLife.wholeSecondsRoundedUp
        else { return nil }
        return (client, mark)
    }
}
