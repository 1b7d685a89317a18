import Crypto

/// What signer and verifier keys share: the rules for names, the short hash and the text fields.
enum NoteKey {
    /// The signature type of Ed25519 keys.
    static let ed25519: UInt8 = 0x01
    /// The signature type of Ed25519 keys that cosign checkpoints (C2SP tlog-cosignature).
    static let cosignature: UInt8 = 0x04

    /// Whether a key may have this name: not empty, and no white space, plus or control character.
    static func isValid(name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy { scalar in
                scalar.value >= 0x20 && scalar != "+" && !scalar.properties.isWhitespace
            }
    }

    /// The first four bytes of SHA-256(name || newline || type || public key).
    static func hash(name: String, type: UInt8, publicKey: [UInt8]) -> UInt32 {
        var hasher = SHA256()
        hasher.update(data: Array(name.utf8) + [0x0A, type])
        hasher.update(data: publicKey)
        return hasher.finalize().prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The short hash as eight lower-case hexadecimal digits.
    static func hex(_ hash: UInt32) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    /// The key as text, `name+hash+base64`.
    static func text(name: String, hash: UInt32, type: UInt8, key: [UInt8]) -> String {
        "\(name)+\(Self.hex(hash))+\(Base64.encode([type] + key))"
    }

    /// The fields of a key's text.
    struct Fields {
        var name: String
        var hash: UInt32
        var type: UInt8
        var key: [UInt8]

        /// Whether the short hash is that of the name and this public key.
        func isHash(of publicKey: [UInt8]) -> Bool {
            self.hash == NoteKey.hash(name: self.name, type: self.type, publicKey: publicKey)
        }
    }

    /// Reads `name+hash+base64`, the form that public and private keys have, of one of the types.
    static func parse(_ text: Substring, types: [UInt8]) throws(NoteError) -> Fields {
        let fields = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { throw .malformedKey }
        let name = String(Substring(fields[0]))
        let hex = String(Substring(fields[1]))
        guard Self.isValid(name: name) else { throw .invalidKeyName }
        // Only the one spelling: eight digits, lower case, no sign.
        guard let hash = UInt32(hex, radix: 16), Self.hex(hash).utf8.elementsEqual(hex.utf8),
            let bytes = Base64.decode(fields[2]), let type = bytes.first
        else { throw .malformedKey }
        guard types.contains(type) else { throw .unsupportedKeyType }
        guard bytes.count == 33 else { throw .malformedKey }
        return Fields(name: name, hash: hash, type: type, key: Array(bytes.dropFirst()))
    }
    /// Reads a private key, `PRIVATE+KEY+name+hash+base64`, as Go's `sumdb/note` writes it.
    static func parsePrivate(_ text: String, type: UInt8) throws(NoteError) -> (Fields, Curve25519.Signing.PrivateKey) {
        guard text.utf8.starts(with: Self.privatePrefix.utf8) else { throw .malformedKey }
        let fields = try Self.parse(Substring(text.utf8.dropFirst(Self.privatePrefix.utf8.count)), types: [type])
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: fields.key) else { throw .malformedKey }
        guard fields.isHash(of: Array(key.publicKey.rawRepresentation)) else { throw .keyHashMismatch }
        return (fields, key)
    }

    /// What the text of a private key begins with.
    static let privatePrefix = "PRIVATE+KEY+"
}

/// A public key that signature lines name: the name and the short hash together.
protocol SignatureKey: Hashable {
    var name: String { get }
    var keyHash: UInt32 { get }
}

extension SignatureKey {
    /// Whether the name is this one, byte for byte.
    func isNamed(_ name: String) -> Bool { self.name.utf8.elementsEqual(name.utf8) }
}
