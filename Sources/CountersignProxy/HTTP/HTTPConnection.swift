package import CountersignCore
package import HTTPWire
import Synchronization

/// A protected HTTP API: where it is, how the gateway authenticates to it, and what its calls mean.
///
/// A class, because every request carries it; a reload of the configuration makes new ones.
package final class HTTPConnection: Sendable {
    /// Where the upstream is.
    package struct Upstream: Hashable, Sendable {
        /// Whether TLS is spoken to it.
        package let isTLS: Bool
        /// The host's name or address.
        package let host: String
        /// The TCP port.
        package let port: Int
        /// What stands before every path; empty, or `/…` without a slash at the end.
        package let basePath: String
        /// The path as it is written: where a server is that has one address; empty for the root.
        package let path: String

        /// Names an upstream; `path` is ``basePath`` if it is left out.
        package init(isTLS: Bool, host: String, port: Int, basePath: String, path: String? = nil) {
            self.isTLS = isTLS
            self.host = host
            self.port = port
            self.basePath = basePath
            self.path = path ?? basePath
        }
    }

    /// One configured operation: method and path template, with a name and an effect.
    package struct Route: Hashable, Sendable {
        /// The method, or `*`.
        package let method: String
        /// Which paths it means.
        package let template: PathTemplate
        /// What the operation is called in the endpoint's id.
        ///
        /// The id is `connection/name`; without a name, it is `connection/METHOD path`.
        package let operation: String?
        /// What the operation does; `nil` goes by the method.
        package let effect: Effect?

        /// Configures an operation.
        package init(method: String, template: PathTemplate, operation: String?, effect: Effect?) {
            self.method = method
            self.template = template
            self.operation = operation
            self.effect = effect
        }
    }

    /// The field that carries the gateway's own credential upstream.
    package struct Credential: Hashable, Sendable {
        /// The field's name, `Authorization` mostly.
        package let header: String
        /// Its value, resolved from `env:` or `file:`.
        package let value: String

        /// Sets a credential.
        package init(header: String, value: String) {
            self.header = header
            self.value = value
        }
    }

    /// The name, the first segment of its path on the gateway.
    package let name: ConnectionName
    /// Where it is.
    package let upstream: Upstream
    /// How the gateway authenticates to it.
    package let credential: Credential?
    /// What its calls mean, in the configuration's order; the most specific match wins.
    package let routes: [Route]
    /// Text bodies up to this size are in the action document; larger ones are spooled.
    ///
    /// Bytes.
    package let inlineBody: Int
    /// Larger request bodies are refused.
    ///
    /// Bytes.
    package let maximumBody: UInt64
    /// Method-override headers that this connection lets through, in lower case.
    package let methodOverrides: Set<String>
    /// How long the upstream may take to accept a connection.
    package let connectTimeout: Duration
    /// How long the upstream may be silent.
    package let idleTimeout: Duration
    /// A PEM file of additional trust roots for TLS to the upstream.
    package let trustRoots: String?
    /// Whether an approved action carries its grant upstream (`Countersign-Grant`).
    package let forwardsGrant: Bool

    /// Configures a connection.
    package init(
        name: ConnectionName,
        upstream: Upstream,
        credential: Credential? = nil,
        routes: [Route] = [],
        inlineBody: Int = 65_536,
        maximumBody: UInt64 = 10 << 30,
        methodOverrides: Set<String> = [],
        connectTimeout: Duration = .seconds(10),
        idleTimeout: Duration = .seconds(300),
        trustRoots: String? = nil,
        forwardsGrant: Bool = true,
    ) {
        self.name = name
        self.upstream = upstream
        self.credential = credential
        self.routes = routes
        self.inlineBody = inlineBody
        self.maximumBody = maximumBody
        self.methodOverrides = methodOverrides
        self.connectTimeout = connectTimeout
        self.idleTimeout = idleTimeout
        self.trustRoots = trustRoots
        self.forwardsGrant = forwardsGrant
    }

    /// Whether both are configured the same in everything.
    package func isSame(as other: HTTPConnection) -> Bool {
        name == other.name && upstream == other.upstream && credential == other.credential && routes == other.routes
            && inlineBody == other.inlineBody && maximumBody == other.maximumBody
            && methodOverrides == other.methodOverrides && connectTimeout == other.connectTimeout
            && idleTimeout == other.idleTimeout && trustRoots == other.trustRoots
            && forwardsGrant == other.forwardsGrant
    }
}

/// The connections in force; replaced as a whole when the configuration changes.
package final class CurrentConnections: Sendable {
    private struct Tables {
        var http: [ConnectionName: HTTPConnection] = [:]
        var mcp: [ConnectionName: MCPConnection] = [:]
        /// The sides of sessions whose connections are not in force any more, until somebody looks after them.
        var replaced: [MCPUpstream] = []
    }

    private let value: Mutex<Tables>

    /// Starts with connections.
    package init(_ connections: [HTTPConnection], mcp: [MCPConnection] = []) {
        value = Mutex(Tables())
        replace(with: connections, mcp: mcp)
    }

    /// The HTTP connection of this name.
    package subscript(_ name: ConnectionName) -> HTTPConnection? { value.withLock { $0.http[name] } }

    /// The MCP connection of this name.
    package func mcp(_ name: ConnectionName) -> MCPConnection? {
        name == own.name ? own : value.withLock { $0.mcp[name] }
    }

    /// Countersign's own server, which every agent may use.
    private let own = MCPConnection(name: MCPOwnServer.name, link: .own)

    /// All MCP connections.
    var allMCP: [MCPConnection] { value.withLock { Array($0.mcp.values) } }

    /// Puts others in force, for requests that come from now on; one that has not changed stays the same object.
    package func replace(with connections: [HTTPConnection], mcp: [MCPConnection] = []) {
        let gone = value.withLock { value in
            let old = value
            value.http = Dictionary(
                connections.map { new in (new.name, old.http[new.name].flatMap { $0.isSame(as: new) ? $0 : nil } ?? new)
                }
            ) { _, last in last }
            value.mcp = Dictionary(
                mcp.map { new in (new.name, old.mcp[new.name].flatMap { $0.isSame(as: new) ? $0 : nil } ?? new) }
            ) { _, last in last }
            return old.mcp.values.filter { value.mcp[$0.name] !== $0 }
        }
        let replaced = gone.flatMap { $0.memory.all() }
        for upstream in replaced { upstream.end() }
        value.withLock { $0.replaced += replaced }
    }

    /// The sides of sessions with MCP servers that were replaced since the last time: their calls go on, and what they ask
    /// is answered by nobody.
    func takeReplaced() -> [MCPUpstream] {
        value.withLock { value in
            defer { value.replaced = [] }
            return value.replaced
        }
    }
}
