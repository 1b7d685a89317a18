import CountersignCards
import CountersignChannels
import CountersignCore
import Yams

/// Reads a channel of the kind `email`.
struct EmailReading {
    let reader: NodeReader
    let path: String

    private static let known = [
        "name", "kind", "server", "security", "username", "password", "from", "greeting", "timeout", "tls",
    ]

    func read(_ node: Node) -> ChannelSettings? {
        let members = reader.mapping(node, path, known: Self.known)
        let name = reader.channelName(members, of: node, path)
        let security = security(members["security"])
        let server = reader.require(server(members["server"], security), members, "server", of: node, path)
        let sender = reader.require(sender(members["from"]), members, "from", of: node, path)
        let credentials = credentials(members, security, of: node)
        let greeting = greeting(members["greeting"])
        let timeout = reader.duration(members["timeout"], path + ".timeout", atLeast: .milliseconds(100))
        let authorities = reader.authorities(members["tls"], path + ".tls")
        guard let name, let server, let sender else { return nil }
        if security == .none, !server.isLoopback {
            reader.fail(
                members["security"],
                path + ".security",
                "sends mail to \(server.host) without TLS; use starttls"
            )
        }
        let settings = EmailSettings(
            name: name,
            host: server.host,
            port: server.port,
            sender: sender,
            terms: SMTPTerms(
                security: security,
                credentials: credentials?.credentials,
                greeting: greeting ?? sender.address.domain,
            ),
            timeout: timeout ?? .seconds(30),
            authorities: authorities,
        )
        let parts = [
            "\(server)", security.rawValue, sender.address.text, sender.name, credentials?.text ?? "", greeting ?? "",
            timeout.map { "\($0)" } ?? "", authorities ?? "",
        ]
        return ChannelSettings(
            name: name,
            kind: .email,
            gathers: true,
            fingerprint: .fingerprint(parts),
            longestAddress: MailAddress.longestList,
            objection: { address in
                MailAddress.list(address) == nil
                    ? "is not a list of up to \(MailAddress.maximumList) mail addresses: write alice@example.com, or "
                        + "several with commas" : nil
            },
            open: { try EmailChannel(settings, world: $0) },
        )
    }

    private func security(_ node: Node?) -> SMTPTerms.Security {
        guard let text = reader.text(node, path + ".security") else { return .startTLS }
        if let security = SMTPTerms.Security(rawValue: text) { return security }
        reader.fail(node, path + ".security", "\"\(text)\" is not starttls, tls or none")
        return .startTLS
    }

    private func server(_ node: Node?, _ security: SMTPTerms.Security) -> Configuration.Address? {
        guard let text = reader.text(node, path + ".server") else { return nil }
        let port =
            switch security {
            case .startTLS: 587
            case .tls: 465
            case .none: 25
            }
        if let address = Configuration.Address(text) ?? Configuration.Address("\(text):\(port)") { return address }
        reader.fail(node, path + ".server", "\"\(text)\" is not HOST or HOST:PORT")
        return nil
    }

    private func sender(_ node: Node?) -> Mailbox? {
        guard let text = reader.text(node, path + ".from") else { return nil }
        if let mailbox = Mailbox(text) { return mailbox }
        reader.fail(
            node,
            path + ".from",
            "\"\(text)\" is not a sender; write countersign@example.com or \"Countersign <countersign@example.com>\"",
        )
        return nil
    }

    private func greeting(_ node: Node?) -> String? {
        guard let text = reader.text(node, path + ".greeting") else { return nil }
        if MailAddress("a@\(text)") != nil { return text }
        reader.fail(node, path + ".greeting", "\"\(text)\" is not a host's name")
        return nil
    }

    private func credentials(
        _ members: [String: Node],
        _ security: SMTPTerms.Security,
        of node: Node,
    ) -> (credentials: SMTPTerms.Credentials, text: String)? {
        let user = reader.text(members["username"], path + ".username")
        let password = reader.secret(members["password"], path + ".password")
        if (members["username"] == nil) != (members["password"] == nil) {
            reader.fail(node, path, "has username or password only; they belong together")
        }
        guard let user, let password else { return nil }
        if security == .none {
            reader.fail(members["username"], path + ".username", "signs in without TLS; use security: starttls or tls")
        }
        guard !(user + password).utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }), user.utf8.count <= 320,
            password.utf8.count <= 1000
        else {
            reader.fail(
                members["username"],
                path + ".username",
                "or its password is too long or has control characters"
            )
            return nil
        }
        return (SMTPTerms.Credentials(user: user, password: password), "\(user)\n\(password)")
    }
}
