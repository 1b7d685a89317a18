package import CountersignCore
package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How the gateway listens and what it may use.
package struct GatewaySettings: Sendable {
    /// The address to listen on.
    package let host: String
    /// The port; 0 for any, which ``HTTPGateway`` then reports.
    package let port: Int
    /// PEM files of certificate chain and private key, if the gateway speaks TLS.
    package let tls: (certificate: String, key: String)?
    /// The folder for bodies too large for memory; the gateway makes it, 0700.
    package let spool: String
    /// Where the control plane is reachable for people, without a slash at the end; for links in refusals.
    package let publicURL: String
    /// Kept responses of held actions are at most this large.
    ///
    /// Bytes.
    package let maximumKeptResponse: Int
    /// Where the control plane listens, for the agents' part of the API under `/v1/` and `/access/v1/`; `nil` leaves it out.
    package let control: HTTPConnection?
    /// Tells the control plane from where an agent's call came.
    package let relay: RelayedSource?

    /// Sets up a gateway.
    package init(
        host: String,
        port: Int,
        tls: (certificate: String, key: String)? = nil,
        spool: String,
        publicURL: String,
        maximumKeptResponse: Int = 1 << 30,
        control: HTTPConnection? = nil,
        relay: RelayedSource? = nil,
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.spool = spool
        self.publicURL = publicURL
        self.maximumKeptResponse = maximumKeptResponse
        self.control = control
        self.relay = relay
    }
}

/// The HTTP gateway: listens, translates requests into actions and verdicts into responses (DESIGN 6).
///
/// On graceful shutdown it stops accepting, lets running exchanges finish, and leaves held actions pending: their agents
/// get 503 `shutting-down` and ask again.
package final class HTTPGateway: Service {
    /// Into how many task groups connections are spread: a group walks through all its children to find one that ended,
    /// which with 20,000 held requests in one group took milliseconds.
    private static let groupCount = 128

    private let context: GatewayContext
    private let group: any EventLoopGroup
    private let homes: [LoopState]
    private let started: @Sendable (Int) -> Void

    /// Wires a gateway.
    ///
    /// `started` is called once with the bound port.
    package init(
        settings: GatewaySettings,
        connections: CurrentConnections,
        enforcement: Enforcement,
        authenticator: any Authenticator,
        grants: any GrantIssuer,
        sessionKey: MCPSessionKey,
        group: any EventLoopGroup,
        logger: Logger,
        started: @escaping @Sendable (Int) -> Void = { _ in },
    ) {
        context = GatewayContext(
            settings: settings,
            connections: connections,
            enforcement: enforcement,
            authenticator: authenticator,
            grants: grants,
            sessionKey: sessionKey,
            logger: logger,
        )
        self.group = group
        self.started = started
        homes = group.makeIterator().map { LoopState($0) }
    }

    /// Serves until graceful shutdown.
    package func run() async throws {
        try makeSpool()
        for home in homes { home.start() }
        let janitor = SpoolJanitor(context: context)
        await janitor.sweep()
        let server = try await bind()
        started(server.channel.localAddress?.port ?? context.settings.port)
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await serveAndRun(server)
            } onCancel: {
                // The time to finish is over: whatever still waits, waits for a stream.
                for home in self.homes { home.stop() }
            }
        } onGracefulShutdown: {
            self.context.drain.begin()
            for home in self.homes { home.drain() }
            server.channel.close(promise: nil)
        }
        for home in homes { home.stop() }
    }

    private func serveAndRun(_ server: NIOAsyncChannel<ByteStream, Never>) async {
        let runner = AsyncRunner(context: context, homes: homes)
        let janitor = SpoolJanitor(context: context)
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await runner.run() }
            tasks.addTask { await janitor.run() }
            tasks.addTask { await self.context.pipes.run(on: self.homes, pool: self.context.pool) }
            if let home = self.homes.first {
                let sweeper = MCPSweeper(connections: self.context.connections, home: home)
                tasks.addTask(executorPreference: home.executor) { await sweeper.run() }
            }
            tasks.addTask { await self.serve(server) }
            await tasks.next()
            // The listener is closed, and its last exchange and what it began have ended.
            tasks.cancelAll()
        }
    }

    private func serve(_ server: NIOAsyncChannel<ByteStream, Never>) async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.context.errands.run() }
            await self.accept(server)
            self.context.errands.finish()
        }
    }

    private func accept(_ server: NIOAsyncChannel<ByteStream, Never>) async {
        let groups = (0..<Self.groupCount).map { _ in AsyncStream<ByteStream>.makeStream() }
        do {
            try await server.executeThenClose { inbound in
                await withDiscardingTaskGroup { tasks in
                    for group in groups { tasks.addTask { await self.serve(group.stream) } }
                    do {
                        var next = 0
                        for try await stream in inbound {
                            groups[next].continuation.yield(stream)
                            next = (next + 1) % groups.count
                        }
                    } catch {
                        context.logger.error("the listener failed", metadata: ["error": "\(error)"])
                    }
                    for group in groups { group.continuation.finish() }
                }
            }
        } catch {
            context.logger.debug("the listener closed", metadata: ["error": "\(error)"])
        }
    }

    /// Serves connections until no more come and the last has ended.
    private func serve(_ streams: AsyncStream<ByteStream>) async {
        let isTLS = context.settings.tls != nil
        let homes = Dictionary(uniqueKeysWithValues: homes.map { (ObjectIdentifier($0.loop), $0) })
        let context = context
        await withDiscardingTaskGroup { tasks in
            for await stream in streams {
                guard let home = homes[ObjectIdentifier(stream.loop)] else { continue }
                tasks.addTask(executorPreference: home.executor) {
                    await AgentConnection(stream, home: home, isTLS: isTLS, context: context).run()
                }
            }
        }
    }

    private func bind() async throws -> NIOAsyncChannel<ByteStream, Never> {
        let tls = try context.settings.tls.map { try Self.tlsContext($0) }
        let homes = Dictionary(uniqueKeysWithValues: homes.map { (ObjectIdentifier($0.loop), $0) })
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: context.settings.host, port: context.settings.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let home = homes[ObjectIdentifier(channel.eventLoop)] else { throw ChannelError.eof }
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    let stream = ByteStream(loop: channel.eventLoop, home: home)
                    try channel.pipeline.syncOperations.addHandler(stream)
                    return stream
                }
            }
    }

    static func tlsContext(_ files: (certificate: String, key: String)) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map { NIOSSLCertificateSource.certificate($0) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)),
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    private func makeSpool() throws {
        guard unsafe mkdir(context.settings.spool, 0o700) == 0 || errno == EEXIST else {
            throw IOError(errnoCode: errno, reason: "the spool folder \(context.settings.spool) cannot be made")
        }
    }
}
