import CanonicalJSON
import CountersignCards
import CountersignCore
import Crypto
import CryptoExtras

/// The token with which Teams proves that a call is its own: a JWT by RS256 (RFC 7515, RFC 7519).
///
/// It is checked in full; there is no way to leave a check out.
struct BotCredential {
    /// The id of the key that is said to have signed.
    let keyID: String
    /// Until when it is good.
    let expiresAt: Timestamp
    private let claims: JSONValue
    private let signed: [UInt8]
    private let signature: [UInt8]

    /// The longest token.
    static let maximumLength = 16 * 1024
    /// How far clocks may be apart.
    static let skew = Duration.seconds(300)

    /// Reads `Bearer …`, and checks all that needs no key: algorithm, issuer, audience and time.
    init(_ field: String?, settings: TeamsSettings, now: Timestamp) throws(BotRefusal) {
        guard let field, field.utf8.count <= Self.maximumLength, field.utf8.starts(with: "Bearer ".utf8) else {
            throw BotRefusal(.signatureInvalid, "there is no bearer token")
        }
        let parts = field.utf8.dropFirst(7).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]),
            let signature = Base64URL.decode(String(Substring(parts[2]))), !signature.isEmpty
        else { throw BotRefusal(.signatureInvalid, "the token is no JWT") }
        // The only algorithm; a token does not choose how it is checked.
        guard header["alg"] == "RS256", header["crit"] == nil else {
            throw BotRefusal(.signatureInvalid, "the token is not by RS256")
        }
        guard let keyID = header["kid"]?.stringValue, TeamsActivity.isIdentifier(keyID) else {
            throw BotRefusal(.signatureInvalid, "the token names no key")
        }
        guard claims["iss"] == .string(settings.issuer) else {
            throw BotRefusal(.signatureInvalid, "the token is of another issuer")
        }
        guard claims["aud"]?.stringValue?.lowercased() == settings.application else {
            throw BotRefusal(.signatureInvalid, "the token is for another application")
        }
        guard let end = Self.time(claims["exp"]) else {
            throw BotRefusal(.signatureInvalid, "the token has no end")
        }
        guard now < end.adding(Self.skew) else { throw BotRefusal(.callbackLate, "the token is over") }
        if let begin = claims["nbf"] {
            guard let begin = Self.time(begin), begin <= now.adding(Self.skew) else {
                throw BotRefusal(.callbackLate, "the token is not good yet")
            }
        }
        self.keyID = keyID
        self.claims = claims
        self.signature = signature
        expiresAt = end
        signed = Array(parts[0]) + [UInt8(ascii: ".")] + Array(parts[1])
    }

    /// Checks that the key signed it.
    func check(_ key: BotKey) throws(BotRefusal) {
        let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
        let digest = SHA256.hash(data: signed)
        guard key.id == keyID, key.key.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5) else {
            throw BotRefusal(.signatureInvalid, "the token's signature does not fit")
        }
    }

    /// Checks that it is for this activity: the claim of the connector, and the key's endorsement of the platform.
    func check(_ activity: TeamsActivity, key: BotKey) throws(BotRefusal) {
        let claimed = ["serviceurl", "serviceUrl"].compactMap { claims[$0] }
        guard !claimed.isEmpty, claimed.allSatisfy({ $0 == .string(activity.serviceURL.text) }) else {
            throw BotRefusal(.signatureInvalid, "the token is of another connector than the activity")
        }
        guard activity.channelID == TeamsActivity.teams, key.endorsements.contains(activity.channelID) else {
            throw BotRefusal(.signatureInvalid, "the key does not sign for the activity's platform")
        }
    }

    private static func object(_ part: Substring.UTF8View) -> JSONValue? {
        guard let bytes = Base64URL.decode(String(Substring(part))),
            let json = try? JSONParser.parse(bytes, limits: JSONLimits(maxDepth: 8, numbers: .int64)),
            json.objectValue != nil
        else { return nil }
        return json
    }

    private static func time(_ value: JSONValue?) -> Timestamp? {
        // Up to the year 9999, so that nothing overflows.
        guard let seconds = value?.integerValue, (0...253_402_300_799).contains(seconds) else { return nil }
        return Timestamp(microseconds: seconds * 1_000_000)
    }
}

/// Why a call is not taken for one of Teams.
struct BotRefusal: Error, Hashable, Sendable {
    let code: ReasonCode
    /// What is wrong, in our own words.
    let detail: String

    init(_ code: ReasonCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    var reason: Reason { Reason(code, code.explanation) }
}
