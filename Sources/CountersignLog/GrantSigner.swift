package import CanonicalJSON
package import CountersignCore
package import Crypto

/// Signs grants and attestations, with one key that everybody can look up.
package struct GrantSigner: Sendable {
    /// The log's origin; who says all this.
    package let issuer: String
    private let key: Curve25519.Signing.PrivateKey
    private let clock: any WallClock

    /// Signs in the name of a log.
    package init(issuer: String, key: Curve25519.Signing.PrivateKey, clock: any WallClock) {
        self.issuer = issuer
        self.key = key
        self.clock = clock
    }

    /// The key's name in a grant's header, an attestation and the key set.
    package var keyID: String { CompactJWS.keyID(key.publicKey) }

    /// The public key as a JWK set (RFC 7517, RFC 8037).
    package var keySet: JSONValue {
        [
            "keys": [
                [
                    "alg": "EdDSA", "crv": "Ed25519", "kid": .string(keyID), "kty": "OKP", "use": "sig",
                    "x": .string(Base64URL.encode(key.publicKey.rawRepresentation)),
                ]
            ]
        ]
    }

    /// A grant: agent, connection, approval, action and expiry, and what a downstream service can compare with the
    /// request that brought it.
    package func grant(for approval: Approval) throws -> String {
        let now = clock.time()
        let until = approval.grantExpiresAt ?? now
        var claims = JSONObject([
            ("action", .string(approval.action)), ("action_digest", .string(approval.digest.rawValue)),
            ("approval", .string(approval.id.rawValue)), ("approvers", .array(Self.approvers(of: approval))),
            ("aud", .string(approval.connection.rawValue)), ("exp", .integer(until.microseconds / 1_000_000)),
            ("iat", .integer(now.microseconds / 1_000_000)), ("iss", .string(issuer)),
            ("jti", .string(approval.id.rawValue)), ("policy_version", .string(approval.policyVersion)),
            ("sub", .string(approval.agent.rawValue)),
        ])
        if let owner = approval.owner { claims["owner"] = .string(owner.rawValue) }
        if let human = approval.onBehalfOf { claims["on_behalf_of"] = .string(human.rawValue) }
        if let request = Self.request(of: approval) { claims["request"] = .object(request) }
        return try CompactJWS.sign(claims, type: "countersign-grant", key: key)
    }

    /// A statement about how an approval ended, in a DSSE envelope (canonical JSON).
    package func attestation(of statement: DecisionStatement) throws -> [UInt8] {
        let envelope = try DSSEEnvelope(
            payload: statement.json.canonicalBytes(),
            type: DecisionStatement.mediaType,
            key: key,
        )
        return envelope.json.canonicalBytes()
    }

    /// At most this many names, so that the header stays one that servers take.
    private static func approvers(of approval: Approval) -> [JSONValue] {
        approval.decisions.filter { $0.verdict == .approve }.prefix(8).map { .string($0.user.rawValue) }
    }

    /// The HTTP request as the upstream sees it, without the connection's own base path; targets that are too long for
    /// a header are left out.
    private static func request(of approval: Approval) -> JSONObject? {
        let limits = JSONLimits(allowsNoncharacters: true)
        guard let text = approval.document, let document = try? JSONParser.parse(text, limits: limits),
            let details = (try? Action(document: document))?.details, let method = details["method"]?.stringValue,
            let path = (details["raw_path"] ?? details["path"])?.stringValue
        else { return nil }
        var request = JSONObject([("method", .string(method))])
        let query = (details["raw_query"] ?? details["query"])?.stringValue.map { "?" + $0 } ?? ""
        if path.utf8.count + query.utf8.count <= 1024 { request["target"] = .string(path + query) }
        if let payload = details["payload"] {
            let text = payload["text"]?.stringValue.map { ActionDigest(of: Array($0.utf8)).rawValue }
            if let digest = text ?? payload["sha256"]?.stringValue { request["content_sha256"] = .string(digest) }
        }
        return request
    }
}
