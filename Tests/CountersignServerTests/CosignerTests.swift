import CountersignCore
import CountersignStore
import CountersignTestKit
import Crypto
import Foundation
import Logging
import Testing
import TransparencyLog

@testable import CountersignServer

@Suite("A witness cosigns", .timeLimit(.minutes(10)))
struct CosignerTests {
    let log = NoteSigner(name: "gateway.example/log", privateKey: Curve25519.Signing.PrivateKey())
    let clock = ManualClock()
    let leaves = (0..<8).map { LogHash.leaf(Array("entry \($0)".utf8)) }

    /// A witness in a new folder, and its folder.
    private func witness(
        _ body: (Cosigner, WitnessData, String) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/countersign-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let data = try await WitnessData.open(folder, name: "witness.example/w1")
        try await body(cosigner(data), data, folder)
        try await data.store.close()
    }

    private func cosigner(_ data: WitnessData, _ logger: Logger? = nil) -> Cosigner {
        Cosigner(
            signer: data.signer,
            logs: [log.verifier],
            store: data.store,
            clock: clock,
            meter: WitnessMeter(data.memories),
            logger: logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        )
    }

    /// RFC 6962, section 2.1, as it is written there.
    private func root(_ leaves: ArraySlice<LogHash>) -> LogHash {
        guard leaves.count > 1, let first = leaves.indices.first else { return leaves.first ?? .emptyTree }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        return .node(root(leaves[first..<(first + split)]), root(leaves[(first + split)...]))
    }

    private func request(
        old: UInt64,
        size: UInt64,
        signer: NoteSigner? = nil,
        other: Bool = false,
    ) throws -> [UInt8] {
        let signer = signer ?? log
        var leaves = leaves
        if other { leaves[0] = .leaf(Array("another history".utf8)) }
        let proof = try ConsistencyProof.build(from: old, to: size) { level, index throws(NoteError) in
            let width = 1 << level
            return self.root(leaves[(Int(index) * width)..<((Int(index) + 1) * width)])
        }
        let checkpoint = Checkpoint(origin: signer.name, size: size, root: root(leaves[..<Int(size)]))
        let note = try SignedNote(parsing: try checkpoint.signed(by: signer))
        return Array(try AddCheckpointRequest(oldSize: old, proof: proof, note: note).text.utf8)
    }

