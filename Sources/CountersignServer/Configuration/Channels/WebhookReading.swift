import CountersignCards
import CountersignChannels
import CountersignCore
import Yams

/// Reads a channel of the kind `webhook`.
struct WebhookReading {
    let reader: NodeReader
    let path: String

    private static let known = ["name", "kind", "url", "secrets", "allow"]

    func read(_ node: Node) -> ChannelSettings? {
        let members = reader.mapping(node, path, known: Self.known)
        let name = reader.channelName(members, of: node, path)
        let url = reader.require(url(members["url"]), members, "url", of: node, path)
        let secrets = secrets(members["secrets"])
        _ = reader.require(secrets.isEmpty ? nil : secrets, members, "secrets", of: node, path)
        let ranges = ranges(members["allow"])
        guard let name, let url, !secrets.isEmpty else { return nil }
        let settings = WebhookSettings(
            name: name,
            url: url,
            keys: secrets.map(\.key),
            guardian: DeliveryGuard(allowed: ranges),
        )
        return ChannelSettings(
            name: name,
            kind: .webhook,
            gathers: false,
            fingerprint: .fingerprint([url] + secrets.map(\.text) + ranges.map { "\($0)" }),
            objection: { $0.isEmpty ? nil : "a webhook has one address, its url; leave `to` out" },
            open: { WebhookChannel(settings, world: $0) },
        )
    }

    private func url(_ node: Node?) -> String? {
        guard let text = reader.text(node, path + ".url") else { return nil }
        guard let url = HTTPAddress(text) else {
            reader.fail(node, path + ".url", "\"\(text)\" is not https://HOST[:PORT][/PATH]")
            return nil
        }
        guard url.isTLS || Configuration.Address(host: url.host, port: url.port).isLoopback else {
            reader.fail(node, path + ".url", "tells \(url.host) of approvals without TLS; use https://")
            return nil
        }
        return url.text
    }

    private func secrets(_ node: Node?) -> [(text: String, key: WebhookKey)] {
        reader.list(node, path + ".secrets").enumerated().compactMap {
            index,
            item -> (text: String, key: WebhookKey)? in
            let place = "\(path).secrets[\(index)]"
            guard let text = reader.secret(item, place) else { return nil }
            do throws(ChannelFault) {
                // A machine without the secrets checks all the rest.
                let key = reader.world.hasSecrets ? text : "whsec_" + String(repeating: "A", count: 32)
                return (text, try WebhookKey(key))
            } catch {
                reader.fail(item, place, error.message)
                return nil
            }
        }
    }

    private func ranges(_ node: Node?) -> [AddressRange] {
        reader.list(node, path + ".allow").enumerated().compactMap { index, item -> AddressRange? in
            let place = "\(path).allow[\(index)]"
            guard let text = reader.text(item, place) else { return nil }
            do throws(ChannelFault) {
                return try AddressRange(text)
            } catch {
                reader.fail(item, place, error.message)
                return nil
            }
        }
    }
}
