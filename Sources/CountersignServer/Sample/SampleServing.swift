import Logging
import ServiceLifecycle

/// `countersign sample-api`: the example API in a process of its own.
package enum SampleServing {
    /// Serves until a signal comes.
    package static func run(
        host: String,
        port: Int,
        log style: LogStyle,
        say: @escaping @Sendable (String) -> Void,
    ) async throws {
        let address = Configuration.Address(host: host, port: port)
        try PortCheck.check(address, key: "--host and --port")
        let logger = style.logger("sample-api")
        let sample = SampleAPI(host: host, port: port, logger: logger) { port in
            let address = Configuration.Address(host: host, port: port)
            say(
                """
                The sample orders API, an example to put behind the gateway, listens on http://\(address).
                It keeps its orders in memory and takes: Authorization: \(SampleAPI.authorization)
                """
            )
        }
        let signals = Signals(reload: {}, logger: logger)
        let group = ServiceGroupConfiguration(
            services: [
                .init(service: sample), .init(service: signals, successTerminationBehavior: .gracefullyShutdownGroup),
            ],
            logger: logger,
        )
        try await ServiceGroup(configuration: group).run()
    }
}