    @Test("what continues the log is remembered and cosigned, and nothing else is")
    func rules() async throws {
        try await witness { cosigner, data, _ in
            let first = await cosigner.answer(try request(old: 0, size: 3))
            #expect(first.status == 200)
            let note = try SignedNote(
                parsing: String(decoding: try request(old: 0, size: 3), as: UTF8.self)
                    .split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)[2].description
            )
            let line = String(first.body.dropLast())
            let cosigned = try note.adding(line: line).cosignatures(among: [data.signer.verifier])
            #expect(cosigned.first?.time == UInt64(clock.time().microseconds / 1_000_000))
            #expect(await cosigner.answer(try request(old: 3, size: 7)).status == 200)
            // Once more, as after an answer that was lost.
            #expect(await cosigner.answer(try request(old: 7, size: 7)).status == 200)
            let conflict = await cosigner.answer(try request(old: 3, size: 8))
            #expect(conflict == .init(status: 409, contentType: "text/x.tlog.size", body: "7\n"))
            #expect(await cosigner.answer(try request(old: 7, size: 8, other: true)).status == 422)
            #expect(await cosigner.answer(try request(old: 7, size: 7, other: true)).status == 409)
            #expect(await cosigner.answer(try request(old: 8, size: 7)).status == 400)
            #expect(await cosigner.answer(Array("old 7\n\nno note\n".utf8)).status == 400)
            #expect(await cosigner.answer([]).status == 400)
            let stranger = NoteSigner(name: "stranger.example/log", privateKey: Curve25519.Signing.PrivateKey())
            #expect(await cosigner.answer(try request(old: 0, size: 3, signer: stranger)).status == 404)
            let impostor = NoteSigner(name: log.name, privateKey: Curve25519.Signing.PrivateKey())
            #expect(await cosigner.answer(try request(old: 7, size: 8, signer: impostor)).status == 403)
            #expect(try await data.store.memory(of: log.name)?.checkpoint.size == 7)
        }
    }

    @Test("of two checkpoints of the same size at once, one is cosigned")
    func race() async throws {
        try await witness { cosigner, data, _ in
            let requests = [try request(old: 0, size: 5), try request(old: 0, size: 5, other: true)]
            let statuses = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { for body in requests { group.addTask { await cosigner.answer(body).status } } }
                return await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 200 }.count == 1)
            #expect(statuses.allSatisfy { $0 == 200 || $0 == 409 })
        }
    }

    @Test("a clock that went back cosigns nothing, until it has caught up")
    func clockBack() async throws {
        try await witness { cosigner, data, _ in
            let first = try request(old: 0, size: 3)
            #expect(await cosigner.answer(first).status == 200)
            clock.advance(by: .seconds(-2))
            #expect(await cosigner.answer(try request(old: 3, size: 5)).status == 503)
            #expect(await cosigner.answer(try request(old: 3, size: 3)).status == 503)
            #expect(try await data.store.memory(of: log.name)?.checkpoint.size == 3)
            clock.advance(by: .seconds(2))
            #expect(await cosigner.answer(try request(old: 3, size: 5)).status == 200)
        }
    }

    @Test("a state that cannot be written cosigns nothing")
    func noState() async throws {
        try await witness { cosigner, data, _ in
            try await data.store.close()
            let answer = await cosigner.answer(try request(old: 0, size: 3))
            #expect(answer.status == 503)
            #expect(!answer.body.contains("\u{2014}"))
        }
    }

    @Test("a restart knows what was cosigned; a lost state, a lost key and another name are refused")
    func restart() async throws {
        try await witness { cosigner, data, folder in
            #expect(await cosigner.answer(try request(old: 0, size: 5)).status == 200)
            try await data.store.close()
            await #expect(throws: (any Error).self) { _ = try await WitnessData.open(folder, name: "another.example") }
            let again = try await WitnessData.open(folder, name: nil)
            #expect(again.signer.verifier == data.signer.verifier)
            #expect(await self.cosigner(again).answer(try request(old: 0, size: 3)).status == 409)
            try await again.store.close()
            let (key, state) = (folder + "/witness.key", folder + "/witness.db")
            try FileManager.default.moveItem(atPath: key, toPath: key + ".away")
            await #expect(throws: StartupError.self) { _ = try await WitnessData.open(folder, name: "w") }
            try FileManager.default.moveItem(atPath: key + ".away", toPath: key)
            try FileManager.default.moveItem(atPath: state, toPath: state + ".away")
            await #expect(throws: StartupError.self) { _ = try await WitnessData.open(folder, name: nil) }
            #expect(!FileManager.default.fileExists(atPath: state))
        }
    }

    @Test("a changed bit in the state is found, or says nothing")
    func bits() async throws {
        try await witness { cosigner, data, folder in
            #expect(await cosigner.answer(try request(old: 0, size: 5)).status == 200)
            let memories = try await data.store.all()
            try await data.store.close()
            let path = folder + "/witness.db"
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
            // The row is small, at the end of its page; everything around it is looked at more coarsely.
            let row = (bytes.lastIndex { $0 != 0 } ?? 0) - 600
            var found = 0
            for offset in bytes.indices where offset >= row ? offset % 3 == 0 : offset % 97 == 0 {
                var changed = bytes
                changed[offset] ^= 0x10
                try Data(changed).write(to: URL(fileURLWithPath: path))
                do {
                    let opened = try await WitnessData.open(folder, name: nil)
                    #expect(opened.memories.map(\.checkpoint) == memories.map(\.checkpoint), "\(offset)")
                    #expect(opened.memories.map(\.time) == memories.map(\.time), "\(offset)")
                    try await opened.store.close()
                } catch {
                    found += 1
                }
            }
            #expect(found > 50)
        }
    }

    @Test("an address that asks too often has to wait, and the others do not")
    func pace() {
        var pace = RequestPace()
        let now = clock.time()
        func admits(_ address: String, at time: Timestamp) -> Bool { pace.admits(address, now: time) }
        for _ in 0..<Int(RequestPace.burst) { #expect(admits("10.0.0.1", at: now)) }
        #expect(!admits("10.0.0.1", at: now))
        #expect(admits("10.0.0.2", at: now))
        let later = now.adding(.milliseconds(20))
        #expect(admits("10.0.0.1", at: later))
        #expect(!admits("10.0.0.1", at: later))
        for number in 0..<(2 * RequestPace.maximumAddresses) { _ = pace.admits("host \(number)", now: now) }
        // Whoever comes when there is no room shares one bucket.
        #expect(!admits("a late one", at: now))
    }

    @Test("only two trees of one size are an alarm; a bad proof is a warning a minute, whoever sends it")
    func alarms() async throws {
        let (bad, late) = (try request(old: 5, size: 7, other: true), try request(old: 3, size: 8))
        let forks = [try request(old: 5, size: 5, other: true), try request(old: 3, size: 5, other: true)]
        let first = try request(old: 0, size: 5)
        try await witness { _, data, _ in
            let heard = HeardLog()
            let witness = self.cosigner(data, heard.logger)
            #expect(await witness.answer(first).status == 200)
            // What anybody can make of the log's public checkpoints.
            for _ in 0..<50 {
                #expect(await witness.answer(bad).status == 422)
                #expect(await witness.answer(late).status == 409)
            }
            #expect(heard.messages(.critical) == [])
            #expect(heard.messages(.warning).count == 1)
            clock.advance(by: .seconds(60))
            #expect(await witness.answer(bad).status == 422)
            #expect(heard.messages(.warning).count == 2)
            #expect(heard.messages(.warning).last?.contains("kept_back=49") == true)
            // What only the log's key can make, whatever old size comes with it.
            for fork in forks { #expect(await witness.answer(fork).status == 409) }
            #expect(heard.messages(.critical).count == 2)
        }
    }

    @Test("one party has so many connections, and the others have theirs")
    func connections() {
        let counts = ConnectionCounts()
        for _ in 0..<ConnectionCounts.maximum { #expect(counts.enter("10.0.0.1")) }
        #expect(!counts.enter("10.0.0.1"))
        #expect(counts.enter("10.0.0.2"))
        counts.leave("10.0.0.1")
        #expect(counts.enter("10.0.0.1"))
        #expect(!counts.enter("10.0.0.1"))
    }

    @Test(
        "a party of IPv6 is its first 64 bits",
        arguments: [
            ("10.0.0.1", "10.0.0.1"), ("", ""), ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("::1", "0:0:0:0::/64"),
            ("2001:db8::7", "2001:db8:0:0::/64"), ("2001:db8:0:0:1:2:3:4", "2001:db8:0:0::/64"),
            ("2001:db8:1:2:3::", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80:0:0:0::/64"),
        ]
    )
    func parties(address: String, party: String) {
        #expect(ConnectionCounts.party(of: address) == party)
    }

    @Test("metrics tell what was cosigned, and how often it was refused")
    func metrics() async throws {
        try await witness { cosigner, _, _ in
            let answer = await cosigner.answer(try request(old: 0, size: 5))
            cosigner.meter.answered(answer.status)
            cosigner.meter.answered(409)
            let lines = cosigner.meter.text(version: "1").split(separator: "\n")
            #expect(lines.contains("countersign_witness_requests_total{status=\"200\"} 1"))
            #expect(lines.contains("countersign_witness_requests_total{status=\"409\"} 1"))
            #expect(lines.contains("countersign_witness_requests_total{status=\"422\"} 0"))
            #expect(lines.contains("countersign_witness_cosigned_entries{log=\"gateway.example/log\"} 5"))
            #expect(
                lines.contains(
                    "countersign_witness_cosigned_timestamp_seconds{log=\"gateway.example/log\"} 1767225600"
                )
            )
        }
    }
}
