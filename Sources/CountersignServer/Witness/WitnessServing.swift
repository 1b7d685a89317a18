import CountersignCore
import CountersignProxy
import CountersignStore
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
package import TransparencyLog

/// `countersign witness`: cosigns the checkpoints of a few logs, in a process and with a memory of its own.
///
/// It reads no configuration and shares nothing with a gateway, so that it can run on another machine, for other people.
package struct WitnessServing: Sendable {
    /// What a witness is told on its command line.
    package struct Settings: Sendable {
        /// The data folder.
        package var data: String
        /// The witness's name; may be left out once there is a key.
        package var name: String?
        /// Where it listens: `HOST:PORT`.
        package var listen: String
        /// The keys of the logs that it cosigns.
        package var logs: [NoteVerifier]
        /// PEM files of a certificate chain and its private key; plain HTTP if there are none.
        package var tls: (certificate: String, key: String)?

        /// Collects them.
        package init(
            data: String,
            name: String?,
            listen: String,
            logs: [NoteVerifier],
            tls: (certificate: String, key: String)?,
        ) {
            self.data = data
            self.name = name
            self.listen = listen
            self.logs = logs
            self.tls = tls
        }
    }

    /// What a witness says of itself once it listens.
    package struct Started: Sendable {
        /// Its verifier key (a C2SP vkey of type 0x04).
        package let key: String
        /// Its address.
        package let url: String
        /// The logs that it cosigns.
        package let logs: [String]
    }

    private let settings: Settings
    private let logger: Logger

    /// Prepares to serve.
    package init(_ settings: Settings, log style: LogStyle) {
        self.settings = settings
        logger = style.logger("witness")
    }

    /// The witness's verifier key; makes the data folder and the key if there is none.
    package func key() async throws -> String {
        if let key = try WitnessData.key(settings.data, name: settings.name) { return key.vkey }
        let data = try await WitnessData.open(settings.data, name: settings.name)
        try await data.store.close()
        return data.signer.verifier.vkey
    }

    /// Serves until a signal comes.
    package func run(ready: @escaping @Sendable (Started) -> Void) async throws {
        guard let address = Configuration.Address(settings.listen) else {
            throw StartupError("--listen \(settings.listen) is not HOST:PORT, for instance 127.0.0.1:8643")
        }
        guard !settings.logs.isEmpty else {
            throw StartupError("a witness needs the key of a log: --log \"$(countersign log key)\" at the gateway")
        }
        try PortCheck.check(address, key: "--listen")
        let server = try server()
        let data = try await WitnessData.open(settings.data, name: settings.name)
        do {
            try await serve(data, on: address, server, ready)
        } catch {
            try? await data.store.close()
            throw error
        }
        try await data.store.close()
        logger.notice("stopped")
    }

    private func serve(
        _ data: WitnessData,
        on address: Configuration.Address,
        _ server: HTTPServerBuilder,
        _ ready: @escaping @Sendable (Started) -> Void,
    ) async throws {
        let origins = settings.logs.map(\.name).reduce(into: [String]()) { origins, origin in
            if !origins.contains(where: { $0.utf8.elementsEqual(origin.utf8) }) { origins.append(origin) }
        }
        for memory in data.memories
        where !origins.contains(where: { $0.utf8.elementsEqual(memory.checkpoint.origin.utf8) }) {
            logger.warning(
                "a log that was cosigned before is not named by --log; it is remembered, and not cosigned",
                metadata: ["origin": "\(memory.checkpoint.origin)"],
            )
        }
        if !address.isLoopback, settings.tls == nil {
            logger.warning(
                "others can reach this witness without TLS; gateways want https: --tls-certificate, --tls-key"
            )
        }
        let meter = WitnessMeter(data.memories)
        let cosigner = Cosigner(
            signer: data.signer,
            logs: settings.logs,
            store: data.store,
            clock: SystemClock(),
            meter: meter,
            logger: logger,
        )
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        let scheme = settings.tls == nil ? "http" : "https"
        let key = data.signer.verifier.vkey
        let application = Application(
            responder: WitnessResponder(cosigner, version: Product.version),
            server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                serverName: nil,
                availableConnectionsDelegate: .maximum(Self.maximumConnections, logger: quiet),
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? address.port
                let url = "\(scheme)://\(Configuration.Address(host: address.host, port: port))"
                ready(Started(key: key, url: url, logs: origins))
            },
            eventLoopGroupProvider: .singleton,
            logger: quiet,
        )
        let signals = Signals(reload: {}, logger: logger)
        var group = ServiceGroupConfiguration(
            services: [
                .init(service: application),
                .init(service: signals, successTerminationBehavior: .gracefullyShutdownGroup),
            ],
            logger: quiet,
        )
        group.maximumGracefulShutdownDuration = .seconds(15)
        do {
            try await ServiceGroup(configuration: group).run()
        } catch let error as IOError {
            throw StartupError("cannot listen on \(address): \(error)")
        }
    }

    /// Strangers may open so many connections, of which one has a few (``ConnectionCounts``), and leave them idle for so long.
    private static let maximumConnections = 512
    private static let idleTimeout = TimeAmount.seconds(60)

    private func server() throws -> HTTPServerBuilder {
        let counts = ConnectionCounts()
        let plain = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ConnectionLimit(counts)],
                idleTimeout: Self.idleTimeout,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 8 << 10,
                    maxHeaderListSize: 16 << 10,
                    maxHeaderFieldCount: 100,
                ),
            )
        )
        guard let files = settings.tls else { return plain }
        do {
            try TLSFiles.check(certificate: files.certificate, key: files.key)
        } catch {
            throw StartupError("\(error.isKey ? "--tls-key" : "--tls-certificate"): \(error.message)")
        }
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)),
        )
        tls.minimumTLSVersion = .tlsv12
        return try .tls(plain, tlsConfiguration: tls)
    }
}
