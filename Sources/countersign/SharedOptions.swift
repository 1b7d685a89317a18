import ArgumentParser
import CanonicalJSON
import CountersignServer

/// Where the configuration is.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The configuration; countersign.yaml if there is one.")
    var config: String?

    /// The configuration named, the one that lies here, or the defaults.
    ///
    /// Without secrets: they are in the gateway's environment, and whoever types a command has none of them.
    func load() throws -> Configuration {
        let path = config ?? "countersign.yaml"
        if config == nil, !LocalFile.exists(path) { return .defaults() }
        switch ConfigurationWorld.system.read(path) {
        case .failure(let problem): throw StartupError("cannot read \(path): \(problem.message)")
        case .success(let bytes):
            do {
                return try Configuration.read(file: path, bytes: bytes, world: .withoutSecrets)
            } catch {
                throw StartupError("the configuration has errors:\n\(error)")
            }
        }
    }
}

/// Where the server is, and who asks.
struct AccessOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(help: "The server; else COUNTERSIGN_URL, else listen.control of the configuration.")
    var url: String?

    @Option(help: "A bearer token; else COUNTERSIGN_TOKEN, else one is made with the data folder's key.")
    var token: String?

    @Option(name: .customLong("as"), help: "The user as whom to act, with the data folder's key.")
    var user: String?

    /// What they come to.
    func access() throws -> ControlAccess {
        try ControlAccess(configuration: try configuration.load(), url: url, token: token, user: user)
    }
}

/// Where the accepted definitions of tools are.
struct DefinitionOptions: ParsableArguments {
    @Option(
        name: .customLong("tools"),
        help: "Accepted definitions of tools: a data folder, or what `tools list --definitions --json` wrote; - for it."
    )
    var source: String?

    /// The definitions; `nil` if none are named.
    func definitions() throws -> AcceptedDefinitions? { try source.map { try AcceptedDefinitions(path: $0) } }
}

/// How the answer is printed.
struct FormatOptions: ParsableArguments {
    @Flag(help: "Print JSON for programs.")
    var json = false

    /// Prints one way or the other.
    func print(_ value: JSONValue, _ text: () -> Void) {
        if json { Output.json(value) } else { text() }
    }
}

extension ControlClient {
    /// An answer that went well, as JSON.
    func value(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let answer = try await send(method, path, body)
        guard answer.isSuccess else { throw Failure(of: answer) }
        return answer.json ?? .null
    }

    /// All items of a list, page by page, up to `limit`.
    func list(_ path: String, query: [(String, String?)] = [], limit: Int) async throws -> [JSONValue] {
        var items = [JSONValue]()
        var cursor: String?
        repeat {
            var pairs = query.compactMap { name, value in value.map { "\(name)=\(Query.encode($0))" } }
            if !["/v1/agents", "/v1/users", "/v1/keys", "/v1/links"].contains(path) {
                pairs.append("limit=\(min(200, limit - items.count))")
            }
            if let cursor { pairs.append("cursor=\(Query.encode(cursor))") }
            let page = try await value("GET", pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&"))
            items += page["items"]?.arrayValue ?? []
            cursor = page["next_cursor"]?.stringValue
        } while cursor != nil && items.count < limit
        return items
    }
}

/// Percent-encodes what goes into a path or a query.
enum Query {
    /// Everything but unreserved characters is escaped.
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes = [UInt8]()
        for byte in text.utf8 {
            let isPlain =
                (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || [45, 46, 95, 126].contains(byte)
            if isPlain { bytes.append(byte) } else { bytes += [37, digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
