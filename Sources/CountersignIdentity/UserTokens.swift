import CanonicalJSON
package import CountersignCore
package import Crypto

/// Makes and reads users' bearer tokens and one-time sign-in links; both are signed, neither is stored.
///
/// Whoever can read the token key is the installation's local administrator (DESIGN 9), and what they make is marked so.
package struct UserTokens: Sendable {
    /// What a token says.
    package struct Claims: Hashable, Sendable {
        /// Whose token it is.
        package let user: UserID
        /// The token's own id.
        package let id: String
        /// When it was made.
        package let issuedAt: Timestamp
        /// When it ends.
        package let expiresAt: Timestamp
        /// Whether it may change agents, users and keys.
        package let isLocalAdministrator: Bool
    }

    /// What a signed text is for; it is part of the signed header, so that one cannot stand for the other.
    private enum Purpose: String {
        case token = "countersign-token"
        case signIn = "countersign-sign-in"
    }

    /// Who acts where no user is named: commands on the machine itself.
    ///
    /// Never in the directory, so it never decides.
    package static let localAdministrator = UserID(unchecked: "local-administrator")
    /// Through what such a token's bearer acts.
    package static let via = "local-administrator"
    /// The longest life of a token or link.
    package static let maximumLife = Duration.seconds(24 * 3600)
    /// What every bearer token starts with.
    package static let prefix = "cst_"

    let key: Curve25519.Signing.PrivateKey

    /// Uses a key of the data folder.
    package init(key: Curve25519.Signing.PrivateKey) { self.key = key }

    /// Makes a bearer token; lives longer than ``maximumLife`` are cut.
    package func makeToken(
        for user: UserID,
        isLocalAdministrator: Bool = false,
        life: Duration,
        now: Timestamp,
        chance: Chance,
    ) throws -> String {
        try Self.prefix + make(.token, user, isLocalAdministrator, life, now, chance)
    }

    /// Makes the secret part of a one-time sign-in link.
    package func makeLink(for user: UserID, life: Duration, now: Timestamp, chance: Chance) throws -> String {
        try make(.signIn, user, false, life, now, chance)
    }

    /// Reads a bearer token; `nil` unless this key signed it and it is within its time.
    package func readToken(_ text: String, now: Timestamp) -> Claims? {
        guard text.utf8.starts(with: Self.prefix.utf8) else { return nil }
        return read(.token, String(Substring(text.utf8.dropFirst(Self.prefix.utf8.count))), now)
    }

    /// Reads a link's secret part, as strictly.
    package func readLink(_ text: String, now: Timestamp) -> Claims? { read(.signIn, text, now) }

    private func make(
        _ purpose: Purpose,
        _ user: UserID,
        _ isLocalAdministrator: Bool,
        _ life: Duration,
        _ now: Timestamp,
        _ chance: Chance,
    ) throws -> String {
        let issued = now.microseconds / 1_000_000
        let seconds = min(life, Self.maximumLife).wholeSecondsRoundedUp
        var claims = JSONObject([
            ("adm", .bool(isLocalAdministrator)), ("exp", .integer(issued + max(1, seconds))),
            ("iat", .integer(issued)), ("jti", .string(chance.secret())), ("sub", .string(user.rawValue)),
            ("via", .string(Self.via)),
        ])
        if purpose == .signIn { claims["purpose"] = "sign-in" }
        return try CompactJWS.sign(claims, type: purpose.rawValue, key: key)
    }

    private func read(_ purpose: Purpose, _ text: String, _ now: Timestamp) -> Claims? {
        let seconds = now.microseconds / 1_000_000
        let maximum = Self.maximumLife.wholeSecondsRoundedUp
        guard let claims = CompactJWS.verify(text, type: purpose.rawValue, key: key.publicKey),
            let user = claims["sub"]?.stringValue.flatMap({ UserID($0) }),
            let id = claims["jti"]?.stringValue, !id.isEmpty,
            let issued = claims["iat"]?.integerValue, let expires = claims["exp"]?.integerValue,
            claims["via"]?.stringValue == Self.via, let isAdministrator = claims["adm"]?.boolValue,
            // A minute of disagreement between clocks is forgiven at the beginning, none at the end.
            issued <= seconds + 60, seconds < expires, expires > issued, expires - issued <= maximum
        else { return nil }
        return Claims(
            user: user,
            id: id,
            issuedAt: Timestamp(microseconds: issued * 1_000_000),
            expiresAt: Timestamp(microseconds: expires * 1_000_000),
            isLocalAdministrator: isAdministrator,
        )
    }
}
