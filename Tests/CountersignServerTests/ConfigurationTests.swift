import CanonicalJSON
import CountersignCore
import CountersignIdentity
import CountersignProxy
import CountersignServer
import Testing

@Suite(.timeLimit(.minutes(10)))
struct ConfigurationTests {
    /// A machine with one variable and one file.
    static let world = ConfigurationWorld(
        environment: { ["BOT_KEY": "0123456789abcdef", "SHORT": "short", "TOKEN": "Bearer t"][$0] },
        read: { path in
            path == "/etc/cs/key" || path == "/etc/countersign/key"
                ? .success(Array("from-a-file-0123456789\n".utf8)) : .failure(.init(message: "No such file"))
        },
        checksTLS: false,
    )

    static func read(_ text: String) throws(ConfigurationErrors) -> Configuration {
        try Configuration.read(file: "/etc/cs/countersign.yaml", bytes: Array(text.utf8), world: world)
    }

    static func problems(_ text: String) -> [String] {
        do {
            _ = try read(text)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("an empty configuration has the documented defaults")
    func defaults() throws {
        let configuration = try Self.read("")
        #expect(configuration.control.description == "127.0.0.1:8640")
        #expect(configuration.gateway.description == "127.0.0.1:8641")
        #expect(configuration.publicURL == "http://127.0.0.1:8640")
        #expect(configuration.data == "/etc/cs/countersign-data")
        #expect(configuration.policies == "/etc/cs/policies")
        #expect(configuration.settings == EnforcementSettings())
    }

    @Test("a hook has rules for tools, and nothing behind it")
    func hook() throws {
        let text = """
            connections:
              - name: claude-code
                kind: hook
                labels: {env: laptop}
                tools: [{match: "mcp__*__get_*", effect: read}]
            """
        let configuration = try Self.read(text)
        #expect(configuration.connections.isEmpty && configuration.mcp.isEmpty)
        let described = try #require(configuration.described.first)
        #expect(described.kind == "hook" && described.protocolName == "mcp" && described.labels == ["env": "laptop"])
        #expect(described.hook?.effect(of: "mcp__github__get_issue", [:]) == .read)
        #expect(Self.problems(text + "\n    upstream: http://127.0.0.1:1").count == 1)
    }

    @Test("every documented key is read")
    func everything() throws {
        let configuration = try Self.read(
            """
            data: /var/lib/countersign
            policies: rules
            listen: {control: "[::1]:1", gateway: "0.0.0.0:2", postgres: "127.0.0.1:3", tls: {certificate: c.pem, key: k.pem}}
            public_url: https://countersign.example.com/
            log: {origin: countersign.example.com/log}
            hold: {http: 20s, in_transaction: 60s, expires: 2h}
            limits: {pending_per_agent: 7}
            connections:
              - name: orders-api
                kind: http
                upstream: https://orders.internal.example/base/
                credential: {header: X-Token, value: "env:TOKEN"}
                labels: {env: prod, data: pii}
                routes:
                  - {match: "POST /v1/exports", operation: exportOrders, effect: export}
                body: {inline: 16KiB, maximum: 1GiB}
                allow_method_override: [X-HTTP-Method-Override]
                tls: {ca: ca.pem}
                timeouts: {connect: 3s, idle: 1m}
            agents:
              - {id: bot, owner: olga@example.com, groups: [agents], on_behalf_of: [alice@example.com], key: "env:BOT_KEY"}
              - {id: bot-2, key: "file:key"}
            users:
              - {id: alice@example.com, groups: [dba]}
            """
        )
        #expect(configuration.control.description == "[::1]:1")
        #expect(configuration.tls?.certificate == "/etc/cs/c.pem")
        #expect(configuration.publicURL == "https://countersign.example.com")
        #expect(configuration.settings.holdHTTP == .seconds(20))
        #expect(configuration.settings.expires == .seconds(7200))
        #expect(configuration.settings.maximumPending == 7)
        let connection = try #require(configuration.connections.first)
        #expect(connection.upstream.host == "orders.internal.example")
        #expect(connection.upstream.port == 443)
        #expect(connection.upstream.basePath == "/base")
        #expect(connection.credential?.value == "Bearer t")
        #expect(connection.routes.map(\.operation) == ["exportOrders"])
        #expect(connection.inlineBody == 16_384)
        #expect(connection.maximumBody == 1 << 30)
        #expect(connection.methodOverrides == ["x-http-method-override"])
        #expect(connection.trustRoots == "/etc/cs/ca.pem")
        #expect(connection.connectTimeout == .seconds(3))
        #expect(configuration.described.first?.labels == ["env": "prod", "data": "pii"])
        #expect(configuration.identities.agents.first?.actsFor == [UserID(unchecked: "alice@example.com")])
        #expect(configuration.identities.keys.count == 2)
    }

    @Test("an MCP connection is an address, a command, or others joined")
    func mcp() throws {
        let configuration = try Self.read(
            """
            connections:
              - name: files
                kind: mcp
                upstream: https://mcp.internal.example/mcp
                credential: {value: "env:TOKEN"}
                protocol: legacy
                trust_annotations: true
                origins: ["https://app.example"]
                message: {maximum: 1MiB, answer: 2MiB}
                tools: [{match: "read_*", effect: read}]
              - {name: old, kind: mcp, upstream: "http://h/sse/", transport: sse}
              - name: shell
                kind: mcp
                command: [npx, -y, server]
                directory: work
                environment: {TOKEN: "env:TOKEN", MODE: plain}
              - {name: all, kind: mcp, servers: [files, shell]}
            """
        )
        #expect(configuration.mcp.map(\.name.rawValue) == ["files", "old", "shell", "all"])
        #expect(configuration.described.map(\.kind) == ["mcp", "mcp", "mcp", "mcp"])
        let files = configuration.mcp[0]
        guard case .http(let target) = files.link, case .events(let events) = configuration.mcp[1].link,
            case .command(let command) = configuration.mcp[2].link, case .joined(let names) = configuration.mcp[3].link
        else {
            Issue.record("the links are not what the configuration says")
            return
        }
        #expect(target.upstream.basePath == "/mcp")
        #expect(target.upstream.path == "/mcp" && events.upstream.path == "/sse/")
        #expect(target.credential?.header == "Authorization")
        #expect(files.era == .legacy)
        #expect(files.trustsAnnotations)
        #expect(files.origins == ["https://app.example"])
        #expect(files.maximumMessage == 1 << 20)
        #expect(files.maximumAnswer == 2 << 20)
        #expect(files.tools == [MCPConnection.ToolRule(pattern: "read_*", effect: .read)])
        #expect(command.arguments == ["npx", "-y", "server"])
        #expect(command.directory == "/etc/cs/work")
        #expect(command.environment["MODE"] == "plain")
        #expect(command.environment["TOKEN"] != "env:TOKEN")
        #expect(names.map(\.rawValue) == ["files", "shell"])
    }

    @Test("a pack says what a well-known server's tools do, after the configuration's own rules, and no more")
    func packs() throws {
        let configuration = try Self.read(
            """
            connections:
              - name: files
                kind: mcp
                command: [npx, -y, "@modelcontextprotocol/server-filesystem", /srv]
                pack: filesystem
                tools: [{match: "edit_file", effect: write}]
            """
        )
        let tools = try #require(configuration.mcp.first).tools
        func effect(_ name: String) -> Effect? { tools.first { $0.matches(name) }?.effect }
        #expect(effect("read_text_file") == .read)
        #expect(effect("write_file") == .delete)
        #expect(effect("edit_file") == .write)
        #expect(effect("read_anything_else") == nil)
        #expect(effect("Read_text_file") == nil)
    }

    /// A wrong configuration, and what the one problem must say.
    static let wrong: [(String, String)] = [
        ("listn: {}", ":1:1: listn: is an unknown key; did you mean listen?"),
        ("listen: {contrl: x}", ":1:10: listen.contrl: is an unknown key; did you mean control?"),
        ("colour: blue", "is an unknown key; known are data, policies"),
        ("a: [", "is not YAML"),
        ("data: x\ndata: y", "stands here twice"),
        ("data: [x]", ":1:7: data: must be text"),
        ("- x", "must have keys: data, policies"),
        ("listen: {control: 8640}", "is not HOST:PORT"),
        ("listen: {control: \"h:99999\"}", "is not HOST:PORT"),
        ("listen: {tls: {certificate: c.pem}}", "listen.tls: lacks the key key"),
        ("public_url: example.com", "public_url: must be http://HOST or https://HOST"),
        ("log: {origin: \"a b\"}", "log.origin: must be ASCII"),
        ("hold: {http: 50}", "\"50\" is not a duration; write 250ms"),
        ("limits: {pending_per_agent: 0}", "is not a whole number from 1"),
        ("connections: {}", "connections: must be a list"),
        ("connections: [{kind: http, upstream: \"http://h\"}]", "connections[0]: lacks the key name"),
        ("connections: [{name: a, upstream: \"http://h\"}]", "connections[0]: lacks the key kind"),
        ("connections: [{name: a, kind: http}]", "connections[0]: lacks the key upstream"),
        ("connections: [{name: a/b, kind: http, upstream: \"http://h\"}]", "is not a connection's name"),
        ("connections: [{name: a, kind: postgres, upstream: \"http://h\"}]", "is not a kind that this version has"),
        ("connections: [{name: a, kind: mcp}]", "connections[0]: lacks the key upstream"),
        ("connections: [{name: countersign, kind: mcp, upstream: \"http://h\"}]", "is a path of the product's own"),
        ("connections: [{name: a, kind: mcp, upstream: \"http://h\", routes: []}]", "routes: is an unknown key"),
        ("connections: [{name: a, kind: mcp, upstream: \"http://h\", protocol: modren}]", "did you mean modern?"),
        ("connections: [{name: a, kind: mcp, upstream: \"http://h\", pack: filesytem}]", "did you mean filesystem?"),
        ("connections: [{name: a, kind: mcp, command: npx}]", "command: must be a list"),
        ("connections: [{name: a, kind: mcp, command: [x], upstream: \"http://h\"}]", "this connection has a command"),
        (
            "connections: [{name: a, kind: mcp, upstream: \"http://h\", tools: [{match: \"x\"}]}]",
            "tools[0]: lacks the key effect"
        ),
        (
            "connections: [{name: a, kind: mcp, upstream: \"http://h\", tools: [{match: x, effect: raed}]}]",
            "did you mean read?"
        ),
        ("connections: [{name: a, kind: mcp, servers: [b]}]", "a joins b, which is no MCP connection"),
        (
            "connections: [{name: a, kind: mcp, servers: [b]}, {name: b, kind: mcp, servers: [c]}, "
                + "{name: c, kind: mcp, upstream: \"http://h\"}]",
            "which joins others itself"
        ),
        ("connections: [{name: a, kind: http, upstream: \"ftp://h\"}]", "is not http://HOST"),
        ("connections: [{name: a, kind: http, upstream: \"http://u:p@h\"}]", "is not http://HOST"),
        (
            "connections: [{name: a, kind: http, upstream: \"http://h\", credential: {value: hunter2}}]",
            "must be a reference, env:NAME or file:PATH"
        ),
        (
            "connections: [{name: a, kind: http, upstream: \"http://h\", credential: {value: \"env:NONE\"}}]",
            "the environment variable NONE is not set"
        ),
        (
            "connections: [{name: a, kind: http, upstream: \"http://h\", credential: {value: \"file:none\"}}]",
            "cannot read /etc/cs/none: No such file"
        ),
        (
            "connections: [{name: a, kind: http, upstream: \"http://h\", routes: [{match: \"/x\"}]}]",
            "is not METHOD /path/{name}"
        ),
        (
            "connections: [{name: a, kind: http, upstream: \"http://h\", routes: [{match: \"GET /x\", effect: raed}]}]",
            "did you mean read?"
        ),
        (
            "connections: [{name: a, kind: http, upstream: \"http://h\", body: {inline: 64KB}}]",
            "\"64KB\" is not a size"
        ),
        (
            "connections: [{name: a, kind: http, upstream: \"http://h\", allow_method_override: [X-Other]}]",
            "is not a method-override header"
        ),
        ("agents: [{groups: [a]}]", "agents[0]: lacks the key id"),
        ("agents: [{id: a, key: \"env:SHORT\"}]", "is shorter than 16 characters"),
        ("agents: [{id: a, key: \"env:BOT_KEY\"}, {id: b, key: \"env:BOT_KEY\"}]", "is the key of another agent, too"),
        ("agents: [{id: a}, {id: a}]", "there are two agents a"),
        ("users: [{id: local-administrator}]", "is the product's own name"),
        ("users: [{id: a, groups: dba}]", "users[0].groups: must be a list"),
    ]

    @Test("a mistake is named with its place, its key and the mend", arguments: wrong)
    func mistakes(text: String, expected: String) {
        let problems = Self.problems(text)
        #expect(problems.count == 1)
        #expect(problems.first?.contains(expected) == true, "\(problems)")
    }

    @Test("all mistakes are reported at once, in the file's order")
    func together() {
        let problems = Self.problems("listn: {}\nhold: {http: soon}\nusers: [{id: \"a b\"}]\n")
        #expect(problems.count == 3)
        #expect(problems.map { $0.split(separator: ":")[1] } == ["1", "2", "3"])
    }

    @Test("a secret is never in a message")
    func secrets() {
        let problems = Self.problems(
            "agents: [{id: a, key: \"env:SHORT\"}]\nconnections: [{name: a, kind: http, upstream: \"http://h\", "
                + "credential: {value: sesame-open}}]"
        )
        #expect(problems.count == 2)
        #expect(!problems.joined().contains("sesame-open"))
        #expect(!problems.joined().contains("short\""))
    }
}

@Suite(.timeLimit(.minutes(10)))
struct QuickstartFilesTests {
    @Test("the binary carries the files of examples/quickstart", arguments: QuickstartFiles.all.map(\.path))
    func files(path: String) throws {
        let root = FilePath.folder(of: FilePath.folder(of: FilePath.folder(of: #filePath)))
        let carried = try #require(QuickstartFiles.all.first { $0.path == path }?.text)
        switch LocalFile.read(root + "/examples/quickstart/" + path) {
        case .success(let bytes): #expect(String(decoding: bytes, as: UTF8.self) == carried)
        case .failure(let problem): Issue.record("\(problem.message)")
        }
    }
}
