import CountersignCore
import CountersignLog
import CountersignStore
import Crypto
import Logging
import Synchronization
import TransparencyLog

/// From an action to its receipt: commit, a signed checkpoint that covers the entry, proof, bytes.
struct Receipts {
    let writers: Writers
    private let head: LogHead
    private let signer: LogSigner
    private let logger: Logger

    /// Signs as the server does, with keys made for the run and the floor beside the ledger.
    init(writers: Writers, folder: String) {
        self.writers = writers
        logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        head = LogHead(
            ledger: writers.ledger,
            signer: NoteSigner(name: "bench.example.com/log", privateKey: Curve25519.Signing.PrivateKey()),
            floor: CheckpointFloor(in: DiskFolder(path: folder, isPublic: false)),
            clock: SystemClock(),
            logger: logger,
        )
        signer = LogSigner(
            ledger: writers.ledger,
            head: head,
            grantKey: Curve25519.Signing.PrivateKey(),
            clock: SystemClock(),
        )
    }

    /// Makes `count` receipts, one after the other, while others write `rate` entries a second.
    func run(rate: Int, count: Int) async throws -> String {
        try await head.begin()
        let isOver = Flag()
        let service = CheckpointService(head: head, logger: logger)
        return try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                try await service.run()
                return 0
            }
            let parts = rate == 0 ? 0 : 32
            for part in 0..<parts { group.addTask { try await load(part, of: parts, rate: rate, isOver) } }
            var times = [Int]()
            let begin = nanoseconds()
            for number in 0..<count {
                let entry = writers.workload.entry(900_000_000 + number)
                // Without this each action would follow a checkpoint, and wait as long as any can.
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...400)))
                let before = nanoseconds()
                let sequence = try await writers.commit(entry)
                let receipt = try await signer.receipt(forEntry: sequence)
                times.append(nanoseconds() - before)
                guard let receipt, receipt.count > 500 else { throw LedgerError(.corrupt, "no receipt of \(sequence)") }
            }
            let seconds = Double(nanoseconds() - begin) / 1e9
            isOver.set()
            var written = 0
            for _ in 0..<parts { written += try await group.next() ?? 0 }
            group.cancelAll()
            return """
                {"rate": \(rate), "receipts": \(count), "others_per_second": \(Double(written) / seconds), \
                \(Times(times).json)}
                """
        }
    }

    /// One of several writers that together write `rate` entries a second; how many it wrote.
    private func load(_ part: Int, of parts: Int, rate: Int, _ isOver: Flag) async throws -> Int {
        let pace = 1_000_000_000 * parts / rate
        let begin = nanoseconds() + pace * part / parts
        var number = 0
        while !isOver.isSet {
            let wait = begin + number * pace - nanoseconds()
            if wait > 0 { try await Task.sleep(for: .nanoseconds(wait)) }
            try await writers.commit(writers.workload.entry(part * 10_000_000 + number))
            number += 1
        }
        return number
    }
}

/// Becomes true once.
final class Flag: Sendable {
    private let value = Atomic(false)

    /// Whether it has.
    var isSet: Bool { value.load(ordering: .acquiring) }

    /// Makes it true.
    func set() { value.store(true, ordering: .releasing) }
}
