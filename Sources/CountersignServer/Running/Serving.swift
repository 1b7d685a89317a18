import CountersignCore
import CountersignLog
import Logging
import ServiceLifecycle

/// `countersign serve`: files to running server, with what is printed on the way.
package struct Serving: Sendable {
    private let file: String?
    private let isQuickstart: Bool
    private let logger: Logger
    private let world: ConfigurationWorld

    /// Prepares to serve a configuration; `nil` takes `countersign.yaml`, or what the quickstart finds or writes.
    package init(
        file: String?,
        isQuickstart: Bool,
        log style: LogStyle,
        world: ConfigurationWorld = .system,
    ) {
        self.file = file
        self.isQuickstart = isQuickstart
        self.world = world
        logger = style.logger("countersign")
    }

    /// Serves until a signal comes.
    ///
    /// `say` prints for people, on standard output unless `isAside`, which keeps it free for an export.
    package func run(say: @escaping @Sendable (_ text: String, _ isAside: Bool) -> Void) async throws {
        let path = isQuickstart ? try Quickstart.configuration(named: file) : file ?? "countersign.yaml"
        // A quickstart's data belongs to the folder where it is tried, not to the example that it was made from.
        let movesData = isQuickstart && file == nil
        let load: @Sendable () throws -> LoadedFiles = { [world] in
            try LoadedFiles.load(file: path, world: world) { configuration in
                if movesData { configuration.data = Quickstart.data }
            }
        }
        let files = try load()
        try PortCheck.check(files.configuration.control, key: "listen.control")
        try PortCheck.check(files.configuration.gateway, key: "listen.gateway")
        if isQuickstart { try PortCheck.check(Quickstart.sample, key: "the sample API's address") }
        let server = try await Countersign(files: files, logger: logger)
        logger.notice(
            "starting",
            metadata: [
                "version": "\(Product.version)", "configuration": "\(path)", "data": "\(files.configuration.data)",
                "policies": "\(server.policies)", "policy_version": "\(server.current.snapshot.policy.version)",
            ],
        )
        for agent in server.current.snapshot.directory.agents.values {
            guard let owner = agent.owner, server.current.snapshot.directory.users[owner] == nil else { continue }
            logger.warning(
                "an agent's owner is no user; if it is misspelt, the real owner can decide on the agent's actions",
                metadata: ["agent": "\(agent.id)", "owner": "\(owner)"],
            )
        }
        for key in files.configuration.unused {
            logger.warning("a setting has no effect in this version", metadata: ["key": "\(key)"])
        }
        if server.policies == 0 {
            logger.warning(
                "there are no policies, so every action is denied",
                metadata: ["folder": "\(files.configuration.policies)"],
            )
        }
        let key = isQuickstart ? try await Quickstart.agentKey(server) : nil
        let isAside = files.configuration.exports.contains { $0.destination == .standardOutput }
        let services: [any Service] = isQuickstart ? [sampleAPI()] : []
        do {
            try await server.run(reload: load, also: services) { ports in
                say(Self.banner(server, ports, path), isAside)
                if let key { say((try? Quickstart.banner(server, ports, key: key)) ?? "", isAside) }
            }
        } catch {
            await server.close()
            throw error
        }
        await server.close()
        logger.notice("stopped")
    }

    private func sampleAPI() -> SampleAPI {
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        return SampleAPI(host: Quickstart.sample.host, port: Quickstart.sample.port, logger: quiet)
    }

    private static func banner(_ server: Countersign, _ ports: Countersign.Ports, _ path: String) -> String {
        let configuration = server.configuration
        let scheme = configuration.tls == nil ? "http" : "https"
        let gateway = Configuration.Address(host: configuration.gateway.host, port: ports.gateway)
        let control = Configuration.Address(host: configuration.control.host, port: ports.control)
        let policies =
            server.policies == 0
            ? "none in \(configuration.policies), so every action is denied"
            : "\(server.policies) from \(configuration.policies)"
        return """
            Countersign \(Product.version) is ready.

              Dashboard and API     http://\(control)
              HTTP and MCP gateway  \(scheme)://\(gateway)/{connection}/…
              Configuration         \(path)
              Policies              \(policies)
              Data                  \(configuration.data)
              Log key               \(server.verifierKey)
            """
    }
}
