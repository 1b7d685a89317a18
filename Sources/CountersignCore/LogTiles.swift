package import TransparencyLog

/// The log as tiles and entry bundles (C2SP tlog-tiles), up to some size.
package struct LogTiles: Sendable {
    private let ledger: any LogLedger

    /// Tiles of a ledger's log.
    package init(of ledger: any LogLedger) { self.ledger = ledger }

    /// The bytes at a path; `nil` where the first `size` entries have no such tile or bundle.
    ///
    /// Partial tiles narrower than the tree's own are those of earlier checkpoints; they are answered, too.
    package func bytes(_ path: TilePath, size: UInt64) async throws(LedgerError) -> [UInt8]? {
        guard Self.reaches(path, size) else { return nil }
        switch path.content {
        case .hashes(let level):
            return try await ledger.hashTile(level: level, index: path.index, width: path.width)
        case .entries:
            let entries = try await ledger.leaves(from: path.index << 8, count: path.width)
            guard entries.count == path.width else { return nil }
            do {
                return try EntryBundle(entries.map(\.bytes)).bytes
            } catch {
                throw LedgerError(.corrupt, "\(path) cannot be made: \(error)")
            }
        }
    }

    /// Whether the first `size` entries have all of a tile.
    private static func reaches(_ path: TilePath, _ size: UInt64) -> Bool {
        let level: Int
        switch path.content {
        case .hashes(let number): level = number
        case .entries: level = 0
        }
        guard level < 8, path.index <= UInt64.max >> 8 else { return false }
        let (end, overflows) = (path.index << 8).addingReportingOverflow(UInt64(path.width))
        return !overflows && end <= size >> UInt64(8 * level)
    }
}
