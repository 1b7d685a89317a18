/// What a log says about itself, to be signed: its origin, size and root (C2SP tlog-checkpoint).
///
/// Origins and extensions are compared by their UTF-8 bytes.
package struct Checkpoint: Sendable {
    /// The log's unique name.
    package let origin: String
    /// The number of leaves.
    package let size: UInt64
    /// The root of the tree of that size.
    package let root: LogHash
    /// Opaque further lines; not recommended, so usually none.
    package let extensions: [String]

    /// States a log's size and root.
    package init(origin: String, size: UInt64, root: LogHash, extensions: [String] = []) {
        self.origin = origin
        self.size = size
        self.root = root
        self.extensions = extensions
    }

    /// Reads a note's text strictly: what is read is exactly what `text` writes.
    package init(parsing text: String) throws(CheckpointError) {
        let bytes = Array(text.utf8)
        guard !SignedNote.hasForbiddenControl(bytes) else { throw .controlCharacter }
        var lines = NoteLines(bytes[...])
        guard let origin = lines.next(), !origin.isEmpty, let origin = String(validating: origin, as: UTF8.self) else {
            throw .malformedOrigin
        }
        guard let size = lines.next(), let size = NoteLines.number(size) else { throw .malformedSize }
        guard let root = lines.next(), let root = Base64.decode(root), let root = LogHash(bytes: root) else {
            throw .malformedRoot
        }
        var extensions: [String] = []
        while let line = lines.next() {
            guard !line.isEmpty, let line = String(validating: line, as: UTF8.self) else { throw .malformedExtension }
            extensions.append(line)
        }
        guard lines.isAtEnd else { throw .missingNewline }
        self.init(origin: origin, size: size, root: root, extensions: extensions)
    }

    /// The note's text: a line for each part, each with its newline.
    package var text: String {
        var text = "\(self.origin)\n\(self.size)\n\(self.root.base64)\n"
        for line in self.extensions {
            text += line
            text += "\n"
        }
        return text
    }

    /// The signed note.
    ///
    /// The signer must bear the log's name, as verifying a proof demands.
    package func signed(by signer: NoteSigner) throws(CheckpointError) -> String {
        guard signer.verifier.isNamed(self.origin) else { throw .originIsNotSigner }
        // A line break inside a part would make another checkpoint of the text.
        guard try Checkpoint(parsing: self.text) == self else { throw .malformedExtension }
        do {
            return try signer.sign(text: self.text)
        } catch {
            throw .unsigned(error)
        }
    }
}

extension Checkpoint: Hashable {
    /// Whether every part is the same, byte for byte.
    package static func == (left: Checkpoint, right: Checkpoint) -> Bool {
        left.size == right.size && left.root == right.root
            && left.origin.utf8.elementsEqual(right.origin.utf8)
            && left.extensions.elementsEqual(right.extensions) { $0.utf8.elementsEqual($1.utf8) }
    }

    /// Hashes what differs most.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(self.size)
        hasher.combine(self.root)
    }
}

/// Why a checkpoint was refused.
package enum CheckpointError: Error, Hashable, Sendable {
    /// The first line, the origin, is missing or empty.
    case malformedOrigin
    /// The second line is not a decimal number without leading zeros.
    case malformedSize
    /// The third line is not a base64 hash.
    case malformedRoot
    /// An extension line is empty.
    case malformedExtension
    /// There is a control character other than newline.
    case controlCharacter
    /// The text does not end with a newline.
    case missingNewline
    /// The signer's name is not the log's origin.
    case originIsNotSigner
    /// The note could not be signed.
    case unsigned(NoteError)
}

extension CheckpointError: CustomStringConvertible {
    /// What is wrong, in words for an operator.
    package var description: String {
        switch self {
        case .malformedOrigin: "the checkpoint has no origin"
        case .malformedSize: "the checkpoint's size is not a decimal number"
        case .malformedRoot: "the checkpoint's root is not a base64 SHA-256 hash"
        case .malformedExtension: "a line of the checkpoint is malformed"
        case .controlCharacter: "the checkpoint has a control character"
        case .missingNewline: "the checkpoint does not end with a newline"
        case .originIsNotSigner: "the signing key's name is not the checkpoint's origin"
        case .unsigned(let error): "the checkpoint could not be signed: \(error)"
        }
    }
}
