import Crypto

/// A 256-bit key under which payloads are sealed.
package struct PayloadKey: Sendable {
    /// The first bytes of a hash of the key: tells which key a sealed value needs, and says nothing of the key.
    package let id: UInt32
    /// SHA-256 after HMAC's inner and outer padding of HKDF's pseudorandom key: what the keys of single values are
    /// derived with.
    private let (inner, outer): (SHA256, SHA256)

    /// How many bytes a key has.
    package static let byteCount = 32

    /// Takes a key; `nil` unless it has 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        var hash = SHA256()
        hash.update(data: Array("countersign payload key id\0".utf8))
        hash.update(data: bytes)
        id = hash.finalize().prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        let pseudoRandomKey = HKDF<SHA256>.extract(
            inputKeyMaterial: SymmetricKey(data: bytes),
            salt: Array("countersign payloads at rest v1".utf8),
        )
        func begun(_ padding: UInt8) -> SHA256 {
            let key = Array(pseudoRandomKey)
            var hash = SHA256()
            hash.update(data: key.map { $0 ^ padding })
            hash.update(data: [UInt8](repeating: padding, count: SHA256.blockByteCount - key.count))
            return hash
        }
        inner = begun(0x36)
        outer = begun(0x5C)
    }

    /// The key of the value that has these random bits.
    ///
    /// HKDF's expansion to one block (RFC 5869, section 2.3), which is HMAC (RFC 2104) of the bits and the block's
    /// number. Written out, because it is done for each entry, and `HKDF` would begin HMAC anew each time.
    func valueKey(_ random: ArraySlice<UInt8>) -> SymmetricKey {
        var (inner, outer) = (inner, outer)
        inner.update(data: random + [1])
        unsafe inner.finalize().withUnsafeBytes { unsafe outer.update(bufferPointer: $0) }
        return SymmetricKey(data: outer.finalize())
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
    var bigEndianBytes: [UInt8] {
        [
            UInt8(truncatingIfNeeded: self >> 24), UInt8(truncatingIfNeeded: self >> 16),
            UInt8(truncatingIfNeeded: self >> 8), UInt8(truncatingIfNeeded: self),
        ]
    }
}
