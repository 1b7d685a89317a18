import CountersignCore
import CountersignProxy
import HTTPWire
import Yams

/// Reads one item of `connections`.
struct ConnectionReader {
    let reader: NodeReader
    let path: String

    /// One connection, as the gateway, policy and the log see it.
    struct Read {
        /// The gateway's side.
        enum Link {
            case http(HTTPConnection)
            case mcp(MCPConnection)
            /// Nothing lies behind it: a coding agent asks before it does something itself.
            case hook
        }

        let link: Link
        let described: Connection
        /// How long its payloads are kept.
        let retention: RetentionRules.Term?
    }

    private static let common = [
        "name", "kind", "upstream", "credential", "labels", "tls", "timeouts", "retention", "forward_grant",
    ]
    private static let hook = ["name", "kind", "labels", "tools", "retention"]
    private static let http = ["routes", "body", "allow_method_override"]
    private static let mcp = [
        "servers", "command", "environment", "directory", "transport", "protocol", "trust_annotations", "tools",
        "pack", "origins", "message", "definitions", "reviewers",
    ]

    /// The connection; `nil` if something is wrong, which the reader then knows.
    func read(_ node: Node) -> Read? {
        let (isMCP, isHook) = (Self.kind(node) == "mcp", Self.kind(node) == "hook")
        let known = isHook ? Self.hook : Self.common + (isMCP ? Self.mcp : Self.http)
        let members = reader.mapping(node, path, known: known)
        let what = "a connection's name: at most 63 letters, digits, - and _"
        let name = reader.identifier(members["name"], path + ".name", ConnectionName.self, what)
        let kind = reader.text(members["kind"], path + ".kind")
        _ = reader.require(name, members, "name", of: node, path)
        _ = reader.require(kind, members, "kind", of: node, path)
        if let kind, kind != "http", !isMCP, !isHook {
            reader.fail(
                members["kind"],
                path + ".kind",
                "\"\(kind)\" is not a kind that this version has; there are http, mcp and hook"
            )
        }
        if let name, ["v1", "access", "log", "healthz", "countersign"].contains(name.rawValue) {
            reader.fail(
                members["name"],
                path + ".name",
                "\"\(name)\" is a path of the product's own; choose another name"
            )
        }
        let labels = labels(members["labels"])
        let retention = reader.retention(members["retention"], path + ".retention")
        let hook = isHook ? HookTools(rules: toolRules(members["tools"])) : nil
        let link: Read.Link? =
            if isHook {
                .hook
            } else if isMCP {
                mcp(members, of: node, name).map { .mcp($0) }
            } else {
                http(members, of: node, name)
            }
        guard let name, let kind, let link else { return nil }
        return Read(
            link: link,
            described: Connection(
                name: name,
                kind: kind,
                labels: labels,
                tools: isMCP ? review(members) : nil,
                hook: hook,
            ),
            retention: retention,
        )
    }

    private static func kind(_ node: Node) -> String? {
        guard case .mapping(let mapping) = node else { return nil }
        return mapping.first { $0.key.scalar?.string == "kind" }?.value.scalar?.string
    }

    private func http(_ members: [String: Node], of node: Node, _ name: ConnectionName?) -> Read.Link? {
        let routes = routes(members["routes"])
        let body = reader.mapping(members["body"], path + ".body", known: ["inline", "maximum"])
        let inline = reader.size(body["inline"], path + ".body.inline") ?? 65_536
        if inline > 8 << 20 { reader.fail(body["inline"], path + ".body.inline", "is more than 8MiB") }
        let maximum = reader.size(body["maximum"], path + ".body.maximum") ?? 10 << 30
        let overrides = overrides(members["allow_method_override"])
        let target = target(
            members,
            of: node,
            name,
            routes: routes,
            inlineBody: Int(clamping: inline),
            maximumBody: maximum,
            methodOverrides: overrides,
        )
        return target.map { .http($0) }
    }

    /// The HTTP side of a connection: address, credential, TLS, time-outs.
    func target(
        _ members: [String: Node],
        of node: Node,
        _ name: ConnectionName?,
        routes: [HTTPConnection.Route] = [],
        inlineBody: Int = 65_536,
        maximumBody: UInt64 = 10 << 30,
        methodOverrides: Set<String> = [],
    ) -> HTTPConnection? {
        let upstream = upstream(members["upstream"])
        _ = reader.require(upstream, members, "upstream", of: node, path)
        let credential = credential(members["credential"])
        let tls = reader.mapping(members["tls"], path + ".tls", known: ["ca"])
        let authority = reader.path(tls["ca"], path + ".tls.ca")
        if let authority, reader.world.checksTLS {
            do {
                try TLSFiles.checkCertificates(authority)
            } catch {
                reader.fail(tls["ca"], path + ".tls.ca", error.message)
            }
        }
        let timeouts = reader.mapping(members["timeouts"], path + ".timeouts", known: ["connect", "idle"])
        let connect = reader.duration(timeouts["connect"], path + ".timeouts.connect") ?? .seconds(10)
        let idle = reader.duration(timeouts["idle"], path + ".timeouts.idle") ?? .seconds(300)
        let forwardsGrant = reader.flag(members["forward_grant"], path + ".forward_grant") ?? true
        guard let name, let upstream else { return nil }
        return HTTPConnection(
            name: name,
            upstream: upstream,
            credential: credential,
            routes: routes,
            inlineBody: inlineBody,
            maximumBody: maximumBody,
            methodOverrides: methodOverrides,
            connectTimeout: connect,
            idleTimeout: idle,
            trustRoots: authority,
            forwardsGrant: forwardsGrant,
        )
    }

