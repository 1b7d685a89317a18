package import TransparencyLog

/// The log's side of the ledger: what signing, publishing, witnessing and exporting need of it.
///
/// Entries are the leaves of one Merkle tree, in commit order. Everything read here was committed durably before; an
/// error means that nothing can be said, and that the caller must not sign.
package protocol LogLedger: Sendable {
    /// Tells who waits that the log grew, after the commit is durable.
    var growth: LogGrowth { get }

    /// The size and root of the tree as of the latest commit.
    func treeHead() async throws(LedgerError) -> TreeHead
    /// The proof that the leaf at `index` is in the tree of `size` leaves; empty where there is no such tree yet.
    func inclusionProof(index: UInt64, size: UInt64) async throws(LedgerError) -> [LogHash]
    /// The proof that the tree of `from` leaves is a prefix of that of `to`; empty where there is no such tree yet.
    func consistencyProof(from: UInt64, to: UInt64) async throws(LedgerError) -> [LogHash]
    /// The first `width` hashes, 32 bytes each, of a tile (C2SP tlog-tiles); `nil` where the log does not reach so far.
    func hashTile(level: Int, index: UInt64, width: Int) async throws(LedgerError) -> [UInt8]?
    /// Consecutive entries from `start` on, without their payloads, at most `count`; fewer at the log's end.
    func leaves(from start: UInt64, count: Int) async throws(LedgerError) -> [Entry]

    /// Remembers a signed checkpoint, so that a start can tell whether the log was cut.
    ///
    /// One that is not of this log is refused as `.corrupt`; one smaller than the latest is not kept.
    func rememberCheckpoint(_ note: String, size: UInt64) async throws(LedgerError)
    /// The latest remembered checkpoint.
    func latestCheckpoint() async throws(LedgerError) -> String?
    /// Remembers a checkpoint that enough witnesses have cosigned, by the same rules, beside the latest one.
    func rememberCosigned(_ note: String, size: UInt64) async throws(LedgerError)
    /// The latest remembered checkpoint that enough witnesses have cosigned, with their cosignatures.
    func latestCosigned() async throws(LedgerError) -> String?

    /// Where a reader of the log goes on: the number of the first entry that it has not dealt with; `nil` for a new one.
    func cursor(_ reader: String) async throws(LedgerError) -> UInt64?
    /// Moves a reader's cursor, durably.
    func moveCursor(_ reader: String, to next: UInt64) async throws(LedgerError)

    /// Makes every later commit fail with this error, until the process ends; the first one that is given stays.
    ///
    /// For what must never be written on: a log that others have seen further than it goes here.
    func halt(_ error: LedgerError)
    /// What every commit fails with, once the ledger was halted.
    var halted: LedgerError? { get }
}

/// The size and root of the Merkle tree.
package struct TreeHead: Hashable, Sendable {
    /// The number of leaves.
    package let size: UInt64
    /// The root hash.
    package let root: LogHash

    /// Joins size and root.
    package init(size: UInt64, root: LogHash) {
        self.size = size
        self.root = root
    }
}
