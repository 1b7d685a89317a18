import CountersignCore
import CountersignStore
import CountersignTestKit
import Testing
import TransparencyLog

@Suite("Commits of many callers share transactions", .timeLimit(.minutes(10)))
struct GroupCommitTests {
    let clock = ManualClock()

    @Test("200 concurrent callers get consecutive numbers, each in its own order, and every proof verifies")
    func concurrentCallers() async throws {
        try await withTemporaryFolder { folder in
            let ledger = try SQLiteLedger(path: folder + "/ledger.sqlite", clock: clock, sealer: .fixture)
            let now = clock.time()
            let firsts = try await withThrowingTaskGroup(of: [UInt64].self) { group in
                for caller in 0..<200 {
                    group.addTask {
                        var firsts = [UInt64]()
                        for turn in 0..<5 {
                            let drafts = (0..<(1 + turn % 2)).map {
                                Fixtures.entry(at: now, text: "\(caller) \(turn) \($0)")
                            }
                            guard case .committed(let first) = try await ledger.commit(Commit(entries: drafts)) else {
                                continue
                            }
                            for (offset, draft) in drafts.enumerated() {
                                let sequence = first + UInt64(offset)
                                let entry = try await ledger.entry(sequence)
                                #expect(entry?.bytes == draft.encoded(sequence: sequence))
                                firsts.append(sequence)
                            }
                        }
                        return firsts
                    }
                }
                return try await group.reduce(into: [[UInt64]]()) { $0.append($1) }
            }
            #expect(firsts.allSatisfy { $0 == $0.sorted() })
            #expect(firsts.flatMap { $0 }.sorted() == Array(0..<1400))
            let head = try await ledger.treeHead()
            #expect(head.size == 1400)
            for index in 0..<head.size {
                let leaf = LogHash.leaf(try #require(try await ledger.entry(index)).bytes)
                let proof = try await ledger.inclusionProof(index: index, size: head.size)
                let holds = InclusionProof.verify(
                    index: index,
                    size: head.size,
                    leaf: leaf,
                    proof: proof,
                    root: head.root
                )
                #expect(holds, "leaf \(index)")
            }
            try await ledger.audit()
            try await ledger.close()
        }
    }

    @Test("a commit that is refused disturbs none of those around it")
    func isolation() async throws {
        try await withTemporaryFolder { folder in
            let ledger = try SQLiteLedger(path: folder + "/ledger.sqlite", clock: clock, sealer: .fixture)
            let now = clock.time()
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: now)]))
            let tooLong = Fixtures.entry(at: now, text: String(repeating: "x", count: 70_000))
            let tooEarly = Fixtures.entry(at: now.adding(.seconds(-60)))
            let approval = try Fixtures.approval(at: now)
            let refusals = await withTaskGroup(of: LedgerError.Code?.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        let good = Fixtures.entry(at: now, text: "\(number)")
                        let entries =
                            switch number % 3 {
                            case 0: [good]
                            case 1: [good, tooLong]
                            default: [tooEarly, good]
                            }
                        do throws(LedgerError) {
                            let change: Commit.Change =
                                number == 0
                                ? .insert(approval, maximumPending: 1) : number % 3 == 0 ? .none : .replace(approval)
                            _ = try await ledger.commit(Commit(change, entries: entries))
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(refusals.count { $0 == nil } == 100)
            #expect(refusals.count { $0 == .entryTooLarge } == 100)
            #expect(refusals.count { $0 == .clock } == 100)
            #expect(try await ledger.treeHead().size == 101)
            try await ledger.audit()
            try await ledger.close()
        }
    }

    @Test("a cancelled caller's commit is written all the same")
    func cancellation() async throws {
        try await withTemporaryFolder { folder in
            let ledger = try SQLiteLedger(path: folder + "/ledger.sqlite", clock: clock, sealer: .fixture)
            let now = clock.time()
            let task = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                let result = try await ledger.commit(Commit(entries: [Fixtures.entry(at: now)]))
                let entry = try await ledger.entry(0)
                return (result, entry != nil)
            }
            let (result, isThere) = try await task.value
            #expect(result == .committed(first: 0))
            #expect(isThere)
            try await ledger.close()
        }
    }
}
