import Crypto

/// A SHA-256 hash of the Merkle tree: 32 bytes, stored inline.
///
/// The four words hold the bytes in memory order, so reading and hashing never swap or allocate.
package struct LogHash: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes in a hash.
    package static let byteCount = 32

    /// The root of the tree without leaves: the hash of nothing.
    package static let emptyTree = LogHash(SHA256().finalize())

    /// Takes exactly 32 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.words = (0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &self.words) { words in
            unsafe words.copyBytes(from: bytes)
        }
    }

    /// Takes the canonical, padded, standard base64 of exactly 32 bytes.
    package init?(base64: String) {
        guard let bytes = Base64.decode(base64.utf8) else { return nil }
        self.init(bytes: bytes)
    }

    private init(_ digest: SHA256Digest) {
        self.words = unsafe digest.withUnsafeBytes { bytes in
            unsafe (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
                bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self),
            )
        }
    }

    /// The 32 bytes, in order.
    package var bytes: [UInt8] {
        unsafe withUnsafeBytes(of: self.words) { unsafe Array($0) }
    }

    /// The padded standard base64 form, as notes and proofs write it.
    package var base64: String {
        unsafe withUnsafeBytes(of: self.words) { unsafe Base64.encode($0) }
    }

    /// Whether all 32 bytes are the same.
    package static func == (left: LogHash, right: LogHash) -> Bool {
        left.words == right.words
    }

    /// Hashes all 32 bytes.
    package func hash(into hasher: inout Hasher) {
        unsafe withUnsafeBytes(of: self.words) { unsafe hasher.combine(bytes: $0) }
    }
}

extension LogHash {
    /// The hash of a leaf, SHA-256(0x00 || entry): RFC 6962, section 2.1.
    package static func leaf(_ entry: [UInt8]) -> LogHash {
        unsafe entry.withUnsafeBytes { unsafe Self.leaf(buffer: $0) }
    }

    /// The hash of a leaf, SHA-256(0x00 || entry): RFC 6962, section 2.1.
    package static func leaf(_ entry: some Collection<UInt8>) -> LogHash {
        let hash = entry.withContiguousStorageIfAvailable { storage in
            unsafe Self.leaf(buffer: UnsafeRawBufferPointer(storage))
        }
        return hash ?? Self.leaf(Array(entry))
    }

    /// The hash of an inner node, SHA-256(0x01 || left || right): RFC 6962, section 2.1.
    package static func node(_ left: LogHash, _ right: LogHash) -> LogHash {
        unsafe withUnsafeTemporaryAllocation(byteCount: 1 + 2 * Self.byteCount, alignment: 1) { buffer in
            unsafe buffer[0] = 0x01
            unsafe buffer.storeBytes(of: left.words, toByteOffset: 1, as: (UInt64, UInt64, UInt64, UInt64).self)
            unsafe buffer.storeBytes(of: right.words, toByteOffset: 33, as: (UInt64, UInt64, UInt64, UInt64).self)
            var hasher = SHA256()
            unsafe hasher.update(bufferPointer: UnsafeRawBufferPointer(buffer))
            return LogHash(hasher.finalize())
        }
    }

    private static func leaf(buffer: UnsafeRawBufferPointer) -> LogHash {
        var hasher = SHA256()
        unsafe withUnsafeBytes(of: 0 as UInt8) { unsafe hasher.update(bufferPointer: $0) }
        unsafe hasher.update(bufferPointer: buffer)
        return LogHash(hasher.finalize())
    }
}

extension LogHash: CustomStringConvertible {
    /// The base64 form.
    package var description: String { self.base64 }
}
