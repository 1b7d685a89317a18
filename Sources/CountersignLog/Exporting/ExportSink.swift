package import CanonicalJSON
package import CountersignCore

/// Where a batch of entries goes.
///
/// When ``deliver(_:)`` returns, the receiver has the whole batch, as far as its protocol can tell; when it throws, the
/// receiver may have any part of it, and will be sent all of it again. Batches come one at a time and in order.
package protocol ExportSink: Sendable {
    /// Gives a batch to the receiver.
    func deliver(_ batch: ExportBatch) async throws(ExportFailure)
    /// Lets go of what it holds; nothing is delivered afterwards.
    func close() async
}

/// One entry as it leaves.
package struct ExportRecord: Hashable, Sendable {
    /// The entry's place in the log.
    package let sequence: UInt64
    /// Its kind's name.
    package let kind: String
    /// When it happened.
    package let time: Timestamp
    /// How grave it is.
    package let severity: ExportSeverity
    /// One JSON text without a line break.
    package let bytes: [UInt8]

    /// Joins the parts.
    package init(sequence: UInt64, kind: String, time: Timestamp, severity: ExportSeverity, bytes: [UInt8]) {
        self.sequence = sequence
        self.kind = kind
        self.time = time
        self.severity = severity
        self.bytes = bytes
    }

    /// Writes an entry in a format.
    ///
    /// `subject` tells what the entry's approval is about, for a format that says so.
    package init(
        _ entry: Entry,
        as format: ExportSettings.Format,
        from source: OCSFEvent.Source,
        subject: (ApprovalID) throws(LedgerError) -> OCSFEvent.Subject?,
    ) throws(LedgerError) {
        let leaf = ExportLeaf(entry)
        let event: OCSFEvent?
        switch format {
        case .ndjson: event = nil
        case .ocsf:
            let about = try leaf.approval.flatMap { id throws(LedgerError) in try subject(id) }
            event = OCSFEvent(leaf, about: about, from: source)
        }
        self.init(
            sequence: entry.sequence,
            kind: leaf.kind,
            time: leaf.time,
            severity: event?.severity ?? OCSFEvent.severity(of: leaf),
            bytes: event?.bytes ?? entry.bytes,
        )
    }
}

/// An entry's bytes, read.
package struct ExportLeaf: Sendable {
    /// The entry.
    package let entry: Entry
    /// Its members.
    package let json: JSONValue
    /// Its kind's name; empty if it cannot be read.
    package let kind: String
    /// When it happened.
    package let time: Timestamp
    /// The approval that it belongs to.
    package let approval: ApprovalID?

    /// Reads an entry.
    package init(_ entry: Entry) {
        self.entry = entry
        json = StoredJSON.value(entry.bytes) ?? .object([:])
        kind = json["kind"]?.stringValue ?? ""
        time = json["time"]?.stringValue.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(microseconds: 0)
        approval = json["approval"]?.stringValue.flatMap { ApprovalID($0) }
    }
}

/// Consecutive entries, less those that the export does not want; never empty.
package struct ExportBatch: Hashable, Sendable {
    /// The entries, in the log's order.
    package let records: [ExportRecord]

    /// Takes entries; `nil` if there are none.
    package init?(_ records: [ExportRecord]) {
        guard !records.isEmpty else { return nil }
        self.records = records
    }

    /// The sequence numbers of the first and the last entry: `17-42`.
    package var range: String {
        guard let first = records.first, let last = records.last else { return "" }
        return "\(first.sequence)-\(last.sequence)"
    }

    /// The entries, one a line.
    package var lines: [UInt8] {
        var bytes = [UInt8]()
        bytes.reserveCapacity(records.reduce(0) { $0 + $1.bytes.count + 1 })
        for record in records {
            bytes += record.bytes
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}

/// Why a batch was not delivered.
package struct ExportFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What follows from it.
    package enum Kind: Hashable, Sendable {
        /// The receiver cannot be reached, or broke off: try again, later and later.
        case unreachable
        /// It is there and asks for time, if it says how much.
        case busy(Duration?)
        /// The batch is too large for it: try a smaller one at once.
        case tooLarge
        /// It does not want this: only people can mend that, and until then it is asked again, seldom.
        case refused
        /// This process is stopping.
        case stopped
    }

    /// What follows from it.
    package let kind: Kind
    /// What is wrong, where, and the mend; without secrets.
    package let message: String

    /// States what is wrong.
    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The message.
    package var description: String { message }
}
