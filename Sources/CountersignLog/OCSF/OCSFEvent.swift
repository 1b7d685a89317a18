package import CanonicalJSON
package import CountersignCore
import Crypto

/// An entry of the log as an event of the Open Cybersecurity Schema Framework (OCSF).
///
/// A pure function of the entry, of the approval that it belongs to, and of the log's name: the same entry is the same
/// event for ever, so that a receiver can drop repeats by `metadata.uid`. docs/exports.md has the table.
package struct OCSFEvent: Hashable, Sendable {
    /// The version of the schema, which events name.
    package static let version = "1.6.0"

    /// Whose log it is.
    package struct Source: Hashable, Sendable {
        /// The log's origin.
        package let origin: String
        /// The product's version.
        package let version: String

        /// Names a source.
        package init(origin: String, version: String) {
            self.origin = origin
            self.version = version
        }
    }

    /// What an approval is about; its later entries name only the approval.
    package struct Subject: Hashable, Sendable {
        /// Who asked.
        package let agent: String
        /// Where the action happens.
        package let connection: String
        /// The action's name.
        package let action: String
        /// The first operation's resource.
        package let resource: String

        /// Takes what never changes of an approval.
        package init(_ approval: Approval) {
            agent = approval.agent.rawValue
            connection = approval.connection.rawValue
            action = approval.action
            resource = approval.resource
        }
    }

    /// How grave it is.
    package let severity: ExportSeverity
    /// The event.
    package let json: JSONValue

    /// Maps an entry.
    package init(_ leaf: ExportLeaf, about subject: Subject?, from source: Source) {
        let entry = leaf.entry
        let leaf = leaf.json
        let reading = OCSFReading(leaf: leaf, subject: subject, sequence: entry.sequence)
        severity = reading.severity
        let `class` = reading.class
        let activity = reading.activity
        var event = JSONObject(reading.members)
        event.set("activity_id", "activity_name", activity)
        event.set("category_uid", "category_name", `class`.category)
        event.set("class_uid", "class_name", OCSFTerm(`class`.uid, `class`.name))
        event.set(
            "type_uid",
            "type_name",
            OCSFTerm(`class`.uid * 100 + activity.id, "\(`class`.name): \(activity.caption)"),
        )
        event.set("severity_id", "severity", OCSFTerm(severity.rawValue, severity.caption))
        event.set("status_id", "status", reading.status)
        if let control = reading.control {
            event.set("action_id", "action", control.action)
            event.set("disposition_id", "disposition", control.disposition)
            event["is_alert"] = .bool(severity >= .medium)
        }
        let reasons = leaf["reasons"]?.arrayValue?.compactMap(\.stringValue) ?? []
        if let first = reasons.first { event["status_code"] = .string(first) }
        if let detail = reading.detail { event["status_detail"] = .string(detail) }
        event["message"] = .string(reading.message)
        let time = leaf["time"]?.stringValue
        event["time"] = .integer((time.flatMap { Timestamp(rfc3339: $0) }?.microseconds ?? 0) / 1000)
        event["metadata"] = .object(Self.metadata(entry, leaf, reading, source))
        event["raw_data"] = .string(String(decoding: entry.bytes, as: UTF8.self))
        event["raw_data_hash"] = [
            "algorithm": "SHA-256", "algorithm_id": 3, "value": .string(Hexadecimal.encode(entry.bytes)),
        ]
        event["raw_data_size"] = .integer(Int64(entry.bytes.count))
        var unmapped = leaf.objectValue ?? [:] as JSONObject
        for key in ["kind", "sequence", "time"] { unmapped[key] = nil }
        event["unmapped"] = .object(unmapped)
        json = .object(event)
    }

    /// How grave an entry is, in whichever format it leaves.
    static func severity(of leaf: ExportLeaf) -> ExportSeverity {
        OCSFReading(leaf: leaf.json, subject: nil, sequence: leaf.entry.sequence).severity
    }

    /// The event as canonical JSON, without a line break.
    package var bytes: [UInt8] {
        var bytes = [UInt8]()
        json.appendCanonical(to: &bytes)
        return bytes
    }

    private static func metadata(
        _ entry: Entry,
        _ leaf: JSONValue,
        _ reading: OCSFReading,
        _ source: Source,
    ) -> JSONObject {
        var metadata: JSONObject = [
            "log_name": .string(source.origin), "log_provider": "Countersign",
            "product": ["name": "Countersign", "vendor_name": "Countersign", "version": .string(source.version)],
            "sequence": .integer(Int64(clamping: entry.sequence)),
            "uid": .string("\(source.origin)#\(entry.sequence)"), "version": .string(version),
        ]
        metadata["original_time"] = leaf["time"]
        metadata["event_code"] = leaf["kind"]
        metadata["correlation_uid"] = leaf["approval"] ?? leaf["erased"]?["approval"]
        if reading.control != nil { metadata["profiles"] = ["security_control"] }
        return metadata
    }
}

extension JSONObject {
    /// Sets an enumeration's number and the caption beside it.
    mutating func set(_ id: String, _ caption: String, _ term: OCSFTerm) {
        self[id] = .integer(term.id)
        self[caption] = .string(term.caption)
    }
}

/// SHA-256 as OCSF writes it.
private enum Hexadecimal {
    static func encode(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = SHA256.hash(data: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
