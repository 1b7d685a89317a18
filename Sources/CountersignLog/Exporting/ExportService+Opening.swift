package import CountersignCore
package import Logging

extension ExportService {
    /// Prepares an export to where its settings say.
    package init(
        _ settings: ExportSettings,
        ledger: any Ledger,
        source: OCSFEvent.Source,
        clock: any WallClock,
        chance: Chance,
        logger: Logger,
    ) {
        self.init(settings, ledger: ledger, source: source, clock: clock, chance: chance, logger: logger) {
            () throws(ExportFailure) in
            switch settings.destination {
            case .file(let path): FileSink(path: path)
            case .standardOutput: StandardOutputSink()
            case .http(let url): try HTTPSink(url: url, settings: settings, source: source, clock: clock)
            case .syslog(let host, let port):
                try SyslogSink(host: host, port: port, settings: settings, origin: source.origin)
            }
        }
    }
}
