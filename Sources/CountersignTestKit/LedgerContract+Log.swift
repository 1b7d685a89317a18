import CountersignCore
import TransparencyLog

extension LedgerContract {
    /// What signing, publishing, witnessing and exporting rely on.
    static let serving: [LedgerRule] = [
        LedgerRule("tiles have the tree's hashes, and none that the log does not reach") { ledger, clock in
            let size = 600
            for _ in 0..<size { _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())])) }
            let leaves = try await ledger.leaves(from: 0, count: size).map { LogHash.leaf($0.bytes) }
            try expect(leaves.count, is: size)
            for (index, width) in [(0, 256), (1, 256), (2, 88), (2, 1), (0, 7)] {
                let tile = try require(try await ledger.hashTile(level: 0, index: UInt64(index), width: width))
                try expect(tile, is: leaves[(index << 8)..<(index << 8 + width)].flatMap(\.bytes))
            }
            let upper = try require(try await ledger.hashTile(level: 1, index: 0, width: 2))
            let roots = [0, 1].map { index in
                treeRoot(size: 256) { level, position in
                    var row = Array(leaves[(256 * index)..<(256 * index + 256)])
                    for _ in 0..<level {
                        row = (0..<(row.count / 2)).map { .node(row[2 * $0], row[2 * $0 + 1]) }
                    }
                    return row[Int(position)]
                }
            }
            try expect(upper, is: roots.flatMap(\.bytes))
            for (level, index, width) in [
                (0, 2, 89), (0, 3, 1), (1, 0, 3), (2, 0, 1), (0, 0, 0), (0, 0, 257), (8, 0, 1),
            ] {
                let tile = try await ledger.hashTile(level: level, index: UInt64(index), width: width)
                try expect(tile == nil, "\(level)/\(index) of \(width)")
            }
            try expect(try await ledger.hashTile(level: 0, index: .max, width: 256) == nil)
        },
        LedgerRule("leaves are the entries from a place on, as many as there are") { ledger, clock in
            for _ in 0..<5 { _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())])) }
            try expect(try await ledger.leaves(from: 3, count: 10).map(\.sequence), is: [3, 4])
            try expect(try await ledger.leaves(from: 0, count: 2).map(\.sequence), is: [0, 1])
            try expect(try await ledger.leaves(from: 5, count: 1), is: [])
            try expect(try await ledger.leaves(from: .max, count: 1), is: [])
            try expect(try await ledger.leaves(from: 0, count: 0), is: [])
        },
        LedgerRule("whoever waits for the log to grow is told how far it is durable") { ledger, clock in
            try expect(ledger.growth.size, is: 0)
            async let grown = ledger.growth.grown(beyond: 1)
            for _ in 0..<2 { _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())])) }
            try expect(await grown, is: 2)
            try expect(await ledger.growth.grown(beyond: 0), is: 2)
        },
        LedgerRule("a reader's cursor is kept, each reader's its own") { ledger, _ in
            try expect(try await ledger.cursor("export:siem") == nil)
            try await ledger.moveCursor("export:siem", to: 7)
            try await ledger.moveCursor("export:file", to: 2)
            try await ledger.moveCursor("export:siem", to: 9)
            try expect(try await ledger.cursor("export:siem"), is: 9)
            try expect(try await ledger.cursor("export:file"), is: 2)
        },
        LedgerRule("a halted ledger refuses every commit, and still reads and remembers") { ledger, clock in
            let commit = Commit(entries: [Fixtures.entry(at: clock.time())])
            _ = try await ledger.commit(commit)
            try expect(ledger.halted == nil)
            ledger.halt(LedgerError(.corrupt, "others have seen more of this log"))
            ledger.halt(LedgerError(.unavailable, "the first reason stays"))
            try expect(ledger.halted, is: LedgerError(.corrupt, "others have seen more of this log"))
            for _ in 0..<2 { try await expectRefusal(.corrupt, of: commit, by: ledger) }
            try expect(try await ledger.treeHead().size, is: 1)
            try await ledger.moveCursor("export:siem", to: 1)
            try expect(try await ledger.cursor("export:siem"), is: 1)
        },
        LedgerRule("the checkpoint that witnesses cosigned is kept beside the latest one") { ledger, clock in
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            let head = try await ledger.treeHead()
            let checkpoint = Checkpoint(origin: Fixtures.logOrigin, size: head.size, root: head.root)
            let note = try checkpoint.signed(by: try Fixtures.logSigner())
            try await ledger.rememberCosigned(note, size: 1)
            try expect(try await ledger.latestCosigned(), is: note)
            try expect(try await ledger.latestCheckpoint() == nil)
            do {
                let foreign = Checkpoint(origin: Fixtures.logOrigin, size: 1, root: .emptyTree)
                try await ledger.rememberCosigned(try foreign.signed(by: try Fixtures.logSigner()), size: 1)
                throw ContractViolation(description: "a cosigned checkpoint of another log was remembered")
            } catch let error as LedgerError {
                try expect(error.code, is: .corrupt)
            }
        },
    ]
}
