package import CanonicalJSON
package import CountersignCore
package import Crypto
import TransparencyLog

/// Hands out checkpoints, receipts, grants and attestations.
package struct LogSigner: LogKeeper {
    private let ledger: any Ledger
    private let head: LogHead
    private let grants: GrantSigner

    /// Speaks for a ledger whose head is signed by `head`.
    package init(ledger: any Ledger, head: LogHead, grantKey: Curve25519.Signing.PrivateKey, clock: any WallClock) {
        self.ledger = ledger
        self.head = head
        grants = GrantSigner(issuer: head.key.name, key: grantKey, clock: clock)
    }

    /// The verifier key of the log (a C2SP vkey).
    package var verifierKey: String { head.key.vkey }

    /// The newest checkpoint that anybody may see; nothing beyond it is shown.
    package var newest: SignedHead? { head.newest }

    /// A signed checkpoint of everything committed so far.
    package func checkpoint() async throws(LedgerError) -> String {
        try await head.covering(try await ledger.treeHead().size).note
    }

    /// The receipt of one approval; `nil` if there is no such approval.
    package func receipt(for approval: ApprovalID) async throws(LedgerError) -> [UInt8]? {
        let entries = try await entries(of: approval)
        return entries.isEmpty ? nil : try await receipt(approval, entries)
    }

    private func entries(of approval: ApprovalID) async throws(LedgerError) -> [Entry] {
        var entries = [Entry]()
        var cursor: String?
        repeat {
            let query = EntryQuery(approval: approval, cursor: cursor, ascending: true, limit: 200)
            let page = try await ledger.entries(query)
            entries += page.items
            cursor = page.next
        } while cursor != nil
        return entries
    }

    /// The receipt of one entry; of its whole approval, if it belongs to one.
    package func receipt(forEntry sequence: UInt64) async throws(LedgerError) -> [UInt8]? {
        guard let entry = try await ledger.entry(sequence) else { return nil }
        if let members = StoredJSON.value(entry.bytes),
            let approval = members["approval"]?.stringValue.flatMap({ ApprovalID($0) })
        {
            return try await receipt(for: approval)
        }
        return try await receipt(nil, [entry])
    }

    private func receipt(_ approval: ApprovalID?, _ entries: [Entry]) async throws(LedgerError) -> [UInt8] {
        let covered = (entries.last?.sequence ?? 0) + 1
        let (note, size) = try await checkpoint(covering: covered)
        var proven = [Receipt.ProvenEntry]()
        for entry in entries {
            let proof = TlogProof(
                index: entry.sequence,
                proof: try await ledger.inclusionProof(index: entry.sequence, size: size),
                checkpoint: note,
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
        let receipt = Receipt(log: self.head.key.name, approval: approval, entries: proven, documents: documents)
        return receipt.canonicalBytes
    }

    /// The checkpoint that witnesses cosigned, if it covers so many entries; otherwise the newest that the log signed.
    private func checkpoint(covering size: UInt64) async throws(LedgerError) -> (note: String, size: UInt64) {
        if let cosigned = try await ledger.latestCosigned() {
            let claim = CheckpointClaim(place: "the ledger's memory of what witnesses cosigned", note: cosigned)
            let checkpoint = try claim.checkpoint(of: head.key)
            if checkpoint.size >= size { return (cosigned, checkpoint.size) }
        }
        let signed = try await head.covering(size)
        return (signed.note, signed.size)
    }

    /// A grant as a compact JWS (EdDSA).
    package func grant(for approval: Approval) throws -> String { try grants.grant(for: approval) }

    /// The key that grants and attestations are signed with, as a JWK set.
    package var grantKeys: JSONValue { grants.keySet }

    /// How an approval was decided and what came of it, as a DSSE envelope; `nil` while it is pending.
    package func attestation(of approval: Approval) async throws -> [UInt8]? {
        let entries = try await entries(of: approval.id).map(\.sequence)
        return try DecisionStatement(approval, log: grants.issuer, entries: entries).map(grants.attestation)
    }
}
