package import CountersignCore
import TransparencyLog

/// One thing that every ledger must do, checked on an empty one whose clock is the one given.
package struct LedgerRule: Sendable, CustomStringConvertible {
    /// The rule, in words.
    package let name: String
    /// Throws a ``ContractViolation`` if the ledger does not keep to it.
    package let check: @Sendable (any Ledger, ManualClock) async throws -> Void

    init(_ name: String, _ check: @escaping @Sendable (any Ledger, ManualClock) async throws -> Void) {
        self.name = name
        self.check = check
    }

    /// The rule, for the test report.
    package var description: String { name }
}

/// A ledger did not do what the port promises.
package struct ContractViolation: Error, CustomStringConvertible {
    /// What was expected, and where.
    package let description: String
}

/// What the port `Ledger` promises, as rules that every implementation is tested against.
package enum LedgerContract {
    /// All of them.
    package static let rules: [LedgerRule] =
        committing + changing + listing + linking + searching + searchingFacets + proving + remembering + serving
        + erasing + accepting + telling + placing

    static func expect(
        _ condition: Bool,
        _ what: @autoclosure () -> String = "",
        file: StaticString = #fileID,
        line: Int = #line,
    ) throws {
        if !condition { throw ContractViolation(description: "\(file):\(line): \(what())") }
    }

    static func expect<Value: Equatable>(
        _ value: Value,
        is expected: Value,
        file: StaticString = #fileID,
        line: Int = #line,
    ) throws {
        if value != expected { throw ContractViolation(description: "\(file):\(line): \(value) is not \(expected)") }
    }

    static func require<Value>(_ value: Value?, file: StaticString = #fileID, line: Int = #line) throws -> Value {
        guard let value else { throw ContractViolation(description: "\(file):\(line): there is no value") }
        return value
    }

    /// Expects a commit to be refused with an error of this kind.
    static func expectRefusal(
        _ code: LedgerError.Code,
        of commit: Commit,
        by ledger: any Ledger,
        line: Int = #line,
    ) async throws {
        do {
            let result = try await ledger.commit(commit)
            throw ContractViolation(description: "line \(line): \(result) instead of \(code)")
        } catch let error as LedgerError {
            try expect(error.code, is: code, line: line)
        }
    }

    private static let committing: [LedgerRule] = [
        LedgerRule("an empty ledger has the empty tree") { ledger, _ in
            try expect(try await ledger.treeHead(), is: TreeHead(size: 0, root: .emptyTree))
            try expect(try await ledger.entry(0) == nil)
            try expect(try await ledger.latestCheckpoint() == nil)
            let statistics = try await ledger.statistics()
            try expect(statistics.approvals.isEmpty && statistics.entries == 0 && statistics.searchable ?? 0 == 0)
        },
        LedgerRule("entries get consecutive numbers from 0, in order") { ledger, clock in
            let drafts = (0..<5).map { Fixtures.entry(at: clock.time(), text: "\($0)") }
            try expect(try await ledger.commit(Commit(entries: [drafts[0], drafts[1]])), is: .committed(first: 0))
            try expect(try await ledger.commit(Commit(entries: [])), is: .committed(first: 2))
            try expect(try await ledger.commit(Commit(entries: Array(drafts[2...]))), is: .committed(first: 2))
            for (index, draft) in drafts.enumerated() {
                let entry = try require(try await ledger.entry(UInt64(index)))
                try expect(entry.bytes, is: draft.encoded(sequence: UInt64(index)))
                try expect(entry.payload, is: draft.payload)
            }
            try expect(try await ledger.entry(5) == nil)
            try expect(try await ledger.statistics().entries, is: 5)
        },
        LedgerRule("an entry without a payload has none, and an empty payload is one") { ledger, clock in
            let drafts = [
                Fixtures.entry(at: clock.time(), payload: nil), Fixtures.entry(at: clock.time(), payload: []),
            ]
            _ = try await ledger.commit(Commit(entries: drafts))
            try expect(try await ledger.entry(0)?.payload == nil)
            try expect(try require(try await ledger.entry(1)).payload?.bytes, is: [])
        },
        LedgerRule("an entry longer than a bundle holds is refused, and nothing of its commit is kept") {
            ledger,
            clock in
            let long = Fixtures.entry(at: clock.time(), text: String(repeating: "x", count: 40_000))
            let fits = Fixtures.entry(at: clock.time(), text: String(repeating: "x", count: 30_000))
            let approval = try Fixtures.approval(at: clock.time())
            let commit = Commit(
                .insert(approval, maximumPending: 9),
                entries: [fits, long],
                identity: [.useLink(id: "link", expires: clock.time())],
            )
            try await expectRefusal(.entryTooLarge, of: commit, by: ledger)
            try expect(try await ledger.treeHead().size, is: 0)
            try expect(try await ledger.approval(approval.id) == nil)
            try expect(
                try await ledger.commit(
                    Commit(entries: [fits], identity: [.useLink(id: "link", expires: clock.time())])
                ),
                is: .committed(first: 0),
            )
        },
        LedgerRule("the time may run back by 5 seconds and not by more") { ledger, clock in
            let now = clock.time()
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: now)]))
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: now.adding(.seconds(-5)))]))
            let early = Commit(entries: [Fixtures.entry(at: now.adding(.milliseconds(-5001)))])
            try await expectRefusal(.clock, of: early, by: ledger)
            // Within one commit, too.
            let both = Commit(entries: [Fixtures.entry(at: now.adding(.seconds(60))), Fixtures.entry(at: now)])
            try await expectRefusal(.clock, of: both, by: ledger)
            try expect(try await ledger.commit(Commit(entries: [Fixtures.entry(at: now)])), is: .committed(first: 2))
        },
    ]

    private static let proving: [LedgerRule] = [
        LedgerRule("every leaf has an inclusion proof in every tree, and every tree in every later one") {
            ledger,
            clock in
            let count: UInt64 = 41
            var heads = [try await ledger.treeHead()]
            for index in 0..<count {
                _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time(), text: "\(index)")]))
                heads.append(try await ledger.treeHead())
            }
            for size in 1...count {
                let head = heads[Int(size)]
                try expect(head.size, is: size)
                for index in stride(from: 0, to: size, by: 3) {
                    let proof = try await ledger.inclusionProof(index: index, size: size)
                    let leaf = LogHash.leaf(try require(try await ledger.entry(index)).bytes)
                    try expect(
                        InclusionProof.verify(index: index, size: size, leaf: leaf, proof: proof, root: head.root),
                        "leaf \(index) of \(size)",
                    )
                }
                for from in stride(from: 1, to: size, by: 5) {
                    let proof = try await ledger.consistencyProof(from: from, to: size)
                    try expect(
                        ConsistencyProof.verify(
                            from: from,
                            to: size,
                            oldRoot: heads[Int(from)].root,
                            newRoot: head.root,
                            proof: proof
                        ),
                        "from \(from) to \(size)",
                    )
                }
            }
        },
        LedgerRule("a tree that is not there yet has no proofs") { ledger, clock in
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            try expect(try await ledger.inclusionProof(index: 0, size: 2), is: [])
            try expect(try await ledger.inclusionProof(index: 1, size: 1), is: [])
            try expect(try await ledger.consistencyProof(from: 1, to: 2), is: [])
        },
        LedgerRule("the latest checkpoint is remembered, and one of another log is not") { ledger, clock in
            let signer = try Fixtures.logSigner()
            func note() async throws -> (String, UInt64) {
                let head = try await ledger.treeHead()
                let checkpoint = Checkpoint(origin: Fixtures.logOrigin, size: head.size, root: head.root)
                return (try checkpoint.signed(by: signer), head.size)
            }
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            let first = try await note()
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: clock.time())]))
            let second = try await note()
            try await ledger.rememberCheckpoint(second.0, size: second.1)
            try await ledger.rememberCheckpoint(first.0, size: first.1)
            try expect(try await ledger.latestCheckpoint(), is: second.0)
            let foreign = try Checkpoint(origin: Fixtures.logOrigin, size: 2, root: .emptyTree).signed(by: signer)
            for (note, size) in [(foreign, UInt64(2)), (second.0, 1), ("no note", 2)] {
                do {
                    try await ledger.rememberCheckpoint(note, size: size)
                    throw ContractViolation(description: "a checkpoint of another log was remembered: \(note)")
                } catch let error as LedgerError {
                    try expect(error.code, is: .corrupt)
                }
            }
            try expect(try await ledger.latestCheckpoint(), is: second.0)
        },
    ]
}
