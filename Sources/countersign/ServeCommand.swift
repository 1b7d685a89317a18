import ArgumentParser
import CountersignServer

/// The command `countersign serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs the gateway, the API and the dashboard.",
        discussion: """
            Configuration and policies are read again when their files change and on SIGHUP; what does not load is \
            logged, and what runs stays. SIGTERM and SIGINT end gracefully: held actions stay pending.
            """,
    )

    @Option(help: "The configuration; countersign.yaml in the working directory if not given.")
    var config: String?

    @Flag(help: "Also run an example API, make an agent key and print what to try.")
    var quickstart = false

    @OptionGroup var log: LogOptions

    mutating func run() async throws {
        let serving = Serving(file: config, isQuickstart: quickstart, log: try log.style())
        try await serving.run { text, isAside in isAside ? Output.error(text) : Output.line(text) }
    }
}

/// The command `countersign sample-api`.
struct SampleAPICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-api",
        abstract: "Runs a small example API to put behind the gateway; not a part of the product.",
    )

    @Option(help: "The port.")
    var port = 8700

    @Option(help: "The address.")
    var host = "127.0.0.1"

    @OptionGroup var log: LogOptions

    mutating func run() async throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is a number from 0 to 65535") }
        try await SampleServing.run(host: host, port: port, log: try log.style()) { Output.line($0) }
    }
}

/// How a server logs.
struct LogOptions: ParsableArguments {
    @Option(help: "text or json, on standard error.")
    var logFormat = "text"

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "notice"

    /// What they come to.
    func style() throws -> LogStyle {
        guard let style = LogStyle(format: logFormat, level: logLevel) else {
            throw ValidationError(
                "--log-format is one of \(LogStyle.formats.joined(separator: ", ")), "
                    + "--log-level one of \(LogStyle.levels.joined(separator: ", "))"
            )
        }
        return style
    }
}
