import CountersignCore
import CountersignLog
import CountersignProxy
import Yams

/// Reads `exports`.
struct ExportReading {
    let reader: NodeReader

    /// Every export; what is wrong, the reader then knows.
    func read(_ node: Node?) -> [ExportSettings] {
        var exports = [ExportSettings]()
        for (index, item) in reader.list(node, "exports").enumerated() {
            let path = "exports[\(index)]"
            guard let export = ExportItem(reader: reader, path: path).read(item) else { continue }
            if exports.contains(where: { $0.name == export.name }) {
                reader.fail(item, path + ".name", "there are two exports of the name \(export.name)")
            }
            let writesAlone =
                switch export.destination {
                case .file, .standardOutput: true
                case .http, .syslog: false
                }
            if writesAlone, exports.contains(where: { $0.destination == export.destination }) {
                reader.fail(item, path + ".to", "two exports cannot both write to \(export.destination)")
            }
            exports.append(export)
        }
        return exports
    }
}

/// Reads one item of `exports`.
private struct ExportItem {
    let reader: NodeReader
    let path: String

    private static let known = [
        "name", "to", "format", "framing", "headers", "kinds", "from", "batch", "tls", "enterprise",
        "timeout",
    ]
    /// Fields that a request has anyway, or that would change what it means.
    private static let ownHeaders: Set = [
        "connection", "content-length", "content-type", "countersign-export", "countersign-export-range",
        "countersign-log", "expect", "host", "idempotency-key", "te", "trailer", "transfer-encoding", "upgrade",
        "user-agent",
    ]

    func read(_ node: Node) -> ExportSettings? {
        let members = reader.mapping(node, path, known: Self.known)
        let what = "an export's name: at most 63 letters, digits, - and _"
        let name = reader.identifier(members["name"], path + ".name", ConnectionName.self, what)
        let destination = destination(members["to"])
        _ = reader.require(name, members, "name", of: node, path)
        _ = reader.require(destination, members, "to", of: node, path)
        let format = choice(members, "format", ExportSettings.Format.self) ?? .ndjson
        let framing = choice(members, "framing", ExportSettings.Framing.self) ?? .ndjson
        let start = choice(members, "from", ExportSettings.Start.self) ?? .beginning
        let headers = headers(members["headers"])
        let kinds = kinds(members["kinds"])
        let batch = reader.number(members["batch"], path + ".batch", in: 1...10_000) ?? 500
        let enterprise = reader.number(members["enterprise"], path + ".enterprise", in: 1...0x7FFF_FFFF) ?? 32_473
        let timeout =
            reader.duration(members["timeout"], path + ".timeout", atLeast: .milliseconds(100)) ?? .seconds(30)
        let authority = authority(members["tls"])
        guard let name, let destination else { return nil }
        let uses =
            switch destination {
            case .file, .standardOutput: [String]()
            case .http: ["framing", "headers", "timeout", "tls"]
            case .syslog: ["enterprise", "timeout", "tls"]
            }
        for key in ["framing", "headers", "tls", "timeout", "enterprise"]
        where members[key] != nil && !uses.contains(key) {
            reader.fail(members[key], path + "." + key, "has no meaning for an export to \(destination)")
        }
        return ExportSettings(
            name: name.rawValue,
            destination: destination,
            format: format,
            framing: framing,
            headers: headers,
            kinds: kinds,
            start: start,
            batch: batch,
            timeout: timeout,
            trustRoots: authority,
            enterprise: enterprise,
        )
    }

    private func destination(_ node: Node?) -> ExportSettings.Destination? {
        let path = path + ".to"
        guard let text = reader.text(node, path) else { return nil }
        func rest(_ prefix: String) -> String? {
            text.utf8.starts(with: prefix.utf8) ? String(Substring(text.utf8.dropFirst(prefix.utf8.count))) : nil
        }
        if text == "stdout:" { return .standardOutput }
        if let file = rest("file:"), !file.isEmpty {
            return .file(FilePath.resolve(file, relativeTo: reader.folder))
        }
        if let receiver = rest("syslog+tls://") {
            let address = Configuration.Address(receiver) ?? Configuration.Address(receiver + ":6514")
            if let address { return .syslog(host: address.host, port: address.port) }
        }
        if let url = HTTPAddress(text) {
            guard url.isTLS || Configuration.Address(host: url.host, port: url.port).isLoopback else {
                reader.fail(node, path, "sends the log to \(url.host) without TLS; use https://")
                return nil
            }
            return .http(url.written)
        }
        reader.fail(
            node,
            path,
            "\"\(text)\" is not https://HOST[:PORT][/PATH], syslog+tls://HOST[:PORT], file:PATH or stdout:",
        )
        return nil
    }

    /// One of a few words.
    private func choice<Choice: RawRepresentable & CaseIterable>(
        _ members: [String: Node],
        _ key: String,
        _ type: Choice.Type,
    ) -> Choice? where Choice.RawValue == String {
        guard let text = reader.text(members[key], path + "." + key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map(\.rawValue).joined(separator: " or ")
        reader.fail(members[key], path + "." + key, "\"\(text)\" is not \(words)")
        return nil
    }

    private func headers(_ node: Node?) -> [ExportSettings.Header] {
        guard let node else { return [] }
        let path = path + ".headers"
        guard case .mapping(let mapping) = node else {
            reader.fail(node, path, "must be header fields: {Authorization: \"env:NAME\"}")
            return []
        }
        var headers = [ExportSettings.Header]()
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            guard ConnectionReader.isToken(name) else {
                reader.fail(key, path, "\"\(name)\" is not a header field's name")
                continue
            }
            guard !Self.ownHeaders.contains(name.lowercased()) else {
                reader.fail(key, path + "." + name, "is set by the export itself")
                continue
            }
            guard let secret = reader.secret(value, path + "." + name) else { continue }
            guard secret.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                reader.fail(value, path + "." + name, "refers to a text with control characters")
                continue
            }
            headers.append(ExportSettings.Header(name: name, value: secret))
        }
        return headers.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private func kinds(_ node: Node?) -> Set<EntryKind>? {
        guard let node else { return nil }
        let path = path + ".kinds"
        var kinds = Set<EntryKind>()
        for (index, item) in reader.list(node, path).enumerated() {
            guard let text = reader.text(item, "\(path)[\(index)]") else { continue }
            if let kind = EntryKind(rawValue: text) {
                kinds.insert(kind)
                continue
            }
            let known = EntryKind.allCases.map(\.rawValue)
            let nearest = NearestName.find(text, among: known)
            let advice = nearest.map { "did you mean \($0)?" } ?? "known are \(known.joined(separator: ", "))"
            reader.fail(item, "\(path)[\(index)]", "\"\(text)\" is not a kind of entry; \(advice)")
        }
        if kinds.isEmpty { reader.fail(node, path, "names no kind; leave the key out to export all") }
        return kinds
    }

    private func authority(_ node: Node?) -> String? {
        let tls = reader.mapping(node, path + ".tls", known: ["ca"])
        guard let authority = reader.path(tls["ca"], path + ".tls.ca") else { return nil }
        guard reader.world.checksTLS else { return authority }
        do {
            try TLSFiles.checkCertificates(authority)
        } catch {
            reader.fail(tls["ca"], path + ".tls.ca", error.message)
        }
        return authority
    }
}
