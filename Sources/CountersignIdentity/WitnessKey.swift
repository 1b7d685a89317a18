import CountersignCore
import Crypto
package import TransparencyLog

/// A witness's own private key, kept in its data folder.
package enum WitnessKey {
    /// Where the key lies in a witness's data folder.
    package static func path(in data: String) -> String { data + "/witness.key" }

    /// Loads the key; `nil` if there is none.
    ///
    /// A witness keeps its name for life, because whoever trusts it knows it by name and key: another `name` is refused.
    package static func load(data: String, name: String?) throws(KeyError) -> CosignatureSigner? {
        let path = path(in: data)
        guard let text = try PrivateFile.read(path) else { return nil }
        let signer: CosignatureSigner
        do {
            let line = text.utf8.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            signer = try CosignatureSigner.parse(String(Substring(line)))
        } catch {
            throw KeyError("the witness's key \(path) cannot be read: \(error); restore it from your backup")
        }
        if let name, !name.utf8.elementsEqual(signer.name.utf8) {
            throw KeyError(
                "the key \(path) belongs to the witness \"\(signer.name)\"; a witness keeps its name for life, so leave "
                    + "--name out, or begin another witness in another --data folder"
            )
        }
        return signer
    }

    /// Makes a key that is not there yet, readable by its owner only.
    ///
    /// - Parameter name: The witness's name, without spaces and plus signs; a URL without a scheme, for instance.
    package static func make(data: String, name: String) throws(KeyError) -> CosignatureSigner {
        let signer = CosignatureSigner(name: name, privateKey: Curve25519.Signing.PrivateKey())
        guard (try? CosignatureVerifier(vkey: signer.verifier.vkey)) != nil else {
            throw KeyError(
                "\"\(name)\" is not a witness's name: no spaces and no +, witness.example.com/w1 for instance"
            )
        }
        try PrivateFile.create(path(in: data), signer.encoded + "\n")
        return signer
    }

    /// Makes the data folder, for its owner only.
    package static func makeFolder(_ data: String) throws(KeyError) { try PrivateFile.makeFolder(data, isSecret: true) }
}
