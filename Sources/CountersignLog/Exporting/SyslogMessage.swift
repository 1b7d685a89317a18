import CountersignCore

/// An entry as a message of RFC 5424, framed by RFC 5425's octet counting.
///
/// The facility is 13, "log audit". The message is the entry's JSON, in UTF-8 and without a byte order mark.
package struct SyslogMessage: Hashable, Sendable {
    private let record: ExportRecord
    private let host: String
    private let origin: String
    private let enterprise: Int

    private static let facility = 13

    /// Writes an entry of a log.
    package init(_ record: ExportRecord, origin: String, enterprise: Int) {
        self.record = record
        self.origin = origin
        self.enterprise = enterprise
        host = Self.name(String(origin.prefix { $0 != "/" }), longest: 255)
    }

    /// The message: `PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`.
    package var bytes: [UInt8] {
        let priority = Self.facility * 8 + record.severity.syslog
        let kind = Self.name(record.kind, longest: 32)
        let data =
            "[countersign@\(enterprise) kind=\"\(Self.value(record.kind))\" origin=\"\(Self.value(origin))\" "
            + "sequence=\"\(record.sequence)\"]"
        let head = "<\(priority)>1 \(record.time.rfc3339) \(host) countersign - \(kind) \(data) "
        return Array(head.utf8) + record.bytes
    }

    /// The message with its length: `MSG-LEN SP SYSLOG-MSG`.
    package var frame: [UInt8] {
        let bytes = bytes
        return Array("\(bytes.count) ".utf8) + bytes
    }

    /// A header field: printable ASCII without spaces, `-` for none.
    private static func name(_ text: String, longest: Int) -> String {
        let bytes = text.utf8.filter { $0 > 0x20 && $0 < 0x7F }.prefix(longest)
        return bytes.isEmpty ? "-" : String(decoding: Array(bytes), as: UTF8.self)
    }

    /// A parameter's value: `"`, `\` and `]` are escaped.
    private static func value(_ text: String) -> String {
        var value = ""
        for character in text.unicodeScalars {
            if ["\"", "\\", "]"].contains(character) { value.unicodeScalars.append("\\") }
            value.unicodeScalars.append(character)
        }
        return value
    }
}
