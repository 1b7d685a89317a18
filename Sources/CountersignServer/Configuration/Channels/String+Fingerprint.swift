import CountersignCore
import Crypto

extension String {
    /// A digest of texts, secrets among them, that tells whether one of them changed.
    static func fingerprint(_ parts: [String]) -> String {
        var hash = SHA256()
        for part in parts {
            hash.update(data: Array("\(part.utf8.count) ".utf8))
            hash.update(data: Array(part.utf8))
        }
        return Base64URL.encode(hash.finalize())
    }
}
