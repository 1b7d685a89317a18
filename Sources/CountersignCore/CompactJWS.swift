package import CanonicalJSON
package import Crypto

/// A compact JWS (RFC 7515) signed with Ed25519 (RFC 8037), with one accepted spelling.
package enum CompactJWS {
    /// Signs claims.
    ///
    /// The header names the algorithm, the key and the type.
    package static func sign(
        _ claims: JSONObject,
        type: String,
        key: Curve25519.Signing.PrivateKey,
    ) throws -> String {
        let text = header(type: type, key: key.publicKey) + "." + Base64URL.encode(claims.canonicalBytes)
        let signature = try key.signature(for: Array(text.utf8))
        return text + "." + Base64URL.encode(signature)
    }

    /// The claims, if the key signed them under exactly the header that ``sign(_:type:key:)`` writes.
    ///
    /// The header is compared, not interpreted, so there is no algorithm for an attacker to choose.
    package static func verify(
        _ text: String,
        type: String,
        key: Curve25519.Signing.PublicKey,
    ) -> JSONObject? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, text.utf8.count <= 4096,
            parts[0].elementsEqual(header(type: type, key: key).utf8),
            let signature = Base64URL.decode(String(Substring(parts[2]))),
            key.isValidSignature(signature, for: Array(parts[0]) + [UInt8(ascii: ".")] + Array(parts[1])),
            let bytes = Base64URL.decode(String(Substring(parts[1]))),
            let claims = try? JSONParser.parse(bytes)
        else { return nil }
        return claims.objectValue
    }

    /// The key's name: the first 16 characters of the base64url SHA-256 of its public half.
    package static func keyID(_ key: Curve25519.Signing.PublicKey) -> String {
        String(Base64URL.encode(SHA256.hash(data: key.rawRepresentation)).prefix(16))
    }

    private static func header(type: String, key: Curve25519.Signing.PublicKey) -> String {
        let header = JSONObject([("alg", "EdDSA"), ("kid", .string(keyID(key))), ("typ", .string(type))])
        return Base64URL.encode(header.canonicalBytes)
    }
}

extension JSONObject {
    fileprivate var canonicalBytes: [UInt8] { JSONValue.object(self).canonicalBytes() }
}
