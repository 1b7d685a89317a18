import CountersignCore
import Logging

/// One export's loop; the actor guards the cursor, the pace and the open receiver, and only one task is ever in it.
actor ExportRun {
    private let reader: ExportReader
    private let meter: ExportMeter
    private let chance: Chance
    private let logger: Logger
    private let sleep: @Sendable (Duration) async throws -> Void
    private let open: @Sendable () async throws(ExportFailure) -> any ExportSink
    private var pace: ExportPace
    private var sink: (any ExportSink)?
    /// The first entry that is not delivered; `nil` until the ledger has told.
    private var cursor: UInt64?
    /// Whether the ledger knows the cursor.
    private var isKept = true

    init(
        reader: ExportReader,
        meter: ExportMeter,
        pace: ExportPace,
        chance: Chance,
        logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        open: @escaping @Sendable () async throws(ExportFailure) -> any ExportSink,
    ) {
        self.reader = reader
        self.meter = meter
        self.pace = pace
        self.chance = chance
        self.logger = logger
        self.sleep = sleep
        self.open = open
    }

    /// Delivers as the log grows, until it is cancelled.
    func follow() async {
        while !Task.isCancelled {
            if let wait = await step() {
                if wait > .zero { try? await sleep(wait) }
                continue
            }
            guard let cursor, await reader.ledger.growth.grown(beyond: cursor) != nil else { return }
            // The first of a burst is there; what comes within a moment leaves, and moves the cursor, together.
            try? await sleep(ExportService.gathering)
        }
    }

    /// Delivers what is committed, up to the first failure.
    func drain() async {
        while !Task.isCancelled, let wait = await step(), wait == .zero {}
    }

    /// Lets go of the receiver.
    func close() async {
        await sink?.close()
        sink = nil
    }

    /// One batch: `nil` if there was none to deliver, else how long to wait before the next step.
    private func step() async -> Duration? {
        var count = 1
        do {
            let start = try await begin()
            let (batch, next, oldest) = try await reader.read(from: start, count: pace.size)
            meter.reached(start, oldest: oldest)
            guard next > start else {
                // A cursor that the ledger could not keep before is still due.
                if !isKept { try await keep(start) }
                return nil
            }
            if let batch {
                count = batch.records.count
                let sink = try await opened()
                try await sink.deliver(batch)
                meter.delivered(count)
                if pace.failures > 0 { logger.notice("the export goes on") }
                pace.succeeded()
            }
            // From here on a crash means that this batch is sent again; nothing is ever left out.
            cursor = next
            isKept = false
            meter.reached(next, oldest: nil)
            try await keep(next)
            return .zero
        } catch let failure as ExportFailure {
            return failed(failure, count: count)
        } catch {
            return failed(ExportFailure(.unreachable, "\((error as? LedgerError)?.message ?? "\(error)")"), count: 1)
        }
    }

    private func begin() async throws -> UInt64 {
        if let cursor { return cursor }
        let start = try await reader.begin()
        cursor = start
        return start
    }

    private func keep(_ cursor: UInt64) async throws {
        try await reader.keep(cursor)
        isKept = true
    }

    private func opened() async throws(ExportFailure) -> any ExportSink {
        if let sink { return sink }
        let sink = try await open()
        self.sink = sink
        return sink
    }

    private func failed(_ failure: ExportFailure, count: Int) -> Duration {
        // What the end of the server breaks off is no failure of the receiver.
        guard !Task.isCancelled, failure.kind != .stopped else { return .milliseconds(1) }
        let isNews = meter.failed(failure.message)
        let wait = pace.failed(failure.kind, count: count, chance: chance)
        // Every kind of failure once, and again with each minute that it lasts: nobody shall miss it, or drown in it.
        if isNews || wait >= ExportPace.longest / 2 {
            let level: Logger.Level = failure.kind == .refused ? .error : .warning
            logger.log(
                level: level,
                "entries wait to be exported",
                metadata: ["error": "\(failure.message)", "next_try_in": "\(wait)"],
            )
        }
        return wait
    }
}
