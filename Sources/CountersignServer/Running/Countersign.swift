import CountersignChannels
package import CountersignCore
import CountersignIdentity
import CountersignLog
import CountersignProxy
import CountersignStore
import CountersignWeb
import Hummingbird
package import Logging
import NIOCore
import NIOPosix
package import ServiceLifecycle
import Synchronization
import TransparencyLog

/// The whole server: the one file that knows everybody and puts them together.
package struct Countersign: Sendable {
    /// Where the server listens once it does.
    package struct Ports: Hashable, Sendable {
        /// The port of the dashboard and the API.
        package var control: Int
        /// The port of the HTTP gateway.
        package var gateway: Int
    }

    /// What is in force, for those who print it.
    package var configuration: Configuration { files.configuration }
    /// The log's verifier key.
    package var verifierKey: String { log.verifierKey }
    /// How many policies are in force.
    package var policies: Int { current.snapshot.policy.gates.count }
    /// Agents, users and keys.
    package var identities: any Identities { registry }

    let files: LoadedFiles
    let ledger: SQLiteLedger
    let registry: IdentityRegistry
    let current: CurrentSnapshot
    let enforcement: Enforcement
    let head: LogHead
    let publisher: Publisher?
    let witnesses: WitnessService?
    let log: LogSigner
    let sessionKey: MCPSessionKey
    let clock: SystemClock
    let logger: Logger

    /// Opens everything, checks it and recovers from the last stop; listens to nobody yet.
    package init(files: LoadedFiles, logger: Logger) async throws {
        let configuration = files.configuration
        let clock = SystemClock()
        let chance = Chance.system
        let keys = try DataKeys.load(data: configuration.data, origin: configuration.origin)
        let search = SearchSetting(path: Self.searchPath(configuration.data)) { message in
            logger.warning("the search index", metadata: ["what": "\(message)"])
        }
        let ledger = try SQLiteLedger(
            path: Self.ledgerPath(configuration.data),
            clock: clock,
            sealer: try configuration.sealer(makesMissing: true),
            search: search,
        )
        let floor = CheckpointFloor(in: DiskFolder(path: configuration.data, isPublic: false))
        let head = LogHead(ledger: ledger, signer: keys.log, floor: floor, clock: clock, logger: logger)
        let folder = configuration.logFolder.map { path in
            PublishedFolder(
                in: DiskFolder(path: path, isPublic: true),
                of: ledger,
                key: keys.log.verifier,
                hasEntries: configuration.logFolderHasEntries,
            )
        }
        var claims = [CheckpointClaim]()
        if let claim = try await folder?.claim() { claims.append(claim) }
        try await head.begin(claims: claims)
        if let witnesses = configuration.witnesses {
            try await WitnessInquiry(settings: witnesses, logger: logger).ask(about: ledger, signer: keys.log)
        }
        let book = IdentityBook(declared: configuration.identities, records: try await ledger.identities())
        let directory = try book.directory(connections: configuration.described)
        let snapshot = Snapshot(
            policy: try files.policy(groups: directory.groups),
            directory: directory,
            settings: configuration.settings,
            configurationVersion: configuration.version,
            routing: configuration.routing,
        )
        let current = CurrentSnapshot(snapshot)
        let enforcement = Enforcement(
            current: current,
            ledger: ledger,
            clock: clock,
            chance: chance,
            tools: ToolBook(try await ledger.acceptedTools()),
        )
        try await enforcement.recover()
        let versions = try await Change.versions(in: ledger)
        let changes = Change.entries(from: versions, to: snapshot, file: configuration.file, at: clock.time())
        if !changes.isEmpty { _ = try await ledger.commit(Commit(entries: changes)) }
        // Remembered from the first moment, so that a log that is cut later is noticed at the next start.
        try await head.advance()
        self.registry = IdentityRegistry(
            book: book,
            current: current,
            ledger: ledger,
            clock: clock,
            chance: chance,
            tokens: UserTokens(key: keys.token),
        )
        self.files = files
        self.ledger = ledger
        self.current = current
        self.enforcement = enforcement
        self.head = head
        publisher = folder.map { Publisher(folder: $0, head: head, logger: logger) }
        let cosigned = try await ledger.latestCosigned()
        witnesses = configuration.witnesses.map { settings in
            WitnessService(
                settings: settings,
                ledger: ledger,
                head: head,
                cosigned: cosigned,
                clock: clock,
                chance: chance,
                logger: logger,
            )
        }
        self.log = LogSigner(ledger: ledger, head: head, grantKey: keys.grant, clock: clock)
        sessionKey = MCPSessionKey(keys.sessions)
        self.clock = clock
        self.logger = logger
    }

    /// Where the ledger lies in a data folder.
    package static func ledgerPath(_ data: String) -> String { data + "/ledger.db" }

    /// The search index of a data folder.
    static func searchPath(_ data: String) -> String { data + "/search.db" }

    /// Signs the log as it is and gives the data folder back.
    package func close() async {
        _ = try? await head.advance()
        try? await publisher?.publish()
        try? await ledger.close()
    }

    /// Serves until it is told to end, by a signal or by `isCancelled`.
    ///
    /// `ready` is called once, when both ports listen.
    package func run(
        reload: @escaping @Sendable () throws -> LoadedFiles,
        also services: [any Service] = [],
        ready: @escaping @Sendable (Ports) async -> Void,
    ) async throws {
        try PortCheck.check(configuration.control, key: "listen.control")
        try PortCheck.check(configuration.gateway, key: "listen.gateway")
        let end = EndFlag()
        let started = StartedPorts(ready: ready)
        let connections = CurrentConnections(configuration.connections, mcp: configuration.mcp)
        let (requests, request) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let spool = configuration.data + "/spool"
        let relay = RelayedSource(chance: .system)
        let exports = exportServices()
        let house = try await openChannels()
        let control = try makeControlPlane(
            WebDependencies(
                enforcement: enforcement,
                ledger: ledger,
                identities: registry,
                authenticator: registry,
                log: log,
                openKept: { name in try await SpoolFolder(path: spool).open(name) },
                objection: { connections.objection(to: $0) },
                accessRequests: configuration.accessRequests,
                publicURL: configuration.publicURL,
                version: Product.version,
                secureCookies: configuration.publicURL.utf8.starts(with: "https://".utf8),
                isReady: { [ledger, clock] in
                    started.isListening && !end.isRaised && !ledger.isFailing(now: clock.time())
                },
                relay: relay,
                logStatus: { [clock, head, ledger, publisher, witnesses] in
                    var status = LogStatus(size: ledger.growth.size, newest: head.newest)
                    status.trouble = head.trouble?.message
                    status.folder = publisher?.status
                    status.witnesses = witnesses?.status ?? []
                    status.cosigned = witnesses?.cosigned
                    status.exports = exports.map { $0.status(size: ledger.growth.size, now: clock.time()) }
                    return status
                },
                channels: house,
                channelActivity: { house.activity },
                entriesArePublic: configuration.logEntriesArePublic,
                logger: logger,
            )
        )
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        let web = Application(
            responder: control,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.control.host, port: configuration.control.port),
                serverName: nil,
            ),
            onServerRunning: { channel in await started.controlStarted(channel.localAddress?.port ?? 0) },
            eventLoopGroupProvider: .singleton,
            logger: quiet,
        )
        let gateway = HTTPGateway(
            settings: GatewaySettings(
                host: configuration.gateway.host,
                port: configuration.gateway.port,
                tls: configuration.tls,
                spool: spool,
                publicURL: configuration.publicURL,
                control: configuration.controlUpstream,
                relay: relay,
            ),
            connections: connections,
            enforcement: enforcement,
            authenticator: registry,
            grants: log,
            sessionKey: sessionKey,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: logger,
            started: { port in started.gatewayStarted(port) },
        )
        let reloader = Reloader(
            registry: registry,
            current: current,
            connections: connections,
            clock: clock,
            logger: logger,
            requests: requests,
            first: files,
            load: reload,
        )
        let ending = Ending {
            end.raise()
            control.drain()
        }
        // Ended in reverse order: first nobody new comes in, last nobody looks after the clock any more.
        let sweeper = RetentionSweeper(enforcement: enforcement, logger: logger)
        let ticker = Ticker(enforcement: enforcement, logger: logger)
        let outbox = OutboxSweeper(outbox: ledger, clock: clock, logger: logger)
        let inner: [any Service] =
            exports as [any Service] + house.workers as [any Service]
            + [CheckpointService(head: head, logger: logger), ticker, sweeper, outbox, reloader, started]
            + (publisher.map { [$0] } ?? []) + (witnesses.map { [$0] } ?? []) + services
        let outer: [any Service] = [gateway, web, ending]
        let signals = Signals(reload: { request.yield() }, logger: logger)
        var all = (inner + outer).map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        all.append(.init(service: signals, successTerminationBehavior: .gracefullyShutdownGroup))
        var quieter = logger
        quieter.logLevel = max(.error, logger.logLevel)
        var group = ServiceGroupConfiguration(services: all, logger: quieter)
        group.maximumGracefulShutdownDuration = .seconds(30)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as IOError {
            throw StartupError("cannot listen on \(configuration.control) or \(configuration.gateway): \(error)")
        }
    }
}

