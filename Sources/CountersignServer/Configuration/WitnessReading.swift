import CountersignLog
import CountersignProxy
import TransparencyLog
import Yams

extension WitnessSettings {
    /// Reads `log.witnesses` and `log.quorum`; `nil` if there are none, or something is wrong with them.
    static func read(_ log: [String: Node], _ reader: NodeReader) -> WitnessSettings? {
        let items = reader.list(log["witnesses"], "log.witnesses")
        let peers = items.enumerated().compactMap { Peer.read($1, "log.witnesses[\($0)]", reader) }
        guard let node = log["witnesses"], !items.isEmpty else {
            if let quorum = log["quorum"] {
                reader.fail(quorum, "log.quorum", "is how many of log.witnesses must cosign, and there are none")
            }
            return nil
        }
        let quorum = reader.number(log["quorum"], "log.quorum", in: 1...items.count) ?? items.count
        guard peers.count == items.count else { return nil }
        do {
            return try WitnessSettings(peers: peers, quorum: quorum)
        } catch {
            reader.fail(node, "log.witnesses", "has a witness twice (\(error)); each counts once")
            return nil
        }
    }
}

extension WitnessSettings.Peer {
    fileprivate static func read(_ node: Node, _ path: String, _ reader: NodeReader) -> WitnessSettings.Peer? {
        let members = reader.mapping(node, path, known: ["key", "url", "ca"])
        let key = reader.require(key(members, path, reader), members, "key", of: node, path)
        let url = reader.require(url(members, path, reader), members, "url", of: node, path)
        let authority = reader.path(members["ca"], path + ".ca")
        if let authority, reader.world.checksTLS {
            do {
                try TLSFiles.checkCertificates(authority)
            } catch {
                reader.fail(members["ca"], path + ".ca", error.message)
            }
        }
        guard let key, let url else { return nil }
        return WitnessSettings.Peer(key: key, url: url.text, host: url.host, trustRoots: authority)
    }

    private static func key(_ members: [String: Node], _ path: String, _ reader: NodeReader) -> CosignatureVerifier? {
        guard let text = reader.text(members["key"], path + ".key") else { return nil }
        do {
            return try CosignatureVerifier(vkey: text)
        } catch {
            reader.fail(
                members["key"],
                path + ".key",
                "is not a witness's verifier key: \(error); `countersign witness --print-key` prints it",
            )
            return nil
        }
    }

    private static func url(_ members: [String: Node], _ path: String, _ reader: NodeReader) -> HTTPAddress? {
        guard let text = reader.text(members["url"], path + ".url") else { return nil }
        guard let url = HTTPAddress(text) else {
            reader.fail(members["url"], path + ".url", "\"\(text)\" is not https://HOST[:PORT][/PATH]")
            return nil
        }
        // Whoever can change what a witness says can end this log.
        guard url.isTLS || Configuration.Address(host: url.host, port: url.port).isLoopback else {
            reader.fail(members["url"], path + ".url", "must be https; http is only for a witness on this machine")
            return nil
        }
        return url
    }
}
