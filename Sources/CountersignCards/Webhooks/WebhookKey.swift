package import CountersignCore
import Crypto

/// A key that signs or checks webhooks, in the text forms of Standard Webhooks 1.0.0.
///
/// Its description never shows the key.
package struct WebhookKey: Sendable, CustomStringConvertible {
    enum Material: Sendable {
        case shared(SymmetricKey)
        case signing(Curve25519.Signing.PrivateKey)
        case checking(Curve25519.Signing.PublicKey)
    }

    let material: Material

    /// How many bytes a shared secret has.
    package static let secretLengths = 24...64

    /// Reads `whsec_` (a shared secret), `whsk_` (an Ed25519 private key) or `whpk_` (its public key), each with base64.
    ///
    /// A private key is the 32 bytes of the seed, or these with the 32 of the public key after them.
    package init(_ text: String) throws(ChannelFault) {
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "_")) else { throw Self.unknownPrefix }
        let digits = text[text.utf8.index(after: mark)...]
        switch text[...mark] {
        case "whsec_":
            let bytes = try Self.bytes(digits, "whsec_")
            guard Self.secretLengths.contains(bytes.count) else {
                throw ChannelFault(
                    .secretMalformed,
                    "The webhook secret has \(bytes.count) bytes, and must have 24 to 64. Make one: the text whsec_ and "
                        + "the output of `openssl rand -base64 32`.",
                )
            }
            material = .shared(SymmetricKey(data: bytes))
        case "whsk_":
            let bytes = try Self.bytes(digits, "whsk_")
            guard bytes.count == 32 || bytes.count == 64,
                let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes.prefix(32))
            else {
                throw ChannelFault(
                    .secretMalformed,
                    "The webhook signing key has \(bytes.count) bytes. An Ed25519 private key has 32, or 64 with its "
                        + "public key after it: write these as base64 after whsk_.",
                )
            }
            // The halves of another pair would sign what nobody can check.
            guard bytes.count == 32 || key.publicKey.rawRepresentation.elementsEqual(bytes.dropFirst(32)) else {
                throw ChannelFault(
                    .secretMalformed,
                    "The second half of the webhook signing key is not the public key of the first. Copy the key "
                        + "again, or leave the second half out.",
                )
            }
            material = .signing(key)
        case "whpk_":
            let bytes = try Self.bytes(digits, "whpk_")
            guard bytes.count == 32, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else {
                throw ChannelFault(
                    .secretMalformed,
                    "The webhook public key has \(bytes.count) bytes. An Ed25519 public key has 32: write these as "
                        + "base64 after whpk_.",
                )
            }
            material = .checking(key)
        default: throw Self.unknownPrefix
        }
    }

    /// A new shared secret of 32 bytes, in its text form.
    package static func newSecret(chance: Chance) -> String { "whsec_" + Base64.encode(chance.salt() + chance.salt()) }

    /// A new Ed25519 private key, in its text form.
    package static func newSigningKey(chance: Chance) -> String {
        "whsk_" + Base64.encode(chance.salt() + chance.salt())
    }

    /// The kind of key, and nothing of the key.
    package var description: String {
        switch material {
        case .shared: "whsec_…"
        case .signing: "whsk_…"
        case .checking: "whpk_…"
        }
    }

    /// The text form of the public key that checks what this one signs; `nil` of a shared secret.
    package var publicKey: String? {
        switch material {
        case .shared: nil
        case .signing(let key): "whpk_" + Base64.encode(Array(key.publicKey.rawRepresentation))
        case .checking(let key): "whpk_" + Base64.encode(Array(key.rawRepresentation))
        }
    }

    private static let unknownPrefix = ChannelFault(
        .secretMalformed,
        "The webhook secret does not begin with whsec_ (a shared secret), whsk_ or whpk_ (Ed25519 keys). Put whsec_ before "
            + "the base64 of 24 to 64 random bytes.",
    )

    private static func bytes(_ digits: Substring, _ prefix: String) throws(ChannelFault) -> [UInt8] {
        guard let bytes = Base64.decode(digits) else {
            throw ChannelFault(
                .secretMalformed,
                "What follows \(prefix) is not base64 with its padding (RFC 4648, section 4): look for spaces, line "
                    + "breaks, missing `=`, and `-` or `_` in place of `+` or `/`.",
            )
        }
        return bytes
    }
}
