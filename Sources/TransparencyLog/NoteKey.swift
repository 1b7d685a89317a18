import Crypto

/// What signer and verifier keys share: the rules for names, the short hash and the text fields.
enum NoteKey {
    /// The signature type of Ed25519 keys.
    static let ed25519: UInt8 = 0x01

    /// Whether a key may have this name: not empty, and no white space, plus or control character.
    static func isValid(name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy { scalar in
                scalar.value >= 0x20 && scalar != "+" && !scalar.properties.isWhitespace
            }
    }

    /// The first four bytes of SHA-256(name || newline || type || public key).
    static func hash(name: String, publicKey: [UInt8]) -> UInt32 {
        var hasher = SHA256()
        hasher.update(data: Array(name.utf8) + [0x0A, Self.ed25519])
        hasher.update(data: publicKey)
        return hasher.finalize().prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The short hash as eight lower-case hexadecimal digits.
    static func hex(_ hash: UInt32) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    /// Reads `name+hash+base64`, the form that both kinds of key have.
    static func parse(
        _ text: Substring,
    ) throws(NoteError) -> (name: String, hash: UInt32, key: [UInt8]) {
        let fields = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { throw .malformedKey }
        let name = String(Substring(fields[0]))
        let hex = String(Substring(fields[1]))
        guard Self.isValid(name: name) else { throw .invalidKeyName }
        // Only the one spelling: eight digits, lower case, no sign.
        guard let hash = UInt32(hex, radix: 16), Self.hex(hash).utf8.elementsEqual(hex.utf8),
            let bytes = Base64.decode(fields[2]), let type = bytes.first
        else { throw .malformedKey }
        guard type == Self.ed25519 else { throw .unsupportedKeyType }
        guard bytes.count == 33 else { throw .malformedKey }
        return (name, hash, Array(bytes.dropFirst()))
    }
}
