import CountersignCards
import CountersignChannels
import CountersignCore
import CountersignProxy
import Yams

/// Reads a channel of the kind `slack`.
struct SlackReading {
    let reader: NodeReader
    let path: String

    private static let known = [
        "name", "kind", "app", "team", "token", "signing_secret", "app_token", "match_email", "per_second", "burst",
        "api_url", "ca",
    ]

    func read(_ node: Node) -> ChannelSettings? {
        let members = reader.mapping(node, path, known: Self.known)
        let name = reader.channelName(members, of: node, path)
        let appID = id(members, "app", "A", "Basic Information")
        let app = reader.require(appID, members, "app", of: node, path)
        let team = id(members, "team", "T", "the workspace's address in a browser")
        let botToken = self.token(members, "token", "xoxb-")
        let token = reader.require(botToken, members, "token", of: node, path)
        let secret = reader.secret(members["signing_secret"], path + ".signing_secret")
        let signature = secret.flatMap { verifier($0, members["signing_secret"]) }
        let appToken = members["app_token"] == nil ? nil : self.token(members, "app_token", "xapp-")
        if members["signing_secret"] == nil, members["app_token"] == nil {
            reader.fail(
                node,
                path,
                "lacks signing_secret (Slack calls this server) or app_token (Socket Mode): no button would do anything"
            )
        }
        let api = members["api_url"] == nil ? HTTPAddress("https://slack.com/api") : address(members["api_url"])
        let authority = authority(members["ca"])
        guard let name, let app, let token, let api else { return nil }
        let settings = SlackSettings(
            name: name,
            app: app,
            team: team,
            token: token,
            signature: signature,
            appToken: appToken,
            matchesEmail: reader.flag(members["match_email"], path + ".match_email") ?? true,
            perSecond: Double(reader.number(members["per_second"], path + ".per_second", in: 1...10_000) ?? 1),
            burst: reader.number(members["burst"], path + ".burst", in: 1...10_000) ?? 4,
            apiURL: api.text,
            isLocal: isLocal(api),
            trustRoots: authority,
        )
        return ChannelSettings(
            name: name,
            kind: .slack,
            gathers: true,
            fingerprint: .fingerprint([
                app, team ?? "", token, secret ?? "", appToken ?? "", "\(settings.matchesEmail)",
                "\(settings.perSecond)", "\(settings.burst)", api.text, authority ?? "",
            ]),
            objection: SlackSettings.objection(to:),
            open: { try SlackChannel(settings, world: $0) },
        )
    }

    private func id(_ members: [String: Node], _ key: String, _ letter: String, _ place: String) -> String? {
        guard let text = reader.text(members[key], "\(path).\(key)") else { return nil }
        let isPlain = text.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) }
        guard isPlain, text.utf8.starts(with: letter.utf8), (2...32).contains(text.utf8.count) else {
            reader.fail(members[key], "\(path).\(key)", "is not an id like \(letter)0123456789; it is in \(place)")
            return nil
        }
        return text
    }

    private func token(_ members: [String: Node], _ key: String, _ start: String) -> String? {
        guard let text = reader.secret(members[key], "\(path).\(key)") else { return nil }
        guard reader.world.hasSecrets else { return text }
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isPlain, text.utf8.starts(with: start.utf8) else {
            reader.fail(members[key], "\(path).\(key)", "the secret does not begin with \(start), so it is another one")
            return nil
        }
        return text
    }

    private func verifier(_ secret: String, _ node: Node?) -> SlackSignature? {
        guard reader.world.hasSecrets else { return nil }
        do throws(ChannelFault) {
            return try SlackSignature(signingSecret: secret)
        } catch {
            reader.fail(node, path + ".signing_secret", error.message)
            return nil
        }
    }

    private func address(_ node: Node?) -> HTTPAddress? {
        guard let text = reader.text(node, path + ".api_url") else { return nil }
        guard let url = HTTPAddress(text) else {
            reader.fail(node, path + ".api_url", "\"\(text)\" is not https://HOST[:PORT][/PATH]")
            return nil
        }
        guard url.isTLS || isLocal(url) else {
            reader.fail(node, path + ".api_url", "sends the bot's token to \(url.host) without TLS; use https://")
            return nil
        }
        return url
    }

    private func isLocal(_ url: HTTPAddress) -> Bool {
        Configuration.Address(host: url.host, port: url.port).isLoopback
    }

    private func authority(_ node: Node?) -> String? {
        guard let authority = reader.path(node, path + ".ca") else { return nil }
        if reader.world.checksTLS {
            do {
                try TLSFiles.checkCertificates(authority)
            } catch {
                reader.fail(node, path + ".ca", error.message)
            }
        }
        return authority
    }
}
