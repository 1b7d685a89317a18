import CountersignCore
import GRDB
import TransparencyLog

/// A head that the tree must have had when it was as long.
struct AwaitedHead {
    let place: String
    let size: UInt64
    let root: LogHash
}

extension Examiner {
    /// Collects every signed head that can be compared with the tree, smallest first.
    func gatherHeads() throws {
        try gather(from: "checkpoint")
        try gather(from: "cosigned")
        try gatherFloor()
        try gatherPublished()
        for head in settings.heads {
            try expect(AwaitedHead(place: head.source, size: head.size, root: head.root))
        }
        heads.sort { $0.size > $1.size }
        guard settings.scope == .everything else { return }
        if settings.key == nil {
            warn(.keyAbsent, "the log's key", "signatures of checkpoints were not checked")
        }
        if heads.isEmpty, report.isGood, size > 0 {
            let message = "no signed head is remembered, so nothing shows whether the log was rewritten as a whole"
            warn(.checkpointAbsent, "the table checkpoint", message)
        }
    }

    /// Reports what is no loss.
    func warn(_ code: LogFinding.Code, _ place: String, _ message: String) {
        report.findings.append(LogFinding(code, place, message, isWarning: true))
    }

    private func gather(from table: String) throws {
        let rows = try db.rows("SELECT size, root, note FROM \(table) ORDER BY size") { row in
            (row.integer(0), row.bytes(1), row.text(2))
        }
        for (size, root, note) in rows {
            let place = "the \(table == "checkpoint" ? "checkpoint" : "cosigned checkpoint") of \(size) entries"
            guard let checkpoint = try verified(note, place) else { continue }
            guard Int64(exactly: checkpoint.size) == size else {
                try add(
                    .checkpointInvalid,
                    place,
                    "the column size is not the note's",
                    expected: "\(checkpoint.size)",
                    found: "\(size)",
                )
                continue
            }
            guard checkpoint.root.bytes == root else {
                let found = LogHash(bytes: root)?.base64 ?? "\(root.count) bytes"
                try add(
                    .checkpointInvalid,
                    place,
                    "the column root is not the note's",
                    expected: checkpoint.root.base64,
                    found: found,
                )
                continue
            }
            try expect(AwaitedHead(place: place, size: checkpoint.size, root: checkpoint.root))
        }
    }

    /// Reads a note and checks its signature, where there is a key; `nil` after a finding.
    func verified(_ note: String, _ place: String) throws -> Checkpoint? {
        do {
            let signed = try SignedNote(parsing: note)
            var text = signed.text
            if let key = settings.key {
                text = try signed.verified(by: [key])
            }
            let checkpoint = try Checkpoint(parsing: text)
            guard let key = settings.key, !key.name.utf8.elementsEqual(checkpoint.origin.utf8) else {
                return checkpoint
            }
            try add(
                .checkpointInvalid,
                place,
                "it is of another log",
                expected: key.name,
                found: checkpoint.origin,
            )
        } catch let enough as Enough {
            throw enough
        } catch {
            try add(.checkpointInvalid, place, "its note is not good: \(error)")
        }
        return nil
    }

    /// Keeps a head until the tree is as long; one that is longer than the log shows that entries are gone.
    func expect(_ head: AwaitedHead) throws {
        guard head.size <= size else {
            return try add(
                .logCut,
                head.place,
                "the newest entries are gone: \(head.size) were signed, and the log has \(size)",
                expected: "\(head.size) entries",
                found: "\(size) entries",
            )
        }
        heads.append(head)
    }

    /// Compares the heads of the tree's present size.
    func compareHeads() throws {
        while let head = heads.last, head.size <= tree.size {
            heads.removeLast()
            guard head.size == tree.size, !tree.isBroken else { continue }
            let root = tree.tree.head.root
            guard root == head.root else {
                try add(
                    .logRewritten,
                    head.place,
                    "the first \(head.size) entries are not those that were signed",
                    expected: head.root.base64,
                    found: root.base64,
                )
                continue
            }
            report.checkpoints += 1
        }
    }
}
