import CanonicalJSON
package import CountersignCore
package import Crypto
import Synchronization
package import TransparencyLog

/// Signs the head of a ledger's log, and hands out receipts and grants.
///
/// One checkpoint is kept for each size, so that a quiet log is not signed again and again; the mutex guards it. Every
/// checkpoint is remembered by the ledger before anybody gets it, so that a log that was cut is noticed at a start.
package final class LogSigner: LogKeeper {
    private let ledger: any Ledger
    private let signer: NoteSigner
    private let grantKey: Curve25519.Signing.PrivateKey
    private let clock: any WallClock
    private let latest = Mutex<(size: UInt64, note: String)?>(nil)

    /// Signs for a ledger.
    package init(
        ledger: any Ledger,
        signer: NoteSigner,
        grantKey: Curve25519.Signing.PrivateKey,
        clock: any WallClock,
    ) {
        self.ledger = ledger
        self.signer = signer
        self.grantKey = grantKey
        self.clock = clock
    }

    /// The verifier key of the log (a C2SP vkey).
    package var verifierKey: String { signer.verifier.vkey }

    /// A signed checkpoint of everything committed so far.
    package func checkpoint() async throws(LedgerError) -> String { try await signedHead().note }

    private func signedHead() async throws(LedgerError) -> (size: UInt64, note: String) {
        let head = try await ledger.treeHead()
        if let kept = latest.withLock({ $0 }), kept.size == head.size { return kept }
        let note: String
        do {
            note = try Checkpoint(origin: signer.name, size: head.size, root: head.root).signed(by: signer)
        } catch {
            throw LedgerError(.unavailable, "the log's head could not be signed: \(error); look at log.origin")
        }
        try await ledger.rememberCheckpoint(note, size: head.size)
        return latest.withLock { kept in
            let fresh = (size: head.size, note: note)
            if (kept?.size ?? 0) <= head.size { kept = fresh }
            return fresh
        }
    }

    /// The receipt of one approval; `nil` if there is no such approval.
    package func receipt(for approval: ApprovalID) async throws(LedgerError) -> [UInt8]? {
        var entries = [Entry]()
        var cursor: String?
        repeat {
            let query = EntryQuery(approval: approval, cursor: cursor, ascending: true, limit: 200)
            let page = try await ledger.entries(query)
            entries += page.items
            cursor = page.next
        } while cursor != nil
        return entries.isEmpty ? nil : try await receipt(approval, entries)
    }

    /// The receipt of one entry; of its whole approval, if it belongs to one.
    package func receipt(forEntry sequence: UInt64) async throws(LedgerError) -> [UInt8]? {
        guard let entry = try await ledger.entry(sequence) else { return nil }
        if let members = try? JSONParser.parse(entry.bytes),
            let approval = members["approval"]?.stringValue.flatMap({ ApprovalID($0) })
        {
            return try await receipt(for: approval)
        }
        return try await receipt(nil, [entry])
    }

    private func receipt(_ approval: ApprovalID?, _ entries: [Entry]) async throws(LedgerError) -> [UInt8] {
        let head = try await signedHead()
        var proven = [Receipt.ProvenEntry]()
        for entry in entries where entry.sequence < head.size {
            let proof = TlogProof(
                index: entry.sequence,
                proof: try await ledger.inclusionProof(index: entry.sequence, size: head.size),
                checkpoint: head.note,
            )
            proven.append(Receipt.ProvenEntry(text: String(decoding: entry.bytes, as: UTF8.self), proof: proof.text))
        }
        let documents = entries.compactMap { entry in
            entry.payload.map { payload in
                Receipt.Document(
                    sequence: entry.sequence,
                    salt: payload.salt,
                    text: String(decoding: payload.bytes, as: UTF8.self),
                )
            }
        }
        let receipt = Receipt(log: signer.name, approval: approval, entries: proven, documents: documents)
        return receipt.canonicalBytes
    }

    /// A grant as a compact JWS (EdDSA) over agent, approval, action digest and expiry.
    package func grant(for approval: Approval) throws -> String {
        let now = clock.time()
        let until = approval.grantExpiresAt ?? now
        let claims = JSONObject([
            ("action_digest", .string(approval.digest.rawValue)), ("approval", .string(approval.id.rawValue)),
            ("exp", .integer(until.microseconds / 1_000_000)), ("iat", .integer(now.microseconds / 1_000_000)),
            ("iss", .string(signer.name)), ("jti", .string(approval.id.rawValue)),
            ("sub", .string(approval.agent.rawValue)),
        ])
        return try CompactJWS.sign(claims, type: "countersign-grant", key: grantKey)
    }

    /// Compares the ledger with the last checkpoint that it remembers; called once, before anything is served.
    ///
    /// A log that is shorter than, or differs from, what was signed before must not be signed again.
    package func checkAgainstMemory() async throws(LedgerError) {
        guard let note = try await ledger.latestCheckpoint() else { return }
        let remembered: Checkpoint
        do {
            let text = try SignedNote(parsing: note).verified(by: [signer.verifier])
            remembered = try Checkpoint(parsing: text)
        } catch {
            throw LedgerError(
                .corrupt,
                "the ledger remembers a checkpoint that keys/log.key has not signed: restore the log key that belongs "
                    + "to this data folder",
            )
        }
        let head = try await ledger.treeHead()
        guard remembered.size <= head.size else {
            throw LedgerError(
                .corrupt,
                "the log has \(head.size) entries, but a checkpoint of \(remembered.size) was signed: entries were "
                    + "lost or removed; restore the newest backup of the data folder",
            )
        }
        let proof = try await ledger.consistencyProof(from: remembered.size, to: head.size)
        let isConsistent =
            remembered.size == 0
            || ConsistencyProof.verify(
                from: remembered.size,
                to: head.size,
                oldRoot: remembered.root,
                newRoot: head.root,
                proof: proof,
            )
        guard isConsistent else {
            throw LedgerError(
                .corrupt,
                "the log does not contain the checkpoint of \(remembered.size) entries that was signed before: it was "
                    + "changed; restore the newest backup of the data folder",
            )
        }
    }
}
