package import CountersignCore
import CountersignIdentity
import CountersignLog
import CountersignStore
package import TransparencyLog

/// What `countersign log fsck` does: examines a data folder's ledger, beside the running server or without one.
package struct LogCheck {
    private let ledger: String
    private let folder: String?
    private let key: NoteVerifier?
    private let sealer: PayloadSealer?
    private var published: (path: String, hasEntries: Bool)?
    private var heads: [LogExamination.KnownHead] = []
    private var stories: [LogExamination.KnownStory] = []

    /// Whether signatures can be checked, and so receipts and checkpoints be taken.
    package var hasKey: Bool { key != nil }

    /// Takes a data folder or a ledger's file; its key lies in the folder, unless one is given.
    ///
    /// Payloads are opened with the configuration's keys, or the key in the folder; where there is none, counted.
    package init(path: String, key: NoteVerifier?, configuration: Configuration = .defaults()) throws {
        let isFolder = LocalFile.isFolder(path)
        ledger = isFolder ? Countersign.ledgerPath(path) : path
        folder = isFolder ? path : nil
        let keys = isFolder ? path : FilePath.folder(of: path.utf8.contains(UInt8(ascii: "/")) ? path : "./" + path)
        var configuration = configuration
        configuration.data = keys
        sealer = try configuration.sealerIfThere()
        if let key {
            self.key = key
            return
        }
        self.key = try DataKeys.verifierKey(data: keys).map { vkey in try NoteVerifier(vkey: vkey) }
    }

    /// A configuration's data folder, with the folder that the log is published to.
    package init(_ configuration: Configuration, key: NoteVerifier?) throws {
        try self.init(path: configuration.data, key: key, configuration: configuration)
        published = configuration.logFolder.map { ($0, configuration.logFolderHasEntries) }
    }

    /// A receipt, whose entries the log must have.
    package mutating func expect(receipt bytes: [UInt8], named name: String) throws {
        guard let key else {
            throw StartupError("a receipt cannot be checked without the log's key: name it with --key")
        }
        let receipt = try Receipt(parsing: bytes)
        let summary = try receipt.verify(with: key)
        // It verified, so that it has an entry and all of its proofs have one checkpoint.
        let note = try receipt.entries.first.map { try TlogProof(parsing: $0.proof).checkpoint } ?? ""
        try expect(checkpoint: Array(note.utf8), named: "the receipt \(name)")
        guard let approval = summary.approval else { return }
        let entries = Set(summary.events.map(\.sequence))
        stories.append(.init(source: "the receipt \(name)", approval: approval, entries: entries))
    }

    /// A signed checkpoint, which the log must continue.
    package mutating func expect(checkpoint bytes: [UInt8], named name: String) throws {
        guard let key else {
            throw StartupError("a checkpoint cannot be checked without the log's key: name it with --key")
        }
        do {
            let text = try SignedNote(parsing: String(decoding: bytes, as: UTF8.self)).verified(by: [key])
            let checkpoint = try Checkpoint(parsing: text)
            guard checkpoint.origin.utf8.elementsEqual(key.name.utf8) else { throw CheckpointError.originIsNotSigner }
            let head = LogExamination.KnownHead(source: name, size: checkpoint.size, root: checkpoint.root)
            if !heads.contains(head) { heads.append(head) }
        } catch {
            throw ReceiptError("\(name) is no checkpoint of the log \"\(key.name)\": \(error)")
        }
    }

    /// Examines, up to so many findings.
    package func run(limit: Int, progress: @escaping (LogProgress) -> Void) throws -> LogReport {
        var examination = LogExamination(path: ledger, key: key, sealer: sealer, heads: heads, limit: limit)
        if let folder {
            examination.include(floor: CheckpointFloor.path(data: folder))
            examination.include(search: Countersign.searchPath(folder))
        }
        examination.include(receipts: stories)
        if let published { examination.include(published: published.path, hasEntries: published.hasEntries) }
        return try examination.run(progress: progress)
    }
}
