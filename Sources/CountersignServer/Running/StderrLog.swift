import CanonicalJSON
package import CountersignCore
package import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes log lines to standard error, as text for people or as one JSON object a line for machines.
package struct StderrLog: LogHandler {
    /// How lines look.
    package enum Format: String, Sendable, CaseIterable {
        /// `time level message key=value …`
        case text
        /// One JSON object a line.
        case json
    }

    /// Values that every line carries.
    package var metadata: Logger.Metadata = [:]
    /// The least level that is written.
    package var logLevel: Logger.Level
    private let label: String
    private let format: Format
    private let clock: any WallClock

    /// Makes a logger that writes to standard error.
    package static func logger(_ label: String, format: Format, level: Logger.Level, clock: any WallClock) -> Logger {
        Logger(label: label) { label in StderrLog(logLevel: level, label: label, format: format, clock: clock) }
    }

    /// One value that every line carries.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line.
    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, last in last }
        let values = all.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
        let time = clock.time().rfc3339
        var line: String
        switch format {
        case .json:
            var object = JSONObject(values.map { ($0.0, .string($0.1)) })
            object["level"] = .string(event.level.rawValue)
            object["logger"] = .string(label)
            object["message"] = .string("\(event.message)")
            object["time"] = .string(time)
            line = JSONValue.object(object).canonicalText
        case .text:
            line = "\(time) \(event.level.rawValue) \(event.message)"
            for (key, value) in values { line += " \(key)=\(Self.quoted(value))" }
        }
        line += "\n"
        // One call a line, so that lines of several threads do not mix.
        let bytes = Array(line.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
        return isPlain ? value : JSONValue.string(value).canonicalText
    }
}