    private func upstream(_ node: Node?) -> HTTPConnection.Upstream? {
        guard let text = reader.text(node, path + ".upstream") else { return nil }
        guard let address = HTTPAddress(text) else {
            reader.fail(node, path + ".upstream", "\"\(text)\" is not http://HOST[:PORT][/PATH] or https://…")
            return nil
        }
        return HTTPConnection.Upstream(
            isTLS: address.isTLS,
            host: address.host,
            port: address.port,
            basePath: address.basePath,
            path: address.path,
        )
    }

    private func credential(_ node: Node?) -> HTTPConnection.Credential? {
        guard let node else { return nil }
        let path = path + ".credential"
        let members = reader.mapping(node, path, known: ["header", "value"])
        let header = reader.text(members["header"], path + ".header") ?? "Authorization"
        if !Self.isToken(header) {
            reader.fail(members["header"], path + ".header", "\"\(header)\" is not a header field's name")
        }
        let value = reader.secret(members["value"], path + ".value")
        guard let value = reader.require(value, members, "value", of: node, path) else { return nil }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            reader.fail(members["value"], path + ".value", "refers to a text with control characters")
            return nil
        }
        return HTTPConnection.Credential(header: header, value: value)
    }

    func labels(_ node: Node?) -> [String: String] {
        guard let node else { return [:] }
        guard case .mapping(let mapping) = node else {
            reader.fail(node, path + ".labels", "must be names and values, for instance {env: prod}")
            return [:]
        }
        var labels = [String: String]()
        for (key, value) in mapping {
            guard let name = reader.text(key, path + ".labels") else { continue }
            guard let text = reader.text(value, path + ".labels." + name) else { continue }
            labels[name] = text
        }
        return labels
    }

    func routes(_ node: Node?) -> [HTTPConnection.Route] {
        reader.list(node, path + ".routes").enumerated().compactMap { index, item in
            let path = "\(path).routes[\(index)]"
            let members = reader.mapping(item, path, known: ["match", "operation", "effect"])
            let operation = operation(members["operation"], path)
            let effect = effect(members["effect"], path)
            let match = reader.text(members["match"], path + ".match")
            guard let match = reader.require(match, members, "match", of: item, path) else { return nil }
            let parts = match.split(separator: " ", omittingEmptySubsequences: true)
            guard parts.count == 2, Self.isToken(String(parts[0])), let template = PathTemplate(String(parts[1])) else {
                reader.fail(
                    members["match"],
                    path + ".match",
                    "\"\(match)\" is not METHOD /path/{name}, or * for the method"
                )
                return nil
            }
            return HTTPConnection.Route(
                method: String(parts[0]),
                template: template,
                operation: operation,
                effect: effect,
            )
        }
    }

    func operation(_ node: Node?, _ path: String) -> String? {
        guard let name = reader.text(node, path + ".operation") else { return nil }
        guard name.utf8.count <= 128, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
            reader.fail(node, path + ".operation", "must be ASCII without spaces and slashes")
            return nil
        }
        return name
    }

    func effect(_ node: Node?, _ path: String) -> Effect? {
        guard let text = reader.text(node, path + ".effect") else { return nil }
        guard let effect = Effect(rawValue: text) else {
            let known = Effect.allCases.map(\.rawValue)
            let advice = NearestName.find(text, among: known).map { "did you mean \($0)?" }
            reader.fail(
                node,
                path + ".effect",
                "\"\(text)\" is not an effect; " + (advice ?? "known are \(known.joined(separator: ", "))"),
            )
            return nil
        }
        return effect
    }

    private func overrides(_ node: Node?) -> Set<String> {
        let known = ["x-http-method-override", "x-http-method", "x-method-override"]
        var names = Set<String>()
        for (index, item) in reader.list(node, path + ".allow_method_override").enumerated() {
            let place = "\(path).allow_method_override[\(index)]"
            guard let name = reader.text(item, place)?.lowercased() else { continue }
            guard known.contains(name) else {
                reader.fail(
                    item,
                    place,
                    "\"\(name)\" is not a method-override header; known are \(known.joined(separator: ", "))"
                )
                continue
            }
            names.insert(name)
        }
        return names
    }

    /// Whether a text can be the name of a method or of a header field.
    static func isToken(_ text: String) -> Bool {
        let others = Array("!#$%&'*+-.^_`|~".utf8)
        return !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || others.contains(byte)
            }
    }
}
