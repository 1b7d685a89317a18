import CountersignCards
import CountersignChannels
import CountersignCore
import Yams

/// Reads a channel of the kind `webhook`.
struct WebhookReading {
    let reader: NodeReader
    let path: String

    private static let known = [
        "name", "kind", "url", "secrets", "allow", "events", "connections", "groups", "timeout", "tls",
    ]

    func read(_ node: Node) -> ChannelSettings? {
        let members = reader.mapping(node, path, known: Self.known)
        let name = reader.channelName(members, of: node, path)
        let url = reader.require(url(members["url"]), members, "url", of: node, path)
        let secrets = secrets(members["secrets"])
        _ = reader.require(secrets.isEmpty ? nil : secrets, members, "secrets", of: node, path)
        let ranges = ranges(members["allow"])
        let filter = filter(members)
        let timeout = reader.duration(members["timeout"], path + ".timeout", atLeast: .milliseconds(100))
        let authorities = reader.authorities(members["tls"], path + ".tls")
        guard let name, let url, !secrets.isEmpty else { return nil }
        var parts = [url.written, timeout.map { "\($0)" } ?? "", authorities ?? ""]
        parts += secrets.map(\.text)
        parts += ranges.map(\.description)
        parts += filter.types.sorted() + [";"]
        parts += filter.connections.sorted().map(\.rawValue) + [";"]
        parts += filter.groups.sorted().map(\.rawValue)
        let fingerprint = String.fingerprint(parts)
        let settings = WebhookSettings(
            name: name,
            target: WebhookTarget(isTLS: url.isTLS, host: url.host, port: url.port, path: url.path),
            keys: secrets.map(\.key),
            guardian: DeliveryGuard(allowed: ranges),
            filter: filter,
            timeout: timeout ?? .seconds(20),
            authorities: authorities,
            // The log has it, so it is made of a digest, never of the secrets themselves.
            setup: .fingerprint(["webhook", fingerprint]),
        )
        return ChannelSettings(
            name: name,
            kind: .webhook,
            gathers: false,
            fingerprint: fingerprint,
            objection: { $0.isEmpty ? nil : "a webhook has one address, its url; leave `to` out" },
            open: { try WebhookChannel(settings, world: $0) },
        )
    }

    private func filter(_ members: [String: Node]) -> WebhookFilter {
        var types = Set<String>()
        for (index, item) in reader.list(members["events"], path + ".events").enumerated() {
            let place = "\(path).events[\(index)]"
            guard let text = reader.text(item, place) else { continue }
            if WebhookPayload.types.contains(text) {
                types.insert(text)
                continue
            }
            let known = WebhookPayload.types
            let nearest = NearestName.find(text, among: known)
            let advice = nearest.map { "did you mean \($0)?" } ?? "known are \(known.joined(separator: ", "))"
            reader.fail(item, place, "\"\(text)\" is not an event that a webhook is told of; \(advice)")
        }
        let connections = reader.identifiers(
            members["connections"],
            path + ".connections",
            ConnectionName.self,
            "a connection's name",
        )
        let groups = reader.identifiers(members["groups"], path + ".groups", GroupName.self, "a group's name")
        return WebhookFilter(types: types, connections: Set(connections), groups: Set(groups))
    }

    private func url(_ node: Node?) -> HTTPAddress? {
        guard let text = reader.text(node, path + ".url") else { return nil }
        guard let url = HTTPAddress(text) else {
            reader.fail(node, path + ".url", "\"\(text)\" is not https://HOST[:PORT][/PATH]")
            return nil
        }
        guard url.isTLS || Configuration.Address(host: url.host, port: url.port).isLoopback else {
            reader.fail(node, path + ".url", "tells \(url.host) of approvals without TLS; use https://")
            return nil
        }
        guard !DeliveryGuard.refuses(port: url.port) else {
            reader.fail(node, path + ".url", "names the port \(url.port), which is another protocol's")
            return nil
        }
        return url
    }

    private func secrets(_ node: Node?) -> [(text: String, key: WebhookKey)] {
        reader.list(node, path + ".secrets").enumerated().compactMap {
            index,
            item -> (text: String, key: WebhookKey)? in
            let place = "\(path).secrets[\(index)]"
            guard let secret = reader.secret(item, place) else { return nil }
            // A reviewer's machine has none; any key will do, because nothing is sent there.
            let text = reader.world.hasSecrets ? secret : WebhookSecret.make()
            do throws(ChannelFault) {
                // A machine without the secrets checks all the rest.
                let key = try WebhookKey(
                    reader.world.hasSecrets ? text : "whsec_" + String(repeating: "A", count: 32)
                )
                // A key that only checks is found here, and not when the first webhook is to be signed.
                _ = try WebhookMessage(id: "trial", body: []).headers(at: Timestamp(microseconds: 0), keys: [key])
                return (text, key)
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
