import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation

/// Fills ledgers and searches them; prints JSON.
@main
struct SearchBench {
    static func main() async throws {
        let arguments = CommandLine.arguments
        func value(_ name: String) -> String? {
            arguments.firstIndex(of: name).flatMap { arguments.indices.contains($0 + 1) ? arguments[$0 + 1] : nil }
        }
        guard let folder = value("--folder"), let count = Int(value("--entries") ?? "1000000"), count >= 10_000 else {
            FileHandle.standardError.write(Data("usage: search-bench --folder EMPTY [--entries 1000000]\n".utf8))
            exit(2)
        }
        let bench = Bench(folder: folder, count: count)
        var result: [String: Any] = ["entries": count]
        let commits = Int(value("--commits") ?? "200000") ?? 200_000
        if commits > 0 { result["commits"] = try await bench.commits(commits) }
        result["searches"] = try await bench.searches()
        let data = try JSONSerialization.data(withJSONObject: result, options: [.prettyPrinted, .sortedKeys])
        print(String(decoding: data, as: UTF8.self))
    }
}

/// The measurements.
struct Bench {
    let folder: String
    let count: Int
    private let clock = ManualClock()
    private let start = Timestamp(microseconds: 1_767_225_600_000_000)
    private let sealer: PayloadSealer

    init(folder: String, count: Int) {
        guard let key = PayloadKey(bytes: [UInt8](repeating: 7, count: PayloadKey.byteCount)) else {
            preconditionFailure("a key has 32 bytes")
        }
        sealer = PayloadSealer(key: key)
        self.folder = folder
        self.count = count
    }

    /// Durable entries per second of 256 writers, without the index and with the index following, in turns.
    func commits(_ count: Int) async throws -> [String: Any] {
        var rates: [String: [Double]] = ["without": [], "following": []]
        var lags = [Int]()
        for round in 0..<4 {
            let isFollowing = round % 2 == 1
            let path = folder + "/commits-\(round).db"
            let setting = SearchSetting(path: folder + "/commits-\(round).search") { print($0) }
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: sealer, search: isFollowing ? setting : nil)
            var workload = Workload(from: start, step: .zero)
            let drafts = (0..<count).map { _ in workload.next() }
            let took = try await time {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<256 {
                        group.addTask {
                            for number in stride(from: writer, to: drafts.count, by: 256) {

                                _ = try await ledger.commit(Commit(entries: [drafts[number]]))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            rates[isFollowing ? "following" : "without", default: []].append((Double(count) / took).rounded())
            if isFollowing {
                lags.append(Int(try await ledger.statistics().searchable.map { UInt64(count) - $0 } ?? 0))
            }
            try await ledger.close()
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        }
        return ["entries per second": rates, "behind at the end": lags]
    }

    /// The times of all searches: without an index, and with all of it.
    func searches() async throws -> [String: Any] {
        let path = folder + "/ledger.db"
        var result: [String: Any] = [:]
        var workload = Workload(from: start)
        let setting = SearchSetting(path: folder + "/search.db", isFollowing: false) { print($0) }
        if !FileManager.default.fileExists(atPath: path) {
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: sealer)
            var left = count
            while left > 0 {
                let drafts = (0..<min(left, 256)).map { _ in workload.next() }
                _ = try await ledger.commit(Commit(entries: drafts))
                left -= drafts.count
            }
            try await ledger.close()
        }
        let end = start.adding(.milliseconds(20 * count))
        let ledger = try SQLiteLedger(path: path, clock: clock, sealer: sealer, search: setting)
        let classes = Searches.all(from: start, to: end, size: count)
        var answers: [EntryQuery: Page<Entry>] = [:]
        let before = try await ledger.statistics().searchable ?? 0
        if before == 0 {
            // Every tenth is enough to tell how slow it is, and what the answers are.
            var times = [Double]()
            for (_, queries) in classes {
                for (number, query) in queries.enumerated() where number % 10 == 0 {
                    times.append(try await ask(query, ledger))
                    answers[query] = try await ledger.entries(query)
                }
            }
            result["without index, ms"] = percentiles(times)
        }
        let memory = residentBytes()
        let worked = processorSeconds()
        let took = try await time { while try ledger.indexForSearch() {} }
        let covered = try await ledger.statistics().searchable ?? 0
        result["index, entries per second"] = (Double(covered - before) / took).rounded()
        result["index, entries per processor second"] =
            (Double(covered - before) / (processorSeconds() - worked)).rounded()
        result["index, covered"] = Int(covered)
        result["index, bytes"] = try size(folder + "/search.db")
        result["ledger, bytes"] = try size(path)
        result["memory, MiB"] = ["before": memory >> 20, "after the index": residentBytes() >> 20]
        // Processor time beside the clock's: it says the same on a machine that others use.
        var all = [Double]()
        var work = [Double]()
        var perClass: [String: [String: Double]] = [:]
        // The second round is measured as well: nobody's search is asked for the first time only.
        for (name, queries) in classes {
            var times = [Double]()
            for query in queries + queries {
                let before = processorSeconds()
                times.append(try await ask(query, ledger))
                work.append((processorSeconds() - before) * 1000)
            }
            perClass[name] = percentiles(times)
            all += times
        }
        for (query, answer) in answers where try await ledger.entries(query) != answer {
            throw LedgerError(.corrupt, "the index answers otherwise than the log: \(query)")
        }
        result["answers compared with those without index"] = answers.count
        result["searches"] = all.count
        result["with index, ms"] = percentiles(all)
        result["with index, processor ms"] = percentiles(work)
        result["by class, ms"] = perClass
        result["memory at the end, MiB"] = residentBytes() >> 20
        try await ledger.close()
        return result
    }

    private func ask(_ query: EntryQuery, _ ledger: SQLiteLedger) async throws -> Double {
        try await time { _ = try await ledger.entries(query) } * 1000
    }

    private func time(_ body: () async throws -> Void) async throws -> Double {
        let clock = ContinuousClock()
        let duration = try await clock.measure(body)
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    private func percentiles(_ times: [Double]) -> [String: Double] {
        let sorted = times.sorted()
        func at(_ part: Double) -> Double {
            let value = sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
            return (value * 100).rounded() / 100
        }
        return ["p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1)]
    }

    private func processorSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func size(_ path: String) throws -> Int {
        (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    }

    private func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}
