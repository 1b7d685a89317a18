package import CountersignCore
package import TransparencyLog

extension InMemoryLedger {
    /// The size and root of the tree.
    package func treeHead() async throws(LedgerError) -> TreeHead {
        try read { state throws(LedgerError) in
            TreeHead(size: UInt64(state.leaves.count), root: state.root(UInt64(state.leaves.count)))
        }
    }

    /// The proof that the leaf at `index` is in the tree of `size` leaves.
    package func inclusionProof(index: UInt64, size: UInt64) async throws(LedgerError) -> [LogHash] {
        try read { state throws(LedgerError) in
            guard size <= UInt64(state.leaves.count) else { return [] }
            return InclusionProof.build(index: index, size: size) { state.node(level: $0, index: $1) }
        }
    }

    /// The proof that the tree of `from` leaves is a prefix of that of `to`.
    package func consistencyProof(from: UInt64, to: UInt64) async throws(LedgerError) -> [LogHash] {
        try read { state throws(LedgerError) in
            guard to <= UInt64(state.leaves.count) else { return [] }
            return ConsistencyProof.build(from: from, to: to) { state.node(level: $0, index: $1) }
        }
    }

    /// The first `width` hashes of a tile; `nil` where the log does not reach so far.
    package func hashTile(level: Int, index: UInt64, width: Int) async throws(LedgerError) -> [UInt8]? {
        guard (0..<8).contains(level), (1...256).contains(width), index <= UInt64.max >> 8 else { return nil }
        return try read { state throws(LedgerError) in
            let first = index << 8
            guard first.addingReportingOverflow(UInt64(width)).partialValue <= state.leaves.count >> (8 * level) else {
                return nil
            }
            return (0..<UInt64(width)).flatMap { state.node(level: 8 * level, index: first + $0).bytes }
        }
    }

    /// Consecutive entries from `start` on, without their payloads.
    package func leaves(from start: UInt64, count: Int) async throws(LedgerError) -> [Entry] {
        try read { state in
            state.entries.dropFirst(Int(clamping: start)).prefix(max(0, count))
                .map { Entry(sequence: $0.sequence, bytes: $0.bytes, payload: nil) }
        }
    }

    /// Remembers a signed checkpoint; one that is not of this log is refused.
    package func rememberCheckpoint(_ note: String, size: UInt64) async throws(LedgerError) {
        try read { state throws(LedgerError) in try state.remember(note, size, \.checkpoint) }
    }

    /// The latest remembered checkpoint.
    package func latestCheckpoint() async throws(LedgerError) -> String? { try read { $0.checkpoint?.note } }

    /// Remembers a checkpoint that enough witnesses have cosigned.
    package func rememberCosigned(_ note: String, size: UInt64) async throws(LedgerError) {
        try read { state throws(LedgerError) in try state.remember(note, size, \.cosigned) }
    }

    /// The latest remembered checkpoint that enough witnesses have cosigned.
    package func latestCosigned() async throws(LedgerError) -> String? { try read { $0.cosigned?.note } }

    /// Where a reader of the log goes on; `nil` for a new one.
    package func cursor(_ reader: String) async throws(LedgerError) -> UInt64? { try read { $0.cursors[reader] } }

    /// Moves a reader's cursor.
    package func moveCursor(_ reader: String, to next: UInt64) async throws(LedgerError) {
        try read { $0.cursors[reader] = next }
    }
}

extension InMemoryLedger.State {
    mutating func remember(
        _ note: String,
        _ size: UInt64,
        _ place: WritableKeyPath<Self, (note: String, size: UInt64)?>,
    ) throws(LedgerError) {
        guard let text = try? SignedNote(parsing: note).text, let checkpoint = try? Checkpoint(parsing: text),
            checkpoint.size == size, size <= UInt64(leaves.count), checkpoint.root == root(size)
        else { throw LedgerError(.corrupt, "the checkpoint is not of this log") }
        if self[keyPath: place].map({ $0.size <= size }) ?? true { self[keyPath: place] = (note, size) }
    }

    func root(_ size: UInt64) -> LogHash { treeRoot(size: size) { node(level: $0, index: $1) } }

    func node(level: Int, index: UInt64) -> LogHash {
        guard level > 0 else { return leaves[Int(index)] }
        return .node(node(level: level - 1, index: 2 * index), node(level: level - 1, index: 2 * index + 1))
    }
}
