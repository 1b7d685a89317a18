package import CountersignCore
import Synchronization

/// What is known of an export while it runs, for `/metrics` and the dashboard; the mutex guards all of it.
package final class ExportMeter: Sendable {
    private struct State {
        var cursor: UInt64?
        var oldest: Timestamp?
        var delivered: UInt64 = 0
        var failures: UInt64 = 0
        var problem: String?
    }

    private let name: String
    private let destination: String
    private let state = Mutex(State())

    /// Measures one export.
    package init(_ settings: ExportSettings) {
        name = settings.name
        destination = settings.destination.description
    }

    /// The first entry that is not delivered has this number, and is of this time if it is there.
    func reached(_ cursor: UInt64, oldest: Timestamp?) {
        state.withLock { state in
            state.cursor = cursor
            state.oldest = oldest
        }
    }

    /// So many entries were delivered.
    func delivered(_ count: Int) {
        state.withLock { state in
            state.delivered += UInt64(count)
            state.problem = nil
        }
    }

    /// A try failed; says whether the one before had not failed in this way.
    func failed(_ problem: String) -> Bool {
        state.withLock { state in
            state.failures += 1
            defer { state.problem = problem }
            return state.problem != problem
        }
    }

    /// How the export stands in a log of `size` entries.
    package func status(size: UInt64, now: Timestamp) -> ExportStatus {
        let state = state.withLock { $0 }
        let next = state.cursor ?? 0
        let lag = size > next ? size - next : 0
        let age = state.oldest.map { max(.zero, now.since($0)) } ?? .zero
        return ExportStatus(
            name: name,
            destination: destination,
            lagEntries: lag,
            lagTime: lag == 0 ? .zero : age,
            delivered: state.delivered,
            failures: state.failures,
            problem: state.problem,
        )
    }
}