extension Countersign {
    /// Every channel; what a crash left in doubt is to be delivered again.
    private func openChannels() async throws -> ChannelHouse {
        let recovered = try await ledger.recoverNotices()
        if recovered > 0 {
            logger.notice("notices are sent again, perhaps", metadata: ["count": "\(recovered)"])
        }
        let world = ChannelWorld(
            desk: ChannelDesk(enforcement: enforcement, identities: registry),
            places: ledger.places,
            publicURL: configuration.publicURL,
            clock: clock,
            chance: .system,
            logger: logger,
        )
        return try ChannelHouse(configuration.channels, world: world, ledger: ledger)
    }

    /// One service for each export; they end last, so that what the end itself logs leaves, too.
    private func exportServices() -> [ExportService] {
        configuration.exports.map { settings in
            ExportService(
                settings,
                ledger: ledger,
                source: OCSFEvent.Source(origin: configuration.origin, version: Product.version),
                clock: clock,
                chance: .system,
                logger: logger,
            )
        }
    }
}

/// Whether the end has begun.
private final class EndFlag: Sendable {
    private let flag = Atomic(false)

    var isRaised: Bool { flag.load(ordering: .relaxed) }

    func raise() { flag.store(true, ordering: .relaxed) }
}

/// Tells the control plane that the end has begun, so that it ends what would last.
private struct Ending: Service {
    let begin: @Sendable () -> Void

