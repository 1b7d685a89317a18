import CountersignCore
import GRDB

extension Examiner {
    /// Whether the search index beside the ledger is of this log; one that is not is only thrown away at the next start.
    func examineSearch() {
        guard let path = settings.search, StoreFile(path: path).exists, !tree.isBroken else { return }
        do {
            let queue = try LogExamination.openForReading(path, label: "search examination")
            defer { try? queue.close() }
            let segments = try queue.read { try $0.searchSegments() }
            var tiles = db.tileReader()
            // The index follows the log, and may have grown since our moment.
            for segment in segments where segment.end <= tree.size {
                let level = SearchSegment.treeLevel(of: segment.level)
                guard try tree.tree.hash(level: level, index: segment.position, &tiles) == segment.root else {
                    throw SearchDamage("its entries \(segment.first) to \(segment.end - 1) are not this log's")
                }
            }
        } catch {
            let reason = (error as? SearchDamage)?.message ?? LedgerError(store: error).message
            warn(.searchStale, "the file \(path)", "the search index is of no use: \(reason)")
        }
    }
}
