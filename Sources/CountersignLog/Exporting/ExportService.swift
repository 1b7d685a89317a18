package import CountersignCore
package import Logging
import ServiceLifecycle

/// Follows the log and delivers every entry to one receiver, in order, at least once.
///
/// It only reads the ledger, beside those who write it, and holds at most one batch: a receiver that is slow or gone
/// makes the export lag, which ``ExportMeter`` shows, and nothing else. The cursor moves after the receiver has the
/// batch, so a crash in between means that the batch is sent again.
package struct ExportService: Service {
    /// The export's settings.
    package let settings: ExportSettings
    /// What is known of it.
    package let meter: ExportMeter
    private let loop: ExportRun
    private let sleep: @Sendable (Duration) async throws -> Void

    /// How long entries are gathered after the first one, so that a busy log leaves in batches.
    package static let gathering = Duration.milliseconds(50)
    /// How long a stopping server waits for what is left.
    package static let parting = Duration.seconds(1)

    /// Prepares an export; nothing is opened before ``run()``.
    package init(
        _ settings: ExportSettings,
        ledger: any Ledger,
        source: OCSFEvent.Source,
        clock: any WallClock,
        chance: Chance,
        logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        open: @escaping @Sendable () async throws(ExportFailure) -> any ExportSink,
    ) {
        self.settings = settings
        self.sleep = sleep
        let meter = ExportMeter(settings)
        self.meter = meter
        var logger = logger
        logger[metadataKey: "export"] = "\(settings.name)"
        loop = ExportRun(
            reader: ExportReader(settings: settings, ledger: ledger, source: source),
            meter: meter,
            pace: ExportPace(maximum: settings.batch),
            chance: chance,
            logger: logger,
            sleep: sleep,
            open: open,
        )
    }

    /// How the export stands.
    package func status(size: UInt64, now: Timestamp) -> ExportStatus { meter.status(size: size, now: now) }

    /// Delivers until the server stops, and then for a second what is left.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await loop.follow() }
        // Whatever stops this task for good stops the rest, too; what is not delivered then is sent after the start.
        await withTaskGroup { group in
            group.addTask { await loop.drain() }
            group.addTask { try? await sleep(Self.parting) }
            await group.next()
            group.cancelAll()
        }
        await loop.close()
    }
}

/// Reads batches of one export out of the ledger.
struct ExportReader: Sendable {
    let settings: ExportSettings
    let ledger: any Ledger
    let source: OCSFEvent.Source

    /// Where the export goes on; a new one's beginning is kept at once, so that a crash does not move it.
    func begin() async throws(LedgerError) -> UInt64 {
        if let cursor = try await ledger.cursor(settings.cursor) { return cursor }
        switch settings.start {
        case .beginning: return 0
        case .now:
            let size = ledger.growth.size
            try await ledger.moveCursor(settings.cursor, to: size)
            return size
        }
    }

    /// At most `count` entries from `start` on, as they leave; where to go on after them; and the time of the first.
    func read(
        from start: UInt64,
        count: Int,
    ) async throws(LedgerError) -> (batch: ExportBatch?, next: UInt64, oldest: Timestamp?) {
        var records = [ExportRecord]()
        var subjects = [ApprovalID: OCSFEvent.Subject?]()
        let entries = try await ledger.leaves(from: start, count: count)
        if settings.format == .ocsf {
            for entry in entries {
                guard let id = ExportLeaf(entry).approval, subjects[id] == nil else { continue }
                subjects[id] = .some(try await ledger.approval(id).map { OCSFEvent.Subject($0) })
            }
        }
        var oldest: Timestamp?
        for entry in entries {
            let record = try ExportRecord(entry, as: settings.format, from: source) { subjects[$0] ?? nil }
            if oldest == nil { oldest = record.time }
            if isWanted(record.kind) { records.append(record) }
        }
        return (ExportBatch(records), start + UInt64(entries.count), oldest)
    }

    func keep(_ cursor: UInt64) async throws(LedgerError) { try await ledger.moveCursor(settings.cursor, to: cursor) }

    private func isWanted(_ kind: String) -> Bool {
        guard let kinds = settings.kinds else { return true }
        return EntryKind(rawValue: kind).map { kinds.contains($0) } ?? false
    }
}
