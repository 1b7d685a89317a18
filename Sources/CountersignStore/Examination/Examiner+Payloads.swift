import CountersignCore
import GRDB

extension Examiner {
    /// Learns from the entries of erasure whose payloads are gone by right.
    ///
    /// The walk over all entries finds those among them that are not what the tree has.
    func gatherErasures() throws {
        try db.each("SELECT body FROM entry WHERE kind = ? AND kind <> 'action.allowed'", [.text("payload.erased")]) {
            row in
            let told = try? ToldEntry(row.bytes(0))
            for sequence in told?.erasedSequences ?? [] where sequence < size { erasures.insert(sequence) }
            return true
        }
        if settings.sealer == nil, try db.first("SELECT 1 FROM payload LIMIT 1", [], { _ in true }) == true {
            try add(
                LogFinding(
                    .payloadsUnread,
                    "the payloads",
                    "their key is not here, so that they were counted and not opened",
                    isWarning: true,
                )
            )
        }
    }

    /// Compares what stands beside an entry with what the entry commits to.
    func examinePayload(_ sealed: [UInt8]?, _ told: ToldEntry, _ place: String) throws {
        guard let commitment = told.commitment else {
            guard sealed == nil else {
                return try add(.payloadSurplus, place, "something stands beside it, to which it does not commit")
            }
            return
        }
        let isErased = erasures.contains(told.sequence)
        guard let sealed else {
            guard isErased else {
                return try add(
                    .payloadMissing,
                    place,
                    "what stood beside it is gone, and no entry says that it was erased"
                )
            }
            report.erased += 1
            return
        }
        guard !isErased else {
            return try add(
                .payloadSurplus,
                place,
                "an entry says that what stood beside it was erased, and it is there"
            )
        }
        noteKey(sealed)
        guard let sealer = settings.sealer else {
            report.payloads += 1
            return
        }
        let payload: EntryDraft.Payload
        do throws(LedgerError) {
            payload = try sealer.payload(sealed, commitment: commitment)
        } catch {
            return try add(
                .payloadChanged,
                place,
                "what stands beside it is not what it commits to: \(error.message)"
            )
        }
        let found = payload.commitment
        guard found.utf8.elementsEqual(commitment.utf8), told.payloadLength == Int64(payload.bytes.count) else {
            return try add(
                .payloadChanged,
                place,
                "what stands beside it is not what it commits to",
                expected: commitment,
                found: found,
            )
        }
        report.payloads += 1
    }

    /// Compares an approval's document with its digest; where it is gone, an entry must say so.
    func differenceOfDocument(of replay: ApprovalReplay) throws -> ReplayDifference? {
        let row = try db.first(
            "SELECT erased_by, (SELECT sealed FROM document WHERE document.number = approval.number) FROM approval "
                + "WHERE id = ?",
            [.text(replay.id.rawValue)],
        ) { ($0.isNull(0) ? nil : $0.integer(0), $0.isNull(1) ? nil : $0.bytes(1)) }
        let (erasedBy, sealed) = row ?? (nil, nil)
        let request = replay.request.sequence
        let teller = try erasedBy.flatMap { number in
            try db.first("SELECT body FROM entry WHERE sequence = ?", [.integer(number)]) {
                try? ToldEntry($0.bytes(0))
            }
        }
        let isTold = (teller ?? nil)?.erasedSequences?.contains(request) ?? false
        guard let sealed else {
            guard isTold else {
                return ReplayDifference(
                    erasedBy == nil ? "document" : "the column erased_by",
                    expected: "the action's document, or the entry that tells of its erasure",
                    found: erasedBy.map { "entry \($0)" } ?? "nothing",
                )
            }
            return nil
        }
        guard erasedBy == nil, !erasures.contains(request) else {
            return ReplayDifference("the column erased_by", expected: "nothing", found: "\(erasedBy ?? -1)")
        }
        noteKey(sealed)
        guard let sealer = settings.sealer else { return nil }
        guard let bytes = try? sealer.open(sealed, .document(replay.id)) else {
            return ReplayDifference("document", expected: "what its key opens", found: "something else")
        }
        return replay.differenceOfDocument(String(decoding: bytes, as: UTF8.self))
    }

    /// What stands apart without anything that it belongs to, what cannot be opened, and keys that are not listed.
    func examineSealed() throws {
        let lost = try db.rows(
            "SELECT sequence FROM payload WHERE sequence NOT IN (SELECT sequence FROM entry) ORDER BY 1 LIMIT 1000"
        ) { $0.integer(0) }
        for sequence in lost { try add(.payloadSurplus, "payload \(sequence)", "there is no entry \(sequence)") }
        let documents = try db.rows(
            "SELECT number FROM document WHERE number NOT IN (SELECT number FROM approval) ORDER BY 1 LIMIT 1000"
        ) { $0.integer(0) }
        for number in documents { try add(.stateSurplus, "document \(number)", "there is no approval of this number") }
        try db.each("SELECT approval, sealed FROM response ORDER BY approval", []) { row in
            try examineSealed(
                row.bytes(1),
                .response(ApprovalID(unchecked: row.text(0))),
                "response \(Self.shown(row.bytes(0)))"
            )
        }
        try db.each("SELECT caller, key, sealed FROM answer ORDER BY caller, key", []) { row in
            let key = IdempotencyKey(caller: row.text(0), key: row.text(1))
            return try examineSealed(row.bytes(2), .answer(key), "answer \(Self.shown(row.bytes(0)))")
        }
        let listed = Set(try db.rows("SELECT id FROM sealing_key") { UInt32(truncatingIfNeeded: $0.integer(0)) })
        for id in keys.subtracting(listed).sorted() {
            try add(.stateMissing, "sealing_key", "the key \(PayloadKey.name(id)) is in use and not listed")
        }
    }

    private func examineSealed(_ sealed: [UInt8], _ binding: PayloadSealer.Binding, _ place: String) throws -> Bool {
        noteKey(sealed)
        guard let sealer = settings.sealer, (try? sealer.open(sealed, binding)) == nil else { return true }
        try add(.stateChanged, place, "what is sealed in it cannot be opened, or belongs elsewhere")
        return true
    }

    private func noteKey(_ sealed: [UInt8]) {
        if let id = PayloadSealer.keyID(sealed) { keys.insert(id) }
    }
}

/// Numbers of entries, one bit for each, so that even a log without payloads is no burden.
///
/// It is as large as what was taken in, never as the numbers are: a file may claim entries that it does not have.
struct EntrySet {
    /// Sixty-four neighbours each.
    private var words: [UInt64: UInt64] = [:]

    /// Takes a number in.
    mutating func insert(_ number: UInt64) { words[number >> 6, default: 0] |= 1 << (number & 63) }

    /// Whether a number is in it.
    func contains(_ number: UInt64) -> Bool { words[number >> 6, default: 0] & (1 << (number & 63)) != 0 }
}
