import CountersignStore
import Synchronization
import TransparencyLog

/// What a witness did, for `/metrics`; the mutex guards all of it.
final class WitnessMeter: Sendable {
    private struct State {
        var answers: [Int: Int] = [:]
        var logs: [[UInt8]: WitnessStore.Memory] = [:]
    }

    private let state: Mutex<State>

    /// Begins with what was cosigned before.
    init(_ memories: [WitnessStore.Memory]) {
        let logs = memories.map { (Array($0.checkpoint.origin.utf8), $0) }
        state = Mutex(State(logs: Dictionary(logs) { first, _ in first }))
    }

    /// Counts an answer to `add-checkpoint`.
    func answered(_ status: Int) { state.withLock { $0.answers[status, default: 0] += 1 } }

    /// Notes a cosignature, unless a later one was noted before.
    func cosigned(_ memory: WitnessStore.Memory) {
        let origin = Array(memory.checkpoint.origin.utf8)
        state.withLock { state in
            if let now = state.logs[origin], now.checkpoint.size > memory.checkpoint.size || now.time > memory.time {
                return
            }
            state.logs[origin] = memory
        }
    }

    /// All of it in the Prometheus text format.
    func text(version: String) -> String {
        let state = state.withLock { $0 }
        let logs = state.logs.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
        var text = Self.family(
            "countersign_witness_requests_total",
            "counter",
            "Answers to add-checkpoint, by status.",
            [200, 400, 403, 404, 408, 409, 413, 422, 429, 503].map { status in
                ("status=\"\(status)\"", "\(state.answers[status] ?? 0)")
            },
        )
        text += Self.family(
            "countersign_witness_cosigned_entries",
            "gauge",
            "The size of the newest cosigned checkpoint of each log.",
            logs.map { ("log=\"\(Self.escaped($0.checkpoint.origin))\"", "\($0.checkpoint.size)") },
        )
        text += Self.family(
            "countersign_witness_cosigned_timestamp_seconds",
            "gauge",
            "When each log was cosigned last.",
            logs.map { ("log=\"\(Self.escaped($0.checkpoint.origin))\"", "\($0.time)") },
        )
        text += Self.family(
            "countersign_build_info",
            "gauge",
            "The version that runs.",
            [("version=\"\(Self.escaped(version))\"", "1")],
        )
        return text
    }

    private static func family(
        _ name: String,
        _ type: String,
        _ help: String,
        _ samples: [(label: String, value: String)],
    ) -> String {
        samples.reduce(into: "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n") { text, sample in
            text += "\(name){\(sample.label)} \(sample.value)\n"
        }
    }

    private static func escaped(_ value: String) -> String {
        // Neither origins nor versions have line breaks.
        value.unicodeScalars.reduce(into: "") { text, scalar in
            if scalar == "\\" || scalar == "\"" { text += "\\" }
            text.unicodeScalars.append(scalar)
        }
    }
}
