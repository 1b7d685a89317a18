import CountersignCards
package import CountersignChannels
package import CountersignCore
package import CountersignIdentity
package import CountersignLog
package import CountersignProxy

/// What `countersign.yaml` says (DESIGN 9), checked and with its secrets resolved.
package struct Configuration: Sendable {
    /// A host and a port to listen on.
    package struct Address: Hashable, Sendable, CustomStringConvertible {
        /// The host's name or address, without brackets.
        package let host: String
        /// The port.
        package let port: Int

        /// Names an address.
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// `host:port`, an IPv6 address in brackets.
        package var description: String {
            host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        }

        /// Whether only this machine can reach it: an address of its own, or `localhost`; any other name may lead anywhere.
        package var isLoopback: Bool {
            switch NetworkAddress(host)?.unmapped {
            case .version4(let address): address >> 24 == 127
            case .version6(let address): address == 1
            case nil: host == "localhost"
            }
        }
    }

    /// The file that it was read from; empty for the defaults.
    package var file: String
    /// The SHA-256 of the file's bytes, unpadded base64url.
    package var version: String
    /// The data folder.
    package var data: String
    /// The folder of policies.
    package var policies: String
    /// Where the dashboard and the API listen.
    package var control: Address
    /// Where the HTTP gateway listens.
    package var gateway: Address
    /// PEM files of certificate chain and private key, if the gateway speaks TLS.
    package var tls: (certificate: String, key: String)?
    /// Where people reach the control plane, without a slash at the end.
    package var publicURL: String
    /// The log's origin.
    package var origin: String
    /// The folder that the log is published to as files; `nil` for none.
    package var logFolder: String?
    /// Whether the published folder has the entries, and not only the hashes.
    package var logFolderHasEntries = true
    /// Whether anybody who reaches the control plane may read the log's entries.
    package var logEntriesArePublic = false
    /// Who cosigns the log; `nil` for nobody.
    package var witnesses: WitnessSettings?
    /// Limits and times.
    package var settings: EnforcementSettings
    /// The HTTP connections.
    package var connections: [HTTPConnection]
    /// The MCP connections.
    package var mcp: [MCPConnection] = []
    /// Every connection's labels and kind, for policy.
    package var described: [Connection]
    /// The agents, users and keys that it declares.
    package var identities: DeclaredIdentities
    /// What payloads are sealed with.
    package var payloads = PayloadSettings()
    /// The version of the access request profile that the API serves; `nil` for none.
    package var accessRequests: AccessRequestVersion?
    /// Where the log's entries are exported to.
    package var exports: [ExportSettings] = []
    /// Ways to reach people.
    package var channels: [ChannelSettings] = []
    /// Who is told of held actions.
    package var routing = ChannelRouting.none
    /// Keys that are set and that this version has no use for.
    package var unused: [String] = []

    /// What holds where a configuration says nothing; also what commands use that find no file.
    package static func defaults() -> Configuration {
        Configuration(
            file: "",
            version: "",
            data: "./countersign-data",
            policies: "./policies",
            control: Address(host: "127.0.0.1", port: 8640),
            gateway: Address(host: "127.0.0.1", port: 8641),
            tls: nil,
            publicURL: "http://127.0.0.1:8640",
            origin: "countersign.local/log",
            settings: EnforcementSettings(),
            connections: [],
            described: [],
            identities: DeclaredIdentities(),
        )
    }

    /// Everybody and everything that the configuration itself declares.
    package func declaredDirectory() throws -> Directory {
        try Directory(agents: identities.agents, users: identities.users, connections: described)
    }

    /// The control plane as the gateway reaches it, for the agents' part of the API.
    var controlUpstream: HTTPConnection {
        HTTPConnection(
            name: ConnectionName(unchecked: "v1"),
            upstream: HTTPConnection.Upstream(
                isTLS: false,
                host: control.reachable.host,
                port: control.port,
                basePath: "",
            ),
        )
    }
}

extension Configuration.Address {
    /// The address to connect to from this machine; what listens everywhere is reached on the loopback interface.
    var reachable: Configuration.Address {
        switch host {
        case "0.0.0.0": Configuration.Address(host: "127.0.0.1", port: port)
        case "::": Configuration.Address(host: "::1", port: port)
        default: self
        }
    }
}
