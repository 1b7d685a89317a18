/// A proof, verifiable offline, that an entry is in a log (`c2sp.org/tlog-proof@v1`).
package struct TlogProof: Sendable {
    /// The entry's place in the log.
    package let index: UInt64
    /// The inclusion proof, leaf's sibling first.
    package let proof: [LogHash]
    /// The signed note that states the tree the proof leads to.
    package let checkpoint: String
    /// Opaque data beside the proof.
    ///
    /// Nothing authenticates it: whoever uses it must bind it to the entry.
    package let extra: [UInt8]?

    /// The longest inclusion proof that a tree can need.
    package static let maximumProofLength = 64

    /// Puts a proof together; empty `extra` counts as none.
    package init(index: UInt64, proof: [LogHash], checkpoint: String, extra: [UInt8]? = nil) {
        self.index = index
        self.proof = proof
        self.checkpoint = checkpoint
        self.extra = extra?.isEmpty == true ? nil : extra
    }

    /// Reads a proof strictly: what is read is exactly what `text` writes.
    package init(parsing text: String) throws(ProofError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// Reads a proof's bytes, which must be UTF-8, just as strictly.
    package init(parsing bytes: [UInt8]) throws(ProofError) {
        var lines = NoteLines(bytes[...])
        guard let header = lines.next(), header.elementsEqual(Self.header.utf8) else { throw .malformedHeader }
        var line = lines.next()
        var extra: [UInt8]?
        if let data = line?.dropping("extra ") {
            guard let decoded = Base64.decode(data), !decoded.isEmpty else { throw .malformedExtra }
            extra = decoded
            line = lines.next()
        }
        guard let digits = line?.dropping("index "), let index = NoteLines.number(digits) else {
            throw .malformedIndex
        }
        var proof: [LogHash] = []
        while true {
            guard let line = lines.next() else { throw .malformedProof }
            guard !line.isEmpty else { break }
            guard proof.count < Self.maximumProofLength, let bytes = Base64.decode(line),
                let hash = LogHash(bytes: bytes)
            else { throw .malformedProof }
            proof.append(hash)
        }
        // A note that will never verify is refused before anybody stores it.
        let note = try ProofError.wrapping { () throws(NoteError) in try SignedNote(parsing: lines.remainder) }
        _ = try Self.checkpoint(of: note)
        guard let checkpoint = String(validating: lines.remainder, as: UTF8.self) else {
            throw .note(.malformedNote)
        }
        self.init(index: index, proof: proof, checkpoint: checkpoint, extra: extra)
    }

    /// The proof as text, the content of a `.tlog-proof` file.
    package var text: String {
        var text = "\(Self.header)\n"
        if let extra = self.extra {
            text += "extra \(Base64.encode(extra))\n"
        }
        text += "index \(self.index)\n"
        for hash in self.proof {
            text += "\(hash.base64)\n"
        }
        return "\(text)\n\(self.checkpoint)"
    }

    /// Checks signature, origin and inclusion, and answers the checkpoint that all of it rests on.
    ///
    /// One of the given keys must bear the checkpoint's origin as its name and have signed it. Keys of others, of
    /// witnesses say, may be among them; their signatures, where present, must be good too.
    package func verify(leaf: LogHash, with verifiers: [NoteVerifier]) throws(ProofError) -> Checkpoint {
        try self.verify(leaf: leaf, with: verifiers, witnesses: .none).checkpoint
    }

    /// Checks signature, origin, inclusion and the policy about witnesses, and answers what all of it rests on.
    ///
    /// Cosignatures of the policy's witnesses must be good; signatures of keys that are not given are ignored.
    package func verify(
        leaf: LogHash,
        with verifiers: [NoteVerifier],
        witnesses: WitnessPolicy,
    ) throws(ProofError) -> VerifiedCheckpoint {
        let note = try ProofError.wrapping { () throws(NoteError) in try SignedNote(parsing: self.checkpoint) }
        let verified = try VerifiedCheckpoint(note, logs: verifiers, witnesses: witnesses)
        guard
            InclusionProof.verify(
                index: self.index,
                size: verified.checkpoint.size,
                leaf: leaf,
                proof: self.proof,
                root: verified.checkpoint.root,
            )
        else { throw .notIncluded }
        return verified
    }

    private static let header = "c2sp.org/tlog-proof@v1"

    private static func checkpoint(of note: SignedNote) throws(ProofError) -> Checkpoint {
        do {
            return try Checkpoint(parsing: note.text)
        } catch {
            throw .checkpoint(error)
        }
    }
}
