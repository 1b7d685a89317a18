import CountersignChannels
import CountersignCore
import Yams

/// Reads a channel of the kind `workflows`.
struct WorkflowsReading {
    let reader: NodeReader
    let path: String

    private static let known = ["name", "kind", "url"]

    func read(_ node: Node) -> ChannelSettings? {
        let members = reader.mapping(node, path, known: Self.known)
        let name = reader.channelName(members, of: node, path)
        let url = reader.require(
            members["url"].flatMap { reader.secret($0, path + ".url") },
            members,
            "url",
            of: node,
            path
        )
        guard let name, let url else { return nil }
        if reader.world.hasSecrets, !Self.isAddress(url) {
            // Whoever knows the address can post, so the message does not show it.
            reader.fail(members["url"], path + ".url", "refers to something that is not https://HOST/PATH?QUERY")
            return nil
        }
        let settings = WorkflowsSettings(name: name, url: url)
        return ChannelSettings(
            name: name,
            kind: .workflows,
            gathers: true,
            fingerprint: .fingerprint([name.rawValue, url]),
            objection: { $0.isEmpty ? nil : "a flow posts into one place, which it knows; leave `to` out" },
            open: { WorkflowsChannel(settings, world: $0) },
        )
    }

    /// An address over TLS, or of this machine; the query holds the flow's signature.
    private static func isAddress(_ url: String) -> Bool {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }),
            let base = HTTPAddress(String(Substring(url.utf8.prefix { $0 != UInt8(ascii: "?") })))
        else { return false }
        return base.isTLS || Configuration.Address(host: base.host, port: base.port).isLoopback
    }
}
