import CountersignCore
import GRDB

extension Examiner {
    /// Entries of approvals that receipts do not have, though each proves what it has.
    func examineReceipts() throws {
        for story in settings.stories {
            var missing = [UInt64]()
            try db.each(
                "SELECT sequence FROM entry WHERE approval = ? ORDER BY sequence",
                [.text(story.approval.rawValue)],
            ) { row in
                if let sequence = UInt64(exactly: row.integer(0)), !story.entries.contains(sequence) {
                    missing.append(sequence)
                }
                return true
            }
            guard let first = missing.first else { continue }
            let more = missing.count == 1 ? "entry \(first)" : "entry \(first) and \(missing.count - 1) more"
            warn(.receiptThin, story.source, "it lacks entries of \(story.approval) that the log has: \(more)")
        }
    }
}
