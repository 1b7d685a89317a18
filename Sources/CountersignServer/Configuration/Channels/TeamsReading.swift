import CountersignCards
import CountersignChannels
import CountersignCore
import Yams

/// Reads a channel of the kind `teams`.
struct TeamsReading {
    let reader: NodeReader
    let path: String

    private static let known = [
        "name", "kind", "app_id", "app_secret", "tenant", "service_url", "match_email", "login_url", "login_tenant",
        "metadata_url", "issuer",
    ]
    private static let login = "https://login.microsoftonline.com"
    private static let metadata = "https://login.botframework.com/v1/.well-known/openidconfiguration"
    private static let issuer = "https://api.botframework.com"

    func read(_ node: Node) -> ChannelSettings? {
        let members = reader.mapping(node, path, known: Self.known)
        let name = reader.channelName(members, of: node, path)
        let application = reader.require(guid(members, "app_id"), members, "app_id", of: node, path)
        let tenant = reader.require(guid(members, "tenant"), members, "tenant", of: node, path)
        let secret = reader.require(
            members["app_secret"].flatMap { reader.secret($0, path + ".app_secret") },
            members,
            "app_secret",
            of: node,
            path
        )
        let service = address(members, "service_url")
        let login = address(members, "login_url")?.text ?? Self.login
        let loginTenant = reader.text(members["login_tenant"], path + ".login_tenant")
        if let loginTenant, !loginTenant.utf8.allSatisfy(Self.isWord) {
            reader.fail(
                members["login_tenant"],
                path + ".login_tenant",
                "\"\(loginTenant)\" is no tenant; leave it out, or write botframework.com for a bot of many tenants"
            )
        }
        let metadata = address(members, "metadata_url")?.text ?? Self.metadata
        let issuer = reader.text(members["issuer"], path + ".issuer") ?? Self.issuer
        let matchesEmail = reader.flag(members["match_email"], path + ".match_email") ?? true
        guard let name, let application, let tenant, let secret else { return nil }
        let tokenURL = "\(Self.trimmed(login))/\(loginTenant ?? tenant)/oauth2/v2.0/token"
        let settings = TeamsSettings(
            name: name,
            application: application,
            secret: secret,
            tenant: tenant,
            service: service,
            matchesEmail: matchesEmail,
            tokenURL: tokenURL,
            metadataURL: metadata,
            issuer: issuer,
        )
        return ChannelSettings(
            name: name,
            kind: .teams,
            application: application,
            gathers: true,
            fingerprint: .fingerprint([
                name.rawValue, application, tenant, secret, service?.text ?? "", tokenURL, metadata, issuer,
                "\(matchesEmail)",
            ]),
            objection: { Self.objection(to: $0) },
            open: { TeamsChannel(settings, world: $0) },
        )
    }

    /// What is wrong with a conversation's id.
    private static func objection(to address: String) -> String? {
        guard TeamsActivity.isIdentifier(address), !address.utf8.contains(UInt8(ascii: ";")) else {
            return "must be the id of a conversation, 19:…@thread.tacv2, without ;messageid=: the bot says it when it "
                + "is added"
        }
        return nil
    }

    private func guid(_ members: [String: Node], _ key: String) -> String? {
        guard let text = reader.text(members[key], path + "." + key) else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.map(\.count) == [8, 4, 4, 4, 12], parts.joined().allSatisfy(Self.isHexadecimal) else {
            reader.fail(members[key], path + "." + key, "\"\(text)\" is not an id of the form 8-4-4-4-12 digits")
            return nil
        }
        return text.lowercased()
    }

    private func address(_ members: [String: Node], _ key: String) -> TeamsServiceURL? {
        guard let text = reader.text(members[key], path + "." + key) else { return nil }
        guard let url = TeamsServiceURL(text) else {
            reader.fail(members[key], path + "." + key, "\"\(text)\" is not https://HOST[:PORT][/PATH]")
            return nil
        }
        return url
    }

    private static func trimmed(_ url: String) -> Substring {
        url.utf8.last == UInt8(ascii: "/") ? url.dropLast() : url[...]
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 6
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10 || (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }
}
