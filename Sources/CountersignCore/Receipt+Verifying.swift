import CanonicalJSON
package import TransparencyLog

extension Receipt {
    /// Verifies a receipt offline, with nothing but the log's key, and the witnesses' where cosignatures are demanded.
    ///
    /// Two things are proven apart: that every byte is what the log holds (proofs, commitments, digests), and that what
    /// the log holds is an action that went the way of DESIGN 5 (``ReceiptStory``), so that a gateway that broke its own
    /// rules cannot show a receipt for it.
    package func verify(
        with key: NoteVerifier,
        witnesses: WitnessPolicy = .none,
    ) throws(ReceiptError) -> ReceiptSummary {
        guard log.utf8.elementsEqual(key.name.utf8) else {
            throw ReceiptError("the receipt is of the log \"\(log)\", the key is that of \"\(key.name)\"")
        }
        guard !entries.isEmpty else { throw ReceiptError("the receipt has no entries") }
        var told = [ToldEntry]()
        var treeSize: UInt64 = 0
        var checkpoint = OneCheckpoint(key: key, witnesses: witnesses)
        for entry in entries {
            let (fact, size) = try entry.verify(with: &checkpoint)
            if let last = told.last, fact.sequence <= last.sequence {
                throw ReceiptError("the entries are not in the log's order")
            }
            told.append(fact)
            treeSize = size
        }
        let document = try verifiedDocument(of: told)
        let story = try ReceiptStory(told, approval: approval)
        return try story.summary(
            log: log,
            treeSize: treeSize,
            signatures: checkpoint.signatures,
            document: document,
            entries: told,
        )
    }

    /// The action document, after every document has been found to be what its entry commits to.
    private func verifiedDocument(of told: [ToldEntry]) throws(ReceiptError) -> String? {
        var action: String?
        var last: UInt64?
        for document in documents {
            if let last, document.sequence <= last {
                throw ReceiptError("the documents are not in the order of their entries")
            }
            last = document.sequence
            guard let entry = told.first(where: { $0.sequence == document.sequence }),
                let commitment = entry.members["payload"]?["commitment"]?.stringValue
            else { throw ReceiptError("no entry of the receipt commits to the document of \(document.sequence)") }
            let bytes = Array(document.text.utf8)
            let payload = EntryDraft.Payload(salt: document.salt, bytes: bytes)
            guard payload.commitment.utf8.elementsEqual(commitment.utf8),
                entry.members["payload"]?["bytes"]?.integerValue == Int64(bytes.count)
            else { throw ReceiptError("the document of entry \(document.sequence) is not the one that was logged") }
            guard ActionDigest(of: bytes) == entry.digest else {
                throw ReceiptError("the document of entry \(document.sequence) does not have the action's digest")
            }
            action = document.text
        }
        return action
    }
}

extension Receipt.ProvenEntry {
    /// Checks proof, signature and form; answers what the entry says and the size of the tree that it was found in.
    fileprivate func verify(with known: inout OneCheckpoint) throws(ReceiptError) -> (ToldEntry, UInt64) {
        let bytes = Array(text.utf8)
        do {
            let proof = try TlogProof(parsing: self.proof)
            // Nothing proves the extra data of a proof, so there must be none.
            guard proof.extra == nil else {
                throw ReceiptError("a proof carries something that the key does not vouch for")
            }
            let checkpoint = try known.checkpoint(proof.checkpoint)
            let isIncluded = InclusionProof.verify(
                index: proof.index,
                size: checkpoint.size,
                leaf: .leaf(bytes),
                proof: proof.proof,
                root: checkpoint.root,
            )
            guard isIncluded else {
                throw ReceiptError("the entry of place \(proof.index) is not in the log like this")
            }
            let told = try Self.told(bytes)
            guard told.sequence == proof.index else {
                throw ReceiptError("entry \(told.sequence) is proven at another place, \(proof.index)")
            }
            return (told, checkpoint.size)
        } catch let error as ReceiptError {
            throw error
        } catch {
            throw ReceiptError("an entry is not proven: \(error)")
        }
    }

    private static func told(_ bytes: [UInt8]) throws(ReceiptError) -> ToldEntry {
        do {
            return try ToldEntry(bytes)
        } catch {
            throw ReceiptError("an entry is not a log entry of this product: \(error)")
        }
    }
}

/// The one checkpoint of a receipt, which every proof repeats, once its signature was found good.
private struct OneCheckpoint {
    private let key: NoteVerifier
    private let witnesses: WitnessPolicy
    /// By bytes, because two texts that Swift calls equal need not be the same.
    private var known: (bytes: [UInt8], checkpoint: Checkpoint)?
    /// What signatures there were beside the log's.
    private(set) var signatures = ReceiptSummary.Signatures()

    init(key: NoteVerifier, witnesses: WitnessPolicy) {
        self.key = key
        self.witnesses = witnesses
    }

    mutating func checkpoint(_ text: String) throws -> Checkpoint {
        let bytes = Array(text.utf8)
        if let known {
            // With two of them, entries of the time in between could have been left out unseen.
            guard known.bytes == bytes else { throw ReceiptError("the entries are proven by more than one checkpoint") }
            return known.checkpoint
        }
        let note = try SignedNote(parsing: text)
        let checkpoint = try Checkpoint(parsing: try note.verified(by: [key]))
        guard checkpoint.origin.utf8.elementsEqual(key.name.utf8) else {
            throw ReceiptError("the checkpoint is not signed by the log that it names")
        }
        let cosignatures = try witnesses.cosigners(of: note)
        guard witnesses.isSatisfied(by: cosignatures) else {
            let names = cosignatures.map(\.name).joined(separator: ", ")
            throw ReceiptError(
                "the checkpoint of \(checkpoint.size) entries has too few of the demanded cosignatures: "
                    + (names.isEmpty ? "none" : "only \(names)")
            )
        }
        take(cosignatures, of: note)
        known = (bytes, checkpoint)
        return checkpoint
    }

    /// Notes who cosigned, and which signatures nobody has checked: they could be changed without being noticed.
    private mutating func take(_ cosignatures: [Cosignature], of note: SignedNote) {
        for cosignature in cosignatures {
            let seconds = Int64(clamping: cosignature.time)
            let (microseconds, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
            let time = Timestamp(microseconds: overflows ? .max : microseconds)
            signatures.cosigned.append(ReceiptSummary.Cosigned(witness: cosignature.name, time: time.rfc3339))
        }
        for signature in note.signatures {
            let isChecked =
                (signature.keyHash == key.keyHash && signature.name.utf8.elementsEqual(key.name.utf8))
                || cosignatures.contains {
                    $0.witness.keyHash == signature.keyHash && $0.name.utf8.elementsEqual(signature.name.utf8)
                }
            if !isChecked { signatures.unchecked.append(signature.name) }
        }
    }
}
