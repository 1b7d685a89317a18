import CountersignCore
import CountersignStore

/// Writers that each wait until their entry is durable before they make the next.
struct Writers {
    let ledger: SQLiteLedger
    let workload = Workload()

    /// Writes for some seconds after one second of warming up: throughput, latency, bytes and processor time.
    func run(writers: Int, seconds: Int) async throws -> String {
        let begin = nanoseconds() + 1_000_000_000
        let end = begin + seconds * 1_000_000_000
        // Taken by a task of its own when the warm-up ends.
        async let before = startOfMeasuring(at: begin)
        let times = try await withThrowingTaskGroup(of: [Int].self) { group in
            for writer in 0..<writers {
                group.addTask { try await write(from: writer * 10_000_000, begin: begin, end: end) }
            }
            return try await group.reduce(into: [Int]()) { $0 += $1 }
        }
        let (processor, written) = await before
        let cpu = processorTime() - processor
        let bytes = (processNumber("wchar", in: "io") ?? 0) - written
        let rate = Double(times.count) / Double(seconds)
        return """
            {"writers": \(writers), "seconds": \(seconds), "entries": \(times.count), "per_second": \(rate), \
            "cpu_us": \(Double(cpu) / 1000 / Double(max(1, times.count))), \
            "bytes_per_entry": \(bytes / max(1, times.count)), \(Times(times).json)}
            """
    }

    /// Writes until the log has so many entries, as 256 writers; what is measured is the memory afterwards.
    func grow(to size: UInt64) async throws {
        let missing = Int(size) - Int(ledger.growth.size)
        guard missing > 0 else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<256 {
                let count = missing / 256 + (writer < missing % 256 ? 1 : 0)
                group.addTask {
                    for number in 0..<count { try await commit(workload.entry(number * 256 + writer)) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Writes one entry; its number in the log.
    @discardableResult
    func commit(_ entry: EntryDraft) async throws -> UInt64 {
        guard case .committed(let first) = try await ledger.commit(Commit(entries: [entry])) else {
            throw LedgerError(.corrupt, "an entry without a condition was refused")
        }
        return first
    }

    private func write(from start: Int, begin: Int, end: Int) async throws -> [Int] {
        var times = [Int]()
        times.reserveCapacity(100_000)
        var number = start
        while true {
            let entry = workload.entry(number)
            number += 1
            let before = nanoseconds()
            guard before < end else { return times }
            try await commit(entry)
            let after = nanoseconds()
            if before >= begin, after <= end { times.append(after - before) }
        }
    }

    private func startOfMeasuring(at begin: Int) async -> (processor: Int, written: Int) {
        try? await Task.sleep(for: .nanoseconds(max(0, begin - nanoseconds())))
        return (processorTime(), processNumber("wchar", in: "io") ?? 0)
    }
}
