import CountersignCore
import Crypto

/// The SHA-256 of a credential, in a form that a dictionary finds quickly; all that is ever kept of one.
struct CredentialHash: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    /// Hashes a credential as its holder sent it.
    init(of secret: String) {
        var hasher = SHA256()
        var secret = secret
        secret.withUTF8 { bytes in
            unsafe hasher.update(bufferPointer: UnsafeRawBufferPointer(bytes))
        }
        self.init(hasher.finalize())
    }

    /// Takes a hash as the ledger keeps it; `nil` unless it is the base64url of 32 bytes.
    init?(text: String) {
        guard let bytes = Base64URL.decode(text), bytes.count == 32 else { return nil }
        self.init(bytes)
    }

    private init(_ bytes: some Sequence<UInt8>) {
        var words = SIMD4<UInt64>()
        for (index, byte) in bytes.enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        self.words = words
    }

    /// The hash as the ledger keeps it.
    static func text(of secret: String) -> String { Base64URL.encode(SHA256.hash(data: Array(secret.utf8))) }

    /// A short name of the credential, which tells it from others and gives nothing of it away.
    var mark: String {
        var bytes = Array("credential".utf8)
        for index in 0..<4 {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: words[index] >> UInt64(shift)))
            }
        }
        return String(Base64URL.encode(SHA256.hash(data: bytes)).prefix(16))
    }
}
