import Logging

/// How much is logged, and in which form.
package struct LogStyle: Sendable {
    /// The names of the levels, the most talkative first.
    package static let levels = Logger.Level.allCases.map(\.rawValue)
    /// The names of the forms.
    package static let formats = StderrLog.Format.allCases.map(\.rawValue)

    private let format: StderrLog.Format
    private let level: Logger.Level

    /// Takes names; `nil` for one that is unknown.
    package init?(format: String, level: String) {
        guard let format = StderrLog.Format(rawValue: format), let level = Logger.Level(rawValue: level) else {
            return nil
        }
        self.format = format
        self.level = level
    }

    /// A logger that writes to standard error.
    func logger(_ label: String) -> Logger {
        StderrLog.logger(label, format: format, level: level, clock: SystemClock())
    }
}
