/// A pattern of `like`, laid out for matching: all literal bytes in one array.
struct TextPattern: Sendable {
    private let bytes: [UInt8]
    /// Where the literal pieces between the wildcards end in `bytes`; one more than there are wildcards.
    private let ends: [Int]

    init(_ pattern: Pattern) {
        var bytes: [UInt8] = []
        self.ends = pattern.pieces.map { piece in
            bytes += piece
            return bytes.count
        }
        self.bytes = bytes
    }

    /// Whether a text matches as a whole.
    ///
    /// Works on bytes: pieces are whole UTF-8 characters, so they can only be found at character boundaries.
    func matches(_ text: CedarString) -> Bool {
        unsafe text.withBytes { text in
            unsafe self.bytes.withUnsafeBufferPointer { bytes in
                unsafe self.matches(text, bytes)
            }
        }
    }

    private func matches(_ text: UnsafeBufferPointer<UInt8>, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        // Nothing is longer than the text but fits; this is also what keeps the scans below within it.
        guard text.count >= bytes.count, let first = self.ends.first else { return false }
        if self.ends.count == 1 {
            guard text.count == bytes.count else { return false }
            return unsafe Self.isEqual(text, 0, bytes, 0..<first)
        }
        let last = self.ends[self.ends.count - 2]..<bytes.count
        let end = text.count - last.count
        guard unsafe Self.isEqual(text, 0, bytes, 0..<first), unsafe Self.isEqual(text, end, bytes, last) else {
            return false
        }
        // Taking each middle piece at its first place leaves the most room for the ones after it.
        var position = first
        for index in 1..<max(1, self.ends.count - 1) {
            let piece = self.ends[index - 1]..<self.ends[index]
            while position + piece.count <= end {
                if unsafe Self.isEqual(text, position, bytes, piece) { break }
                position += 1
            }
            guard position + piece.count <= end else { return false }
            position += piece.count
        }
        return true
    }

    /// Whether a piece stands at a position of the text; the caller has made sure that it fits there.
    @inline(__always)
    private static func isEqual(
        _ text: UnsafeBufferPointer<UInt8>,
        _ position: Int,
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ piece: Range<Int>,
    ) -> Bool {
        precondition(position >= 0 && position + piece.count <= text.count && piece.upperBound <= bytes.count)
        for index in 0..<piece.count
        where unsafe text[position + index] != bytes[piece.lowerBound + index] {
            return false
        }
        return true
    }
}