    func run() async throws {
        try? await gracefulShutdown()
        begin()
    }
}

/// Waits until both ports listen, and says so once.
private final class StartedPorts: Service {
    private let ready: @Sendable (Countersign.Ports) async -> Void
    private let gateways: AsyncStream<Int>
    private let gateway: AsyncStream<Int>.Continuation
    private let controls: AsyncStream<Int>
    private let control: AsyncStream<Int>.Continuation
    private let listening = Atomic(false)

    /// Whether both ports listen: until then nobody should be told that this gateway is ready.
    var isListening: Bool { listening.load(ordering: .acquiring) }

    init(ready: @escaping @Sendable (Countersign.Ports) async -> Void) {
        self.ready = ready
        (gateways, gateway) = AsyncStream<Int>.makeStream()
        (controls, control) = AsyncStream<Int>.makeStream()
    }

    func gatewayStarted(_ port: Int) { gateway.yield(port) }

    func controlStarted(_ port: Int) async { control.yield(port) }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var first = gateways.makeAsyncIterator()
            var second = controls.makeAsyncIterator()
            guard let gateway = await first.next(), let control = await second.next() else { return }
            listening.store(true, ordering: .releasing)
            await ready(Countersign.Ports(control: control, gateway: gateway))
        }
        try? await gracefulShutdown()
    }
}
