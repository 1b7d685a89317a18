package import CanonicalJSON
package import Crypto

/// Bytes of a type, signed as the Dead Simple Signing Envelope wants it (DSSE v1).
package struct DSSEEnvelope: Sendable {
    /// What is signed.
    package let payload: [UInt8]
    /// Its media type.
    package let type: String
    /// The signing key's name.
    package let keyID: String
    /// The Ed25519 signature of ``preAuthentication(type:payload:)``.
    package let signature: [UInt8]

    /// Signs a payload.
    package init(payload: [UInt8], type: String, key: Curve25519.Signing.PrivateKey) throws {
        self.payload = payload
        self.type = type
        keyID = CompactJWS.keyID(key.publicKey)
        signature = Array(try key.signature(for: Self.preAuthentication(type: type, payload: payload)))
    }

    /// What is signed instead of the payload alone, so that its type cannot be taken for another (PAE).
    package static func preAuthentication(type: String, payload: [UInt8]) -> [UInt8] {
        Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }

    /// The envelope as JSON.
    package var json: JSONValue {
        [
            "payload": .string(Self.base64(payload)), "payloadType": .string(type),
            "signatures": [["keyid": .string(keyID), "sig": .string(Self.base64(signature))]],
        ]
    }

    /// RFC 4648 section 4, padded.
    private static func base64(_ bytes: [UInt8]) -> String {
        let text = Base64URL.encode(bytes).map { character -> Character in
            switch character {
            case "-": "+"
            case "_": "/"
            default: character
            }
        }
        return String(text) + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }
}
