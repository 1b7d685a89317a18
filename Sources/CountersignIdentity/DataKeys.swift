import CountersignCore
package import Crypto
package import TransparencyLog

/// The private keys of an installation, kept in `keys/` of the data folder.
package struct DataKeys: Sendable {
    /// Signs the log's checkpoints; its name is the log's origin.
    package let log: NoteSigner
    /// Signs users' tokens and sign-in links.
    package let token: Curve25519.Signing.PrivateKey
    /// Signs grants.
    package let grant: Curve25519.Signing.PrivateKey

    /// Signs the session ids of MCP clients, derived from the token key: who has that one needs no other.
    package var sessions: SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: token.rawRepresentation),
            info: Array("countersign mcp session".utf8),
            outputByteCount: 32,
        )
    }

    /// Loads the keys and makes those that are missing.
    ///
    /// A log key that is missing beside a log would begin a log that no old receipt fits; the caller must have checked
    /// that the ledger is new, or is told by the checkpoint that the ledger remembers.
    package static func load(data: String, origin: String) throws(KeyError) -> DataKeys {
        try PrivateFile.makeFolder(data, isSecret: false)
        try PrivateFile.makeFolder(data + "/keys", isSecret: true)
        return DataKeys(
            log: try logKey(data + "/keys/log.key", origin: origin),
            token: try signingKey(data + "/keys/token.key", makesMissing: true),
            grant: try signingKey(data + "/keys/grant.key", makesMissing: true),
        )
    }

    /// The token key alone, for commands that speak to a running server; `nil` if there is none.
    package static func tokenKey(data: String) throws(KeyError) -> Curve25519.Signing.PrivateKey? {
        guard try PrivateFile.read(data + "/keys/token.key") != nil else { return nil }
        return try signingKey(data + "/keys/token.key", makesMissing: false)
    }

    /// The log's verifier key, without making anything; `nil` if there is no log key yet.
    package static func verifierKey(data: String) throws(KeyError) -> String? {
        let path = data + "/keys/log.key"
        guard let text = try PrivateFile.read(path) else { return nil }
        return try signer(text, path).verifier.vkey
    }

    /// The key of payloads that the data folder has, for installations that name none of their own.
    ///
    /// It protects a ledger's file that was stolen, or a backup of it; whoever has the whole folder has the key, too.
    package static func payloadKey(data: String, makesMissing: Bool) throws(KeyError) -> [UInt8]? {
        let path = data + "/keys/payload.key"
        if let text = try PrivateFile.read(path) {
            let line = trimmed(text)
            guard line.utf8.starts(with: payloadPrefix.utf8),
                let key = Base64URL.decode(String(Substring(line.utf8.dropFirst(payloadPrefix.utf8.count)))),
                key.count == 32
            else {
                throw KeyError(
                    "the key \(path) is damaged; restore it from your backup: the payloads in the ledger cannot be read "
                        + "without it"
                )
            }
            return key
        }
        guard makesMissing else { return nil }
        try PrivateFile.makeFolder(data, isSecret: false)
        try PrivateFile.makeFolder(data + "/keys", isSecret: true)
        let key = unsafe SymmetricKey(size: .bits256).withUnsafeBytes { unsafe Array($0) }
        try PrivateFile.create(path, payloadPrefix + Base64URL.encode(key) + "\n")
        return key
    }

    private static func logKey(_ path: String, origin: String) throws(KeyError) -> NoteSigner {
        if let text = try PrivateFile.read(path) {
            let signer = try signer(text, path)
            guard signer.name.utf8.elementsEqual(origin.utf8) else {
                throw KeyError(
                    "the log key \(path) belongs to the log \"\(signer.name)\", but the configuration says log.origin "
                        + "\"\(origin)\"; a log keeps its origin for life, so set log.origin to \"\(signer.name)\""
                )
            }
            return signer
        }
        let signer = NoteSigner(name: origin, privateKey: Curve25519.Signing.PrivateKey())
        try PrivateFile.create(path, signer.encoded + "\n")
        return signer
    }

    private static func signer(_ text: String, _ path: String) throws(KeyError) -> NoteSigner {
        do {
            return try NoteSigner.parse(trimmed(text))
        } catch {
            throw KeyError("the log key \(path) cannot be read: \(error); restore it from your backup")
        }
    }

    private static func signingKey(
        _ path: String,
        makesMissing: Bool,
    ) throws(KeyError) -> Curve25519.Signing.PrivateKey {
        if let text = try PrivateFile.read(path) {
            let line = trimmed(text)
            guard line.utf8.starts(with: prefix.utf8),
                let seed = Base64URL.decode(String(Substring(line.utf8.dropFirst(prefix.utf8.count)))),
                let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed)
            else {
                throw KeyError(
                    "the key \(path) is damaged; restore it from your backup, or remove it: a new one is made, and "
                        + "tokens and links that the old one signed end"
                )
            }
            return key
        }
        guard makesMissing else { throw KeyError("there is no key \(path); start the server once") }
        let key = Curve25519.Signing.PrivateKey()
        try PrivateFile.create(path, prefix + Base64URL.encode(key.rawRepresentation) + "\n")
        return key
    }

    private static let prefix = "countersign-ed25519:"
    private static let payloadPrefix = "countersign-aes256:"

    private static func trimmed(_ text: String) -> String {
        String(Substring(text.utf8.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }))
    }
}
