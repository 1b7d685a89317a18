import Crypto
import NIOCore

extension SpoolFile {
    /// SHA-256 of all bytes: what is sent later must be what was approved.
    func sha256() async throws -> [UInt8] {
        var hash = SHA256()
        var offset: UInt64 = 0
        while case let piece = try await read(at: offset, count: 1 << 20), piece.readableBytes > 0 {
            unsafe piece.withUnsafeReadableBytes { unsafe hash.update(bufferPointer: $0) }
            offset += UInt64(piece.readableBytes)
        }
        return Array(hash.finalize())
    }
}
