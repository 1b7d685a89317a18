/// A C2SP signed note (signed-note v1): text, a blank line, and signature lines.
///
/// Reading one proves nothing; only `verified(by:)` makes its text worth believing.
package struct SignedNote: Sendable {
    /// One signature line.
    package struct Signature: Sendable {
        /// The signing key's name, as claimed.
        package let name: String
        /// The signing key's short hash, as claimed.
        package let keyHash: UInt32
        /// What follows the short hash: the signature itself.
        package let signature: [UInt8]
        /// The whole line, without its newline.
        package let line: String
    }

    /// How many signatures a note may have; C2SP asks for at least 16.
    package static let maximumSignatures = 64

    /// The text, with its last newline and without the blank line.
    package let text: String
    /// The signatures in the order of the note.
    package let signatures: [Signature]

    /// Reads a note strictly: every byte of it has one meaning, and no other spelling is read.
    package init(parsing note: String) throws(NoteError) {
        try self.init(parsing: Array(note.utf8)[...])
    }

    init(text: String, signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    init(parsing note: ArraySlice<UInt8>) throws(NoteError) {
        guard !Self.hasForbiddenControl(note), let split = Self.lastBlankLine(of: note),
            let text = String(validating: note[..<split], as: UTF8.self)
        else { throw .malformedNote }
        self.text = text
        var lines = NoteLines(note[(split + 1)...])
        var signatures: [Signature] = []
        while let line = lines.next() {
            guard signatures.count < Self.maximumSignatures else { throw .tooManySignatures }
            let signature = try Signature(parsing: line)
            signatures.append(signature)
        }
        guard lines.isAtEnd, !signatures.isEmpty else { throw .malformedNote }
        self.signatures = signatures
    }

    /// The text, once at least one of the given keys has signed it.
    ///
    /// Signatures of other keys are ignored. A bad or repeated signature of a given key refuses the whole note.
    package func verified(by verifiers: [NoteVerifier]) throws(NoteError) -> String {
        guard try !self.validVerifiers(among: verifiers).isEmpty else { throw .noKnownSignature }
        return self.text
    }

    /// Those of the given keys that have signed, in the order of the signatures.
    package func validVerifiers(among verifiers: [NoteVerifier]) throws(NoteError) -> [NoteVerifier] {
        let text = Array(self.text.utf8)
        return try Self.signatures(self.signatures, of: verifiers).map { verifier, signature throws(NoteError) in
            guard verifier.isValid(signature: signature.signature, of: text) else { throw .invalidSignature }
            return verifier
        }
    }

    /// The note as text: what reading it gives this value again.
    package var encoded: String {
        var note = "\(self.text)\n"
        for signature in self.signatures {
            note += "\(signature.line)\n"
        }
        return note
    }

    /// Those of the signatures that claim to be of the given keys, at most one of each.
    static func signatures<Key: SignatureKey>(
        _ signatures: [Signature],
        of keys: [Key],
    ) throws(NoteError) -> [(key: Key, signature: Signature)] {
        let known = Set(keys)
        var found: [(key: Key, signature: Signature)] = []
        for signature in signatures {
            let matching = known.filter { $0.keyHash == signature.keyHash && $0.isNamed(signature.name) }
            guard let key = matching.first else { continue }
            guard matching.count == 1 else { throw .ambiguousKey }
            guard !found.contains(where: { $0.key == key }) else { throw .repeatedSignature }
            found.append((key, signature))
        }
        return found
    }
}

extension SignedNote {
    /// Whether there is a control character other than newline, which notes must not have.
    static func hasForbiddenControl(_ bytes: some Sequence<UInt8>) -> Bool {
        bytes.contains { $0 < 0x20 && $0 != UInt8(ascii: "\n") }
    }

    /// The index of the newline that is the last empty line: where the text ends and what separates the signatures.
    private static func lastBlankLine(of note: ArraySlice<UInt8>) -> Int? {
        note.indices.dropFirst().last { note[$0] == UInt8(ascii: "\n") && note[$0 - 1] == UInt8(ascii: "\n") }
    }
}

extension SignedNote.Signature {
    /// Puts a signature line together.
    init(name: String, keyHash: UInt32, signature: [UInt8]) {
        let hash = (0..<4).map { UInt8(truncatingIfNeeded: keyHash >> UInt32(24 - 8 * $0)) }
        self.name = name
        self.keyHash = keyHash
        self.signature = signature
        self.line = "\u{2014} \(name) \(Base64.encode(hash + signature))"
    }

    /// Reads one signature line, without its newline, as strictly as a note's.
    package init(line: String) throws(NoteError) {
        guard !SignedNote.hasForbiddenControl(line.utf8) else { throw .malformedNote }
        try self.init(parsing: Array(line.utf8)[...])
    }

    /// Reads `— name base64(short hash || signature)`.
    init(parsing line: ArraySlice<UInt8>) throws(NoteError) {
        let dash: [UInt8] = [0xE2, 0x80, 0x94, 0x20]
        guard line.starts(with: dash), let text = String(validating: line, as: UTF8.self) else {
            throw .malformedNote
        }
        let fields = line.dropFirst(dash.count)
            .split(separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
        guard fields.count == 2, let name = String(validating: fields[0], as: UTF8.self), NoteKey.isValid(name: name),
            let bytes = Base64.decode(fields[1]), bytes.count > 4
        else { throw .malformedNote }
        self.name = name
        self.keyHash = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        self.signature = Array(bytes.dropFirst(4))
        self.line = text
    }
}
