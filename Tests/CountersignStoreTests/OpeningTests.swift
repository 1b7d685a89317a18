import CountersignCore
import CountersignStore
import CountersignTestKit
import Foundation
import GRDB
import Testing
import TransparencyLog

@Suite("A ledger opens only what is whole and its own", .timeLimit(.minutes(10)))
struct OpeningTests {
    let clock = ManualClock()

    private func fill(_ path: String, entries: Int, checkpoint: Bool = false) async throws -> TreeHead {
        let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
        for start in stride(from: 0, to: entries, by: 100) {
            let drafts = (start..<min(start + 100, entries)).map { Fixtures.entry(at: clock.time(), text: "\($0)") }
            _ = try await ledger.commit(Commit(entries: drafts))
        }
        let head = try await ledger.treeHead()
        if checkpoint {
            let note = try Checkpoint(origin: Fixtures.logOrigin, size: head.size, root: head.root)
                .signed(by: Fixtures.logSigner())
            try await ledger.rememberCheckpoint(note, size: head.size)
        }
        try await ledger.close()
        return head
    }

    @Test("a ledger that is opened again has the same tree and goes on from it", arguments: [0, 1, 255, 256, 257, 700])
    func reopen(_ count: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            let head = try await fill(path, entries: count, checkpoint: count > 0)
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            #expect(try await ledger.treeHead() == head)
            let size = UInt64(count)
            #expect(
                try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())])) == .committed(first: size)
            )
            let next = try await ledger.treeHead()
            if size > 0 {
                let proof = try await ledger.consistencyProof(from: size, to: size + 1)
                let holds = ConsistencyProof.verify(
                    from: size,
                    to: size + 1,
                    oldRoot: head.root,
                    newRoot: next.root,
                    proof: proof,
                )
                #expect(holds)
            }
            try await ledger.audit()
            try await ledger.close()
        }
    }

    @Test("the log's tree reaches its third level of tiles, and is the same after a restart")
    func upperTiles() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            var frontier = TreeFrontier()
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            let draft = Fixtures.entry(at: clock.time(), payload: nil)
            for _ in 0..<66 {
                _ = try await ledger.commit(Commit(entries: [EntryDraft](repeating: draft, count: 1000)))
            }
            for sequence in 0..<UInt64(66_000) { frontier.append(.leaf(draft.encoded(sequence: sequence))) }
            #expect(try await ledger.treeHead() == TreeHead(size: 66_000, root: frontier.root))
            try await ledger.close()
            let again = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            #expect(try await again.treeHead() == TreeHead(size: 66_000, root: frontier.root))
            for index: UInt64 in [0, 255, 256, 65_535, 65_536, 65_999] {
                let proof = try await again.inclusionProof(index: index, size: 66_000)
                let leaf = LogHash.leaf(draft.encoded(sequence: index))
                let holds = InclusionProof.verify(
                    index: index,
                    size: 66_000,
                    leaf: leaf,
                    proof: proof,
                    root: frontier.root,
                )
                #expect(holds, "leaf \(index)")
            }
            try await again.audit()
            try await again.close()
        }
    }

    @Test("the time of the newest entry counts after a restart")
    func clockAfterRestart() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 3)
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            let early = Fixtures.entry(at: clock.time().adding(.seconds(-6)))
            await #expect { try await ledger.commit(Commit(entries: [early])) } throws: {
                ($0 as? LedgerError)?.code == .clock
            }
            try await ledger.close()
        }
    }

    @Test("a file of a newer version is refused and not touched")
    func newerVersion() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 3)
            try tamper(path, "PRAGMA user_version = 99")
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect { try SQLiteLedger(path: path, clock: clock, sealer: .fixture) } throws: {
                ($0 as? LedgerError)?.code == .newer
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names == ["ledger.sqlite", "ledger.sqlite.lock"])
        }
    }

    @Test("a database of another program is refused and not touched", arguments: [0, 7])
    func foreignDatabase(_ application: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            try tamper(path, "CREATE TABLE theirs (id INTEGER); PRAGMA application_id = \(application)")
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect { try SQLiteLedger(path: path, clock: clock, sealer: .fixture) } throws: {
                ($0 as? LedgerError)?.code == .corrupt
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        }
    }

    /// Ways to damage a file.
    enum Damage: CaseIterable {
        case garbage
        case cutInHalf
        case zeroedMiddle
        case shortHeader

        func apply(to data: inout Data) {
            switch self {
            case .garbage: data = Data((0..<8192).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })
            case .cutInHalf: data.removeLast(data.count / 2)
            case .zeroedMiddle:
                data.replaceSubrange(
                    (data.count / 4)..<(data.count / 2),
                    with: Data(count: data.count / 2 - data.count / 4)
                )
            case .shortHeader: data = data.prefix(50)
            }
        }
    }

    @Test("a damaged file is refused as corrupt", arguments: Damage.allCases)
    func damage(_ damage: Damage) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 600)
            let url = URL(fileURLWithPath: path)
            var data = try Data(contentsOf: url)
            damage.apply(to: &data)
            try data.write(to: url)
            #expect { try SQLiteLedger(path: path, clock: clock, sealer: .fixture) } throws: {
                ($0 as? LedgerError)?.code == .corrupt
            }
        }
    }

    @Test(
        "a log that was cut or rewritten is refused",
        arguments: [
            "DELETE FROM entry WHERE sequence >= 590",
            "DELETE FROM entry WHERE sequence >= 500",
            "DELETE FROM entry WHERE sequence >= 500; DELETE FROM tile WHERE level = 0 AND position = 1",
            "DELETE FROM entry WHERE sequence = 550",
            "UPDATE entry SET body = CAST(body || x'20' AS BLOB) WHERE sequence = 599",
            "UPDATE tile SET hashes = zeroblob(8192) WHERE position = 1",
            "DELETE FROM entry; DELETE FROM tile",
        ]
    )
    func cutLog(_ sql: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 600, checkpoint: true)
            try tamper(path, sql)
            #expect { try SQLiteLedger(path: path, clock: clock, sealer: .fixture) } throws: { error in
                guard let error = error as? LedgerError else { return false }
                return error.code == .corrupt && error.message.contains("cut or rewritten")
            }
        }
    }

    @Test(
        "numbers that are none are refused as corrupt, and end nothing",
        arguments: [
            "INSERT INTO entry VALUES (-5, 0, 'action.allowed', NULL, NULL, NULL, x'7B7D')",
            "INSERT INTO checkpoint VALUES (-5, zeroblob(32), 'x')",
            "PRAGMA user_version = -1",
            "INSERT INTO entry VALUES (9223372036854775807, 0, 'action.allowed', NULL, NULL, NULL, x'7B7D')",
        ]
    )
    func impossibleNumbers(_ sql: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 0)
            try tamper(path, sql)
            #expect { try SQLiteLedger(path: path, clock: clock, sealer: .fixture) } throws: {
                [.corrupt, .newer].contains(($0 as? LedgerError)?.code)
            }
        }
    }

    @Test("a cursor and an erasure that no entry has are errors of whoever reads them")
    func impossiblePlaces() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 3)
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            let approval = try Fixtures.approval(at: clock.time())
            _ = try await ledger.commit(Commit(.insert(approval, maximumPending: 9), entries: []))
            try await ledger.moveCursor("export", to: 2)
            try await ledger.close()
            try tamper(path, "UPDATE cursor SET next = -1; UPDATE approval SET erased_by = -1")
            let again = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            await #expect { try await again.cursor("export") } throws: { ($0 as? LedgerError)?.code == .corrupt }
            await #expect { try await again.approval(approval.id) } throws: { ($0 as? LedgerError)?.code == .corrupt }
            try await again.close()
        }
    }

    @Test("times that are none stop nothing at a start", arguments: [Int64.min, .max])
    func impossibleTimes(_ time: Int64) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 3)
            try tamper(path, "UPDATE entry SET time = \(time)")
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            // After the end of time nothing can be written; before its beginning, anything.
            let result = try? await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            #expect(result == (time == .min ? .committed(first: 3) : nil))
            try await ledger.close()
        }
    }

    @Test("an audit finds an entry that was rewritten far from the end")
    func audit() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            _ = try await fill(path, entries: 600, checkpoint: true)
            try tamper(path, "UPDATE entry SET body = CAST(body || x'20' AS BLOB) WHERE sequence = 3")
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            await #expect { try await ledger.audit() } throws: { error in
                (error as? LedgerError)?.message.contains("entry 3:") ?? false
            }
            try await ledger.close()
        }
    }

    @Test("a second ledger on the same file is refused until the first is closed")
    func lock() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            let first = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            #expect { try SQLiteLedger(path: path, clock: clock, sealer: .fixture) } throws: { error in
                guard let error = error as? LedgerError else { return false }
                return error.code == .locked && error.message.contains("\(ProcessInfo.processInfo.processIdentifier)")
            }
            try await first.close()
            let second = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            try await second.close()
        }
    }

    @Test("folder and files are for their owner only")
    func privacy() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/data/inner/ledger.sqlite"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            #expect(try permissions(folder + "/data") == 0o700)
            #expect(try permissions(folder + "/data/inner") == 0o700)
            for suffix in ["", "-wal", "-shm", ".lock"] {
                #expect(try permissions(path + suffix) == 0o600, "\(suffix)")
            }
            try await ledger.close()
        }
    }

    @Test("a closed ledger answers every call with unavailable")
    func closed() async throws {
        try await withTemporaryFolder { folder in
            let ledger = try SQLiteLedger(path: folder + "/ledger.sqlite", clock: clock, sealer: .fixture)
            try await ledger.close()
            await #expect { try await ledger.commit(Commit(entries: [])) } throws: {
                ($0 as? LedgerError)?.code == .unavailable
            }
            await #expect { try await ledger.entry(0) } throws: { ($0 as? LedgerError)?.code == .unavailable }
        }
    }

    @Test("on a full disk commits fail whole, and go on when there is room again")
    func fullDisk() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/ledger.sqlite"
            let ledger = try SQLiteLedger(path: path, clock: clock, sealer: .fixture, maximumSize: 4 * 1024 * 1024)
            let now = clock.time()
            let first = try Fixtures.approval(1, at: now)
            let ballast = KeptResponse(
                approval: first.id,
                status: 200,
                fields: [],
                body: [UInt8](repeating: 1, count: 2 * 1024 * 1024),
            )
            _ = try await ledger.commit(Commit(.insert(first, maximumPending: 9), entries: [], response: ballast))
            let big = Fixtures.entry(at: now, payload: [UInt8](repeating: 2, count: 300_000))
            var written: UInt64 = 0
            var failure: LedgerError?
            while failure == nil, written < 100 {
                do throws(LedgerError) {
                    _ = try await ledger.commit(Commit(entries: [big]))
                    written += 1
                } catch {
                    failure = error
                }
            }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("full") ?? false)
            let head = try await ledger.treeHead()
            #expect(head.size == written)
            // Nothing of a larger commit is kept either.
            let second = try Fixtures.approval(2, of: Fixtures.action(path: "/second"), at: now)
            let small = Fixtures.entry(at: now)
            let commit = Commit(
                .insert(second, maximumPending: 9),
                entries: [small, big],
                identity: [.putUser(User(id: Fixtures.alice))],
            )
            await #expect(throws: LedgerError.self) { try await ledger.commit(commit) }
            #expect(try await ledger.approval(second.id) == nil)
            #expect(try await ledger.identities() == IdentityRecords())
            #expect(try await ledger.entry(written) == nil)
            #expect(try await ledger.treeHead() == head)
            try await ledger.dropResponse(first.id)
            #expect(try await ledger.commit(commit) == .committed(first: written))
            #expect(try await ledger.approval(second.id) == second)
            try await ledger.audit()
            try await ledger.close()
            let again = try SQLiteLedger(path: path, clock: clock, sealer: .fixture)
            #expect(try await again.treeHead().size == written + 2)
            try await again.close()
        }
    }
}
