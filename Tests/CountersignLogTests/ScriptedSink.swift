import CountersignCore
import CountersignLog
import CountersignTestKit
import Logging
import Synchronization

/// A receiver that fails as it is told, and remembers what it got.
final class ScriptedSink: ExportSink {
    /// What happens to a batch.
    enum Step: Sendable {
        /// The receiver has it.
        case take
        /// The receiver has it, and the sender is told that it has not.
        case takeAndFail(ExportFailure.Kind)
        /// The receiver has some of it.
        case takeSome(Int, ExportFailure.Kind)
        /// The receiver has nothing of it.
        case fail(ExportFailure.Kind)
    }

    private struct State {
        var steps: [Step]
        var received: [UInt64] = []
        var batches: [Int] = []
        var texts: [String] = []
        var isClosed = false
    }

    private let state: Mutex<State>
    private let isHanging: Bool
    private let after: @Sendable () -> Void

    /// Follows a script, and then takes everything; `after` runs once a batch was taken or refused.
    init(_ steps: [Step] = [], isHanging: Bool = false, after: @escaping @Sendable () -> Void = {}) {
        state = Mutex(State(steps: steps))
        self.isHanging = isHanging
        self.after = after
    }

    var received: [UInt64] { state.withLock { $0.received } }
    var batches: [Int] { state.withLock { $0.batches } }
    var texts: [String] { state.withLock { $0.texts } }
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// What a receiver has that drops what it had before.
    var distinct: [UInt64] {
        var seen = Set<UInt64>()
        return received.filter { seen.insert($0).inserted }
    }

    func deliver(_ batch: ExportBatch) async throws(ExportFailure) {
        if isHanging {
            // Only a cancellation ends this.
            while !Task.isCancelled { await Task.yield() }
            throw ExportFailure(.stopped, "the process is stopping")
        }
        let failure = state.withLock { state -> ExportFailure.Kind? in
            let step = state.steps.isEmpty ? Step.take : state.steps.removeFirst()
            let count: Int
            let failure: ExportFailure.Kind?
            switch step {
            case .take: (count, failure) = (batch.records.count, nil)
            case .takeAndFail(let kind): (count, failure) = (batch.records.count, kind)
            case .takeSome(let some, let kind): (count, failure) = (min(some, batch.records.count), kind)
            case .fail(let kind): (count, failure) = (0, kind)
            }
            state.batches.append(batch.records.count)
            state.received += batch.records.prefix(count).map(\.sequence)
            state.texts += batch.records.prefix(count).map { String(decoding: $0.bytes, as: UTF8.self) }
            return failure
        }
        after()
        if let failure { throw ExportFailure(failure, "a test said so") }
    }

    func close() async { state.withLock { $0.isClosed = true } }
}

/// Sleeps that take no time and are remembered.
final class Naps: Sendable {
    private let naps = Mutex<[Duration]>([])

    /// The waits after failures, without the gathering of entries.
    var waits: [Duration] {
        naps.withLock { $0.filter { $0 != ExportService.gathering && $0 != ExportService.parting } }
    }

    func take(_ duration: Duration) async throws {
        naps.withLock { $0.append(duration) }
        // The end's second lasts until what it waits for is done, or gives up when the test cancels it.
        if duration == ExportService.parting { for _ in 0..<10_000 where !Task.isCancelled { await Task.yield() } }
        await Task.yield()
        try Task.checkCancellation()
    }
}

extension ExportService {
    /// An export of a test: into a receiver that follows a script, without real sleeps.
    static func scripted(
        _ ledger: any Ledger,
        _ sink: any ExportSink,
        _ settings: ExportSettings = ExportSettings(name: "siem", destination: .standardOutput, batch: 4),
        clock: any WallClock = ManualClock(),
        naps: Naps = Naps(),
    ) -> ExportService {
        ExportService(
            settings,
            ledger: ledger,
            source: OCSFEvent.Source(origin: Fixtures.logOrigin, version: "1.2.3"),
            clock: clock,
            chance: .deterministic(),
            logger: .silent,
            sleep: { try await naps.take($0) },
            open: { () throws(ExportFailure) in sink },
        )
    }
}

extension Logger {
    /// Writes nothing.
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
