import Crypto

/// A 256-bit key under which payloads are sealed.
package struct PayloadKey: Sendable {
    /// The first bytes of a hash of the key: tells which key a sealed value needs, and says nothing of the key.
    package let id: UInt32
    /// What the keys of single values are derived with; HKDF's pseudorandom key.
    let derivation: SymmetricKey

    /// How many bytes a key has.
    package static let byteCount = 32

    /// Takes a key; `nil` unless it has 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        var hash = SHA256()
        hash.update(data: Array("countersign payload key id\0".utf8))
        hash.update(data: bytes)
        id = hash.finalize().prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        derivation = SymmetricKey(
            data: HKDF<SHA256>.extract(
                inputKeyMaterial: SymmetricKey(data: bytes),
                salt: Array("countersign payloads at rest v1".utf8),
            )
        )
    }

    /// The id in eight hexadecimal digits, as messages and the manual show it.
    package var name: String { Self.name(id) }

    /// A key id in eight hexadecimal digits.
    static func name(_ id: UInt32) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

extension UInt32 {
    /// The four bytes, the most significant first.
    var bigEndianBytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) } }
}
