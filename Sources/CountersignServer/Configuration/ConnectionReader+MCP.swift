import CountersignCore
import CountersignProxy
import Yams

extension ConnectionReader {
    /// An MCP connection: an address, or a command that the gateway runs.
    func mcp(_ members: [String: Node], of node: Node, _ name: ConnectionName?) -> MCPConnection? {
        let era = choice(members["protocol"], "protocol", MCPConnection.Era.self) ?? .auto
        let transport = choice(members["transport"], "transport", Transport.self) ?? .http
        let trusts = reader.flag(members["trust_annotations"], path + ".trust_annotations") ?? false
        let tools = tools(members)
        let origins = reader.list(members["origins"], path + ".origins").enumerated().compactMap { index, item in
            reader.text(item, "\(path).origins[\(index)]")
        }
        let message = reader.mapping(members["message"], path + ".message", known: ["maximum", "answer"])
        let maximum = reader.size(message["maximum"], path + ".message.maximum") ?? 16 << 20
        if maximum > 64 << 20 { reader.fail(message["maximum"], path + ".message.maximum", "is more than 64MiB") }
        let answer = reader.size(message["answer"], path + ".message.answer") ?? 128 << 20
        if answer > 1 << 30 { reader.fail(message["answer"], path + ".message.answer", "is more than 1GiB") }
        guard let link = link(members, of: node, name, transport), let name else { return nil }
        return MCPConnection(
            name: name,
            link: link,
            era: era,
            tools: tools,
            trustsAnnotations: trusts,
            origins: Set(origins),
            maximumMessage: Int(clamping: maximum),
            maximumAnswer: Int(clamping: answer),
        )
    }

    /// What the tools do: what the configuration says itself, and then a pack.
    func tools(_ members: [String: Node]) -> [ToolRule] {
        toolRules(members["tools"]) + (choice(members["pack"], "pack", ToolPack.self)?.rules ?? [])
    }

    /// How definitions of tools come to be accepted; a connection that joins others has no tools of its own.
    func review(_ members: [String: Node]) -> ToolReview? {
        if members["servers"] != nil { return nil }
        let mode = choice(members["definitions"], "definitions", ToolReview.Mode.self) ?? .firstUse
        let what = "a group's name"
        let reviewers = reader.identifiers(members["reviewers"], path + ".reviewers", GroupName.self, what)
        return ToolReview(mode: mode, reviewers: reviewers)
    }

    private static let serverKeys = [
        "upstream", "command", "credential", "tls", "timeouts", "forward_grant", "transport", "tools", "definitions",
        "reviewers",
    ]

    private enum Transport: String, CaseIterable {
        case http
        case sse
    }

    private func link(
        _ members: [String: Node],
        of node: Node,
        _ name: ConnectionName?,
        _ transport: Transport,
    ) -> MCPConnection.Link? {
        if let node = members["servers"] {
            for key in Self.serverKeys {
                if let other = members[key] {
                    reader.fail(other, path + "." + key, "is for a server; this connection joins others' (servers)")
                }
            }
            let what = "a connection's name: at most 63 letters, digits, - and _"
            let names = reader.identifiers(node, path + ".servers", ConnectionName.self, what)
            if names.isEmpty { reader.fail(node, path + ".servers", "must name the connections to join") }
            return .joined(names)
        }
        guard let command = members["command"] else {
            return target(members, of: node, name).map { transport == .sse ? .events($0) : .http($0) }
        }
        for key in ["upstream", "credential", "tls", "timeouts", "forward_grant", "transport"] {
            if let other = members[key] {
                reader.fail(other, path + "." + key, "is for a server with an address; this connection has a command")
            }
        }
        let arguments = reader.list(command, path + ".command").enumerated().compactMap { index, item in
            reader.text(item, "\(path).command[\(index)]")
        }
        guard !arguments.isEmpty else {
            if case .sequence(let items) = command, items.isEmpty {
                reader.fail(command, path + ".command", "must name a program and its arguments")
            }
            return nil
        }
        return .command(
            MCPCommand(
                arguments: arguments,
                environment: environment(members["environment"]),
                directory: reader.path(members["directory"], path + ".directory"),
            )
        )
    }

    /// Values are secrets by reference, or plain text: a child's settings are not all secret.
    private func environment(_ node: Node?) -> [String: String] {
        guard let node else { return [:] }
        let path = path + ".environment"
        guard case .mapping(let mapping) = node else {
            reader.fail(node, path, "must be names and values, for instance {TOKEN: \"env:FILES_TOKEN\"}")
            return [:]
        }
        var environment = [String: String]()
        for (key, value) in mapping {
            guard let name = reader.text(key, path) else { continue }
            guard let text = reader.text(value, path + "." + name) else { continue }
            environment[name] = SecretReference(text) == nil ? text : reader.secret(value, path + "." + name)
        }
        return environment
    }

    func toolRules(_ node: Node?) -> [MCPConnection.ToolRule] {
        reader.list(node, path + ".tools").enumerated().compactMap { index, item in
            let path = "\(path).tools[\(index)]"
            let members = reader.mapping(item, path, known: ["match", "effect"])
            let match = reader.text(members["match"], path + ".match")
            let effect = effect(members["effect"], path)
            _ = reader.require(effect, members, "effect", of: item, path)
            guard let match = reader.require(match, members, "match", of: item, path), let effect else { return nil }
            return MCPConnection.ToolRule(pattern: match, effect: effect)
        }
    }

    private func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ node: Node?,
        _ key: String,
        _ type: Choice.Type,
    ) -> Choice? {
        guard let text = reader.text(node, path + "." + key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map(\.rawValue)
        let advice = NearestName.find(text, among: known).map { "did you mean \($0)?" }
        reader.fail(
            node,
            path + "." + key,
            "\"\(text)\" is not one of \(known.joined(separator: ", "))" + (advice.map { "; \($0)" } ?? ""),
        )
        return nil
    }
}
