import CountersignCore
import CountersignTestKit
import Logging
import Testing
import TransparencyLog

@testable import CountersignLog

@Suite("Witnesses cosign a growing log", .timeLimit(.minutes(10)))
struct WitnessServiceTests {
    let ledger = InMemoryLedger()
    let clock = ManualClock()
    let signer: NoteSigner
    let head: LogHead
    let witnesses: [ScriptedWitness]
    let pace = ManualPause()
    let patience = ManualPause()
    let backoff = ManualPause()

    init() throws {
        let signer = try Fixtures.logSigner()
        self.signer = signer
        head = LogHead.testing(ledger, clock: clock, signer: signer)
        witnesses = (1...3).map { ScriptedWitness("w\($0).example", log: signer.verifier) }
    }

    private var logger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    private func grow(_ count: Int = 1) async throws {
        for _ in 0..<count { _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time)])) }
        try await head.advance()
    }

    private func settings(quorum: Int, of count: Int) throws -> WitnessSettings {
        try WitnessSettings(peers: witnesses.prefix(count).map(\.peer), quorum: quorum)
    }

    private func serving(
        quorum: Int,
        of count: Int = 3,
        cosigned: String? = nil,
        _ body: (WitnessService) async throws -> Void,
    ) async throws {
        let (witnesses, pace, patience, backoff) = (witnesses, pace, patience, backoff)
        let service = WitnessService(
            settings: try settings(quorum: quorum, of: count),
            ledger: ledger,
            head: head,
            cosigned: cosigned,
            clock: clock,
            chance: .deterministic(),
            logger: logger,
            connect: { peer in witnesses.first { $0.peer == peer } ?? witnesses[0] },
            sleep: { duration in
                switch duration {
                case WitnessService.pace: try await pace.hold(duration)
                case WitnessService.patience: try await patience.hold(duration)
                default: try await backoff.hold(duration)
                }
            },
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            try await body(service)
            group.cancelAll()
        }
    }

    private func cosigners() async throws -> (size: UInt64, names: [String]) {
        let text = try #require(try await ledger.latestCosigned())
        let note = try SignedNote(parsing: text)
        let checkpoint = try Checkpoint(parsing: try note.verified(by: [signer.verifier]))
        return (checkpoint.size, try note.cosignatures(among: witnesses.map(\.signer.verifier)).map(\.name))
    }

    @Test("a checkpoint that all must cosign is remembered with their cosignatures, and verifies")
    func all() async throws {
        try await grow(3)
        try await serving(quorum: 3) { service in
            #expect(await service.agreed.grown(beyond: 2) == 3)
            #expect(try await cosigners() == (3, ["w1.example", "w2.example", "w3.example"]))
            #expect(service.status.map(\.size) == [3, 3, 3])
            #expect(service.status.map(\.lag) == [0, 0, 0])
            #expect(service.status.map(\.time) == Array(repeating: clock.time(), count: 3))
            #expect(service.cosigned == 3)
            // The next one is proven to continue the one before.
            _ = await pace.next()
            try await grow(5)
            pace.pass()
            #expect(await service.agreed.grown(beyond: 3) == 8)
            #expect(witnesses[0].requests.map(\.oldSize) == [0, 3])
            #expect(witnesses.map(\.tree.size) == [8, 8, 8])
        }
    }

    @Test("a witness that is down delays nobody, is seen to lag, and catches up")
    func down() async throws {
        witnesses[2].become(.down)
        try await grow(3)
        try await serving(quorum: 2) { service in
            #expect(await service.agreed.grown(beyond: 2) == 3)
            #expect(try await cosigners() == (3, ["w1.example", "w2.example"]))
            let wait = try #require(await backoff.next())
            #expect(wait >= .milliseconds(500) && wait <= .seconds(1))
            #expect(service.status[2].size == nil)
            #expect(service.status[2].lag == 3)
            #expect(service.status[2].error?.contains("down") == true)
            _ = await pace.next()
            try await grow(1)
            pace.pass()
            #expect(await service.agreed.grown(beyond: 3) == 4)
            // It fails once more, and is given twice the time.
            backoff.pass()
            let longer = try #require(await backoff.next())
            #expect(longer >= .seconds(1) && longer <= .seconds(2))
            #expect(service.status[2].lag == 4)
            witnesses[2].become(.honest)
            _ = await pace.next()
            try await grow(1)
            backoff.pass()
            pace.pass()
            while witnesses[2].tree.size < 5 { _ = await witnesses[2].request() }
            #expect(await service.agreed.grown(beyond: 4) == 5)
        }
    }

    @Test("a slow witness holds up a quorum of all for a round, and not the log")
    func slow() async throws {
        witnesses[1].become(.slow)
        try await grow(3)
        try await serving(quorum: 2, of: 2) { service in
            #expect(await witnesses[1].request() == 3)
            #expect(await patience.next() == WitnessService.patience)
            try await grow(4)
            #expect(head.newest?.size == 7)
            // The round is old: all are asked about a newer checkpoint.
            pace.pass()
            patience.pass()
            while await witnesses[0].request() != 7 {}
            // The late answer is to the older checkpoint, which it completes; then it is asked about the newer one.
            witnesses[1].become(.honest)
            #expect(await service.agreed.grown(beyond: 0) != nil)
            #expect(await service.agreed.grown(beyond: 3) == 7)
            #expect(witnesses[1].tree.size == 7)
        }
    }

    @Test("409 with a smaller size is answered with the proof from there")
    func behind() async throws {
        try await grow(3)
        let three = try #require(head.newest)
        try await grow(6)
        witnesses[0].tree = WitnessedTree(size: three.size, root: three.root)
        try await serving(quorum: 1, of: 1) { service in
            #expect(await service.agreed.grown(beyond: 8) == 9)
            #expect(witnesses[0].requests.map(\.oldSize) == [0, 3])
            #expect(witnesses[0].requests.last?.proof.isEmpty == false)
            #expect(service.status[0].error == nil)
        }
    }

    @Test("409 with a size that was never signed here ends signing and writing, and says why")
    func ahead() async throws {
        try await grow(3)
        witnesses[0].tree = WitnessedTree(size: 12, root: .emptyTree)
        try await serving(quorum: 2) { service in
            await witnesses[0].closed()
            let error = try #require(ledger.halted)
            #expect(error.code == .corrupt)
            #expect(error.message.contains("w1.example") && error.message.contains("12"))
            #expect(service.status[0].error == error.message)
            await #expect(throws: LedgerError.self) {
                _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time)]))
            }
            await #expect(throws: LedgerError.self) { try await head.advance() }
        }
    }

    @Test("another tree of a size that we have, too, ends signing and writing", arguments: [UInt64(2), 3])
    func fork(_ size: UInt64) async throws {
        try await grow(3)
        witnesses[0].tree = WitnessedTree(size: size, root: .leaf(Array("another history".utf8)))
        try await serving(quorum: 2) { _ in
            await witnesses[0].closed()
            #expect(ledger.halted?.code == .corrupt)
            #expect(ledger.halted?.message.contains("\(size) entries") == true)
        }
    }

    @Test("a witness that lies, or is none, is a failure and no more")
    func lying() async throws {
        try await grow(3)
        let other = ScriptedWitness("w1.example", log: signer.verifier)
        let checkpoint = try Checkpoint(parsing: try SignedNote(parsing: try #require(head.newest).note).text)
        let forged = try other.signer.cosign(checkpoint, time: 7).line + "\n"
        let replies = [
            WitnessReply(status: 200, contentType: "text/plain", body: Array(forged.utf8)),
            WitnessReply(status: 200, contentType: "text/html", body: Array("<html>".utf8)),
            WitnessReply(status: 404, contentType: nil, body: []),
            WitnessReply(status: 500, contentType: nil, body: Array(repeating: 0, count: 60_000)),
            WitnessReply(status: 302, contentType: nil, body: []),
        ]
        witnesses[0].become(.answering(replies[0]))
        try await serving(quorum: 1, of: 1) { service in
            for (index, reply) in replies.enumerated() {
                _ = await backoff.next()
                #expect(service.status[0].error != nil, "\(reply.status)")
                #expect(service.status[0].size == nil)
                if index + 1 < replies.count { witnesses[0].become(.answering(replies[index + 1])) }
                if index + 1 == replies.count { witnesses[0].become(.honest) }
                backoff.pass()
            }
            #expect(await service.agreed.grown(beyond: 2) == 3)
            #expect(service.status[0].error == nil)
            #expect(ledger.halted == nil)
        }
    }

    @Test("a witness that names a size again and again is left alone for a while")
    func wandering() async throws {
        try await grow(3)
        let reply = WitnessReply(status: 409, contentType: AddCheckpointResponse.sizeType, body: Array("1\n".utf8))
        witnesses[0].become(.answering(reply))
        try await serving(quorum: 1, of: 1) { service in
            _ = await backoff.next()
            #expect(service.status[0].error != nil)
            #expect(witnesses[0].requests.count <= 5)
        }
    }

    @Test("after a restart nothing is asked twice that was cosigned, and the rest is")
    func restart() async throws {
        try await grow(3)
        witnesses[1].become(.down)
        try await serving(quorum: 1, of: 2) { service in
            #expect(await service.agreed.grown(beyond: 2) == 3)
            _ = await backoff.next()
        }
        witnesses[1].become(.honest)
        let cosigned = try await ledger.latestCosigned()
        try await serving(quorum: 2, of: 2, cosigned: cosigned) { service in
            #expect(service.status.map(\.size) == [3, nil])
            #expect(await service.agreed.grown(beyond: 2) == 3)
            let names = try await cosigners().names
            #expect(names == ["w1.example", "w2.example"])
            #expect(witnesses[0].requests.count == 1)
        }
    }

    // MARK: Before the start

    private func ask(_ logger: Logger? = nil) async throws {
        let (witnesses, patience) = (witnesses, patience)
        let inquiry = WitnessInquiry(
            settings: try settings(quorum: 2, of: 2),
            logger: logger ?? self.logger,
            connect: { peer in witnesses.first { $0.peer == peer } ?? witnesses[0] },
            sleep: { try await patience.hold($0) },
        )
        try await inquiry.ask(about: ledger, signer: signer)
    }

    @Test("a start asks every witness, and goes on where they know no more than the ledger remembers")
    func inquiry() async throws {
        try await ask()
        #expect(witnesses.map(\.requests.count) == [1, 1, 0])
        try await grow(3)
        witnesses[1].become(.down)
        try await ask()
        let three = try #require(head.newest)
        witnesses[0].tree = WitnessedTree(size: 3, root: three.root)
        try await ask()
        // Entries that were never signed are not what the witness would know.
        _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time)]))
        try await ask()
    }

    @Test("a start is refused when a witness has seen more, or something else", arguments: [UInt64(3), 4])
    func refused(_ size: UInt64) async throws {
        try await grow(3)
        witnesses[0].become(.down)
        witnesses[1].tree = WitnessedTree(size: size, root: .emptyTree)
        do {
            try await ask()
            Issue.record("the witness has seen something else")
        } catch {
            let error = try #require(error as? LedgerError)
            #expect(error.code == .corrupt)
            #expect(error.message.contains("w2.example") && error.message.contains("\(size) entries"))
        }
    }

    @Test("a start that is answered 422, though it sent no proof, goes on with a warning")
    func unprocessable() async throws {
        try await grow(3)
        for witness in witnesses.prefix(2) {
            witness.become(.answering(WitnessReply(status: 422, contentType: "text/html", body: [])))
        }
        let heard = HeardLog()
        try await ask(heard.logger)
        #expect(heard.messages(.warning).count == 2)
        #expect(heard.messages(.warning).allSatisfy { $0.contains("the start goes on") && $0.contains("422") })
    }

    @Test("a new data folder with an old log key is refused, too")
    func emptied() async throws {
        witnesses[0].tree = WitnessedTree(size: 4, root: .emptyTree)
        await #expect(throws: LedgerError.self) { try await ask() }
    }

    @Test("a start does not wait for a witness that does not answer")
    func patient() async throws {
        witnesses[0].become(.slow)
        async let asked: Void = ask()
        #expect(await patience.next() == WitnessInquiry.patience)
        _ = await witnesses[0].request()
        while witnesses[1].requests.isEmpty { _ = await witnesses[1].request() }
        patience.pass()
        try await asked
    }
}
