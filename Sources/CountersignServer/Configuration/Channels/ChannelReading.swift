import CountersignCards
import CountersignChannels
import CountersignCore
import CountersignProxy
import Yams

/// Reads `channels`.
struct ChannelReading {
    let reader: NodeReader

    /// Every channel; what is wrong, the reader then knows.
    func read(_ node: Node?) -> [ChannelSettings] {
        var channels = [ChannelSettings]()
        for (index, item) in reader.list(node, "channels").enumerated() {
            let path = "channels[\(index)]"
            guard let channel = channel(item, path) else { continue }
            if channels.contains(where: { $0.name == channel.name }) {
                reader.fail(item, path + ".name", "there are two channels of the name \(channel.name)")
            }
            channels.append(channel)
        }
        return channels
    }

    private func channel(_ node: Node, _ path: String) -> ChannelSettings? {
        guard case .mapping(let mapping) = node else {
            reader.fail(node, path, "must have keys: name, kind, and those of its kind")
            return nil
        }
        guard let kindNode = mapping["kind"], let text = reader.text(kindNode, path + ".kind") else {
            reader.fail(node, path, "lacks the key kind")
            return nil
        }
        guard let kind = ChannelKind(rawValue: text) else {
            let known = ChannelKind.allCases.map(\.rawValue)
            let nearest = NearestName.find(text, among: known)
            let advice = nearest.map { "did you mean \($0)?" } ?? "known are \(known.joined(separator: ", "))"
            reader.fail(kindNode, path + ".kind", "\"\(text)\" is not a kind of channel; \(advice)")
            return nil
        }
        switch kind {
        case .webhook: return WebhookReading(reader: reader, path: path).read(node)
        case .slack: return SlackReading(reader: reader, path: path).read(node)
        case .teams: return TeamsReading(reader: reader, path: path).read(node)
        case .workflows: return WorkflowsReading(reader: reader, path: path).read(node)
        case .email: return EmailReading(reader: reader, path: path).read(node)
        }
    }
}

extension NodeReader {
    /// The name of a channel.
    func channelName(_ members: [String: Node], of node: Node, _ path: String) -> ChannelName? {
        let what = "a channel's name: at most 63 letters, digits, - and _"
        let name = identifier(members["name"], path + ".name", ChannelName.self, what)
        return require(name, members, "name", of: node, path)
    }

    /// The file of `tls: {ca: FILE}`: authorities that are trusted beside the system's.
    func authorities(_ node: Node?, _ path: String) -> String? {
        let tls = mapping(node, path, known: ["ca"])
        guard let authority = self.path(tls["ca"], path + ".ca") else { return nil }
        guard world.checksTLS else { return authority }
        do {
            try TLSFiles.checkCertificates(authority)
        } catch {
            fail(tls["ca"], path + ".ca", error.message)
        }
        return authority
    }
}
