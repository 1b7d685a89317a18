/// What a witness answers to `add-checkpoint` (C2SP tlog-witness), as it writes it and as a log reads it.
package enum AddCheckpointResponse: Sendable {
    /// Signature lines, not verified yet: `SignedNote.adding(_:of:)` takes up those of known witnesses.
    case cosigned([SignedNote.Signature])
    /// The witness's latest tree of the log is another one, of this size: prove consistency from there.
    case conflict(size: UInt64)
    /// Any other answer.
    case refused(status: Int)

    /// The media type of a conflict's body.
    package static let sizeType = "text/x.tlog.size"

    /// Reads a response.
    ///
    /// A status other than 200 and 409 says only itself, and so does a 409 whose body is not said to be a size.
    package init(status: Int, contentType: String?, body: [UInt8]) throws(AddCheckpointError) {
        var lines = NoteLines(body[...])
        switch status {
        case 200:
            guard !SignedNote.hasForbiddenControl(body) else { throw .malformedResponse }
            var signatures: [SignedNote.Signature] = []
            while let line = lines.next() {
                guard signatures.count < SignedNote.maximumSignatures,
                    let signature = try? SignedNote.Signature(parsing: line)
                else { throw .malformedResponse }
                signatures.append(signature)
            }
            guard lines.isAtEnd, !signatures.isEmpty else { throw .malformedResponse }
            self = .cosigned(signatures)
        case 409 where contentType.map(Self.isSize) ?? false:
            guard let line = lines.next(), lines.isAtEnd, let size = NoteLines.number(line) else {
                throw .malformedResponse
            }
            self = .conflict(size: size)
        default:
            self = .refused(status: status)
        }
    }

    /// The HTTP status.
    package var status: Int {
        switch self {
        case .cosigned: 200
        case .conflict: 409
        case .refused(let status): status
        }
    }

    /// The media type of the body; nil where there is none to be written.
    package var contentType: String? {
        switch self {
        case .cosigned: "text/plain; charset=utf-8"
        case .conflict: Self.sizeType
        case .refused: nil
        }
    }

    /// The body; empty for a refusal, to which the shell may add words.
    package var body: String {
        switch self {
        case .cosigned(let signatures): signatures.map { "\($0.line)\n" }.joined()
        case .conflict(let size): "\(size)\n"
        case .refused: ""
        }
    }

    /// Whether a media type is that of a size, in letters of any case and whatever its parameters.
    private static func isSize(contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" && $0 != " " }
        return type.lowercased().utf8.elementsEqual(Self.sizeType.utf8)
    }
}
