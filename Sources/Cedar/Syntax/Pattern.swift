/// The right side of `like`: literal pieces with `*` between them, each of which stands for any text.
package struct Pattern: Hashable, Sendable {
    /// The literal bytes between the wildcards; one more than there are wildcards.
    let pieces: [[UInt8]]

    init(pieces: [[UInt8]]) { self.pieces = pieces }

    /// Whether a text matches as a whole.
    ///
    /// Works on bytes: pieces are whole UTF-8 characters, so they can only be found at character boundaries.
    package func matches(_ text: CedarString) -> Bool {
        unsafe text.withBytes { bytes in
            unsafe self.matches(bytes)
        }
    }

    private func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = self.pieces.first, let last = self.pieces.last else { return text.isEmpty }
        if self.pieces.count == 1 { return unsafe text.elementsEqual(first) }
        guard text.count >= first.count + last.count, unsafe text.starts(with: first),
            unsafe text.suffix(last.count).elementsEqual(last)
        else { return false }
        // Taking each middle piece at its first place leaves the most room for the ones after it.
        var position = first.count
        let end = text.count - last.count
        for piece in self.pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let found = unsafe Self.find(piece, in: text, from: position, to: end) else { return false }
            position = found + piece.count
        }
        return true
    }

    private static func find(
        _ piece: [UInt8],
        in text: UnsafeBufferPointer<UInt8>,
        from start: Int,
        to end: Int,
    ) -> Int? {
        var position = start
        while position + piece.count <= end {
            var index = 0
            while index < piece.count, unsafe text[position + index] == piece[index] { index += 1 }
            if index == piece.count { return position }
            position += 1
        }
        return nil
    }
}
