import CountersignCore
import Crypto

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Encrypts what stands beside the log, and decrypts it again: AES-256-GCM, with a fresh key for every value.
///
/// The value's key is HKDF-SHA256 (RFC 5869) of the payload key and 128 random bits, so no number of values comes near
/// what NIST SP 800-38D allows for random nonces under one key. A sealed value is
///
///     version (1) ‖ key id (4) ‖ random bits (16) ‖ nonce (12) ‖ ciphertext ‖ tag (16)
///
/// and is bound to what it is and to whom it belongs, so that values cannot change places.
package struct PayloadSealer: Sendable {
    /// What a sealed value is, and whose.
    enum Binding {
        /// An entry's salt and payload, by the entry's commitment to them.
        case payload(commitment: String)
        /// An approval's action document.
        case document(ApprovalID)
        /// A kept response's fields and body.
        case response(ApprovalID)
        /// A remembered answer's body.
        case answer(IdempotencyKey)

        /// The associated data: lengths before texts, so that no two bindings are written alike.
        fileprivate var data: [UInt8] {
            func joined(_ parts: String...) -> [UInt8] {
                var data = [UInt8]()
                data.reserveCapacity(64)
                for part in parts {
                    let bytes = part.utf8
                    data += UInt32(bytes.count).bigEndianBytes
                    data.append(contentsOf: bytes)
                }
                return data
            }
            return switch self {
            case .payload(let commitment): joined("payload", commitment)
            case .document(let id): joined("document", id.rawValue)
            case .response(let id): joined("response", id.rawValue)
            case .answer(let key): joined("answer", key.caller, key.key)
            }
        }
    }

    /// The key that new values are sealed under.
    package let key: PayloadKey
    private let keys: [UInt32: PayloadKey]

    private static let version: UInt8 = 1
    private static let randomCount = 16
    private static let nonceCount = 12
    private static let tagCount = 16
    private static let headCount = 1 + 4 + randomCount + nonceCount
    /// How much longer a sealed value is.
    static let overhead = headCount + tagCount

    /// Seals under a key, and opens what older ones sealed, too.
    package init(key: PayloadKey, previous: [PayloadKey] = []) {
        self.key = key
        keys = Dictionary((previous + [key]).map { ($0.id, $0) }) { _, last in last }
    }

    /// One whose key nobody has, for ledgers in which nothing is.
    static func forNothing() throws -> PayloadSealer {
        let bytes = unsafe SymmetricKey(size: .bits256).withUnsafeBytes { unsafe Array($0) }
        guard let key = PayloadKey(bytes: bytes) else { throw LedgerError(.corrupt, "a key has another length") }
        return PayloadSealer(key: key)
    }

    /// Whether values under this key can be opened.
    func knows(_ id: UInt32) -> Bool { keys[id] != nil }

    /// Seals a value.
    func seal(_ bytes: [UInt8], _ binding: Binding) throws(LedgerError) -> [UInt8] {
        var sealed = [UInt8]()
        sealed.reserveCapacity(bytes.count + Self.overhead)
        sealed.append(Self.version)
        sealed += key.id.bigEndianBytes
        sealed.append(contentsOf: repeatElement(0, count: Self.randomCount + Self.nonceCount))
        let result = unsafe sealed.withUnsafeMutableBytes { buffer in
            unsafe getentropy(buffer.baseAddress.map { unsafe $0 + 5 }, Self.randomCount + Self.nonceCount)
        }
        guard result == 0 else {
            throw LedgerError(.unavailable, "the operating system gives no random numbers")
        }
        do {
            let box = try AES.GCM.seal(
                bytes,
                using: key.valueKey(sealed[5..<(5 + Self.randomCount)]),
                nonce: AES.GCM.Nonce(data: sealed[(5 + Self.randomCount)...]),
                authenticating: binding.data,
            )
            sealed.append(contentsOf: box.ciphertext)
            sealed.append(contentsOf: box.tag)
            return sealed
        } catch {
            throw LedgerError(.unavailable, "a payload cannot be encrypted: \(error)")
        }
    }

    /// Opens a sealed value; throws `.corrupt` if a single bit of it, or its place, is another one.
    func open(_ sealed: [UInt8], _ binding: Binding) throws(LedgerError) -> [UInt8] {
        guard sealed.count >= Self.overhead, sealed[0] == Self.version, let id = Self.keyID(sealed) else {
            throw Self.damaged(binding)
        }
        guard let key = keys[id] else { throw Self.unknownKey(id) }
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: sealed[(5 + Self.randomCount)..<Self.headCount]),
                ciphertext: sealed[Self.headCount..<(sealed.count - Self.tagCount)],
                tag: sealed[(sealed.count - Self.tagCount)...],
            )
            let valueKey = key.valueKey(sealed[5..<(5 + Self.randomCount)])
            return [UInt8](try AES.GCM.open(box, using: valueKey, authenticating: binding.data))
        } catch {
            throw Self.damaged(binding)
        }
    }

    /// Seals a payload with its salt: with the salt in the clear, whoever has the file could try documents out.
    func seal(_ payload: EntryDraft.Payload, commitment: String) throws(LedgerError) -> [UInt8] {
        guard let count = UInt8(exactly: payload.salt.count) else {
            throw LedgerError(.corrupt, "a payload's salt has \(payload.salt.count) bytes")
        }
        var bytes = [UInt8]()
        bytes.reserveCapacity(1 + payload.salt.count + payload.bytes.count)
        bytes.append(count)
        bytes += payload.salt
        bytes += payload.bytes
        return try seal(bytes, .payload(commitment: commitment))
    }

    /// Seals a payload whose commitment is not at hand.
    func seal(_ payload: EntryDraft.Payload) throws(LedgerError) -> [UInt8] {
        try seal(payload, commitment: payload.commitment)
    }

    /// Opens a payload that stands beside an entry with this commitment.
    func payload(_ sealed: [UInt8], commitment: String) throws(LedgerError) -> EntryDraft.Payload {
        let bytes = try open(sealed, .payload(commitment: commitment))
        guard let count = bytes.first.map({ Int($0) }), bytes.count > count else {
            throw Self.damaged(.payload(commitment: commitment))
        }
        return EntryDraft.Payload(salt: Array(bytes[1..<(count + 1)]), bytes: Array(bytes[(count + 1)...]))
    }

    /// The id of the key that a value was sealed under; `nil` if it is no sealed value.
    static func keyID(_ sealed: [UInt8]) -> UInt32? {
        guard sealed.count >= 5 else { return nil }
        return sealed[1..<5].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// What to do where the key of some values is not there.
    static func unknownKey(_ id: UInt32) -> LedgerError {
        LedgerError(
            .corrupt,
            "the ledger has payloads under the key \(PayloadKey.name(id)), which is not there: name the old key's file "
                + "under payloads.previous in the configuration, or restore keys/payload.key from your backup",
        )
    }

    private static func damaged(_ binding: Binding) -> LedgerError {
        let what =
            switch binding {
            case .payload(let commitment): "the payload with the commitment \(commitment)"
            case .document(let id): "the document of \(id.rawValue)"
            case .response(let id): "the response kept for \(id.rawValue)"
            case .answer: "a remembered answer"
            }
        return LedgerError(
            .corrupt,
            "\(what) is damaged or was put there by somebody without the key: restore the ledger from a backup",
        )
    }
}
