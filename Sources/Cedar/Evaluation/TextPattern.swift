#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A pattern of `like`, laid out for matching: all literal bytes in one array.
final class TextPattern: Sendable {
    private let bytes: [UInt8]
    /// Where the literal pieces between the wildcards end in `bytes`; one more than there are wildcards.
    private let ends: [Int]
    /// For each byte of a piece: how long the longest proper prefix of the piece is that ends with it.
    ///
    /// With these (Knuth, Morris and Pratt) a search never looks back, so that no pair of pattern and text takes longer
    /// than their lengths.
    private let borders: [Int]

    init(_ pattern: Pattern) {
        var bytes: [UInt8] = []
        var borders: [Int] = []
        self.ends = pattern.pieces.map { piece in
            bytes += piece
            borders += Self.borders(of: piece)
            return bytes.count
        }
        self.bytes = bytes
        self.borders = borders
    }

    private static func borders(of piece: [UInt8]) -> [Int] {
        var borders = [Int](repeating: 0, count: piece.count)
        var length = 0
        for index in piece.indices.dropFirst() {
            while length > 0, piece[length] != piece[index] { length = borders[length - 1] }
            if piece[length] == piece[index] { length += 1 }
            borders[index] = length
        }
        return borders
    }

    /// Whether a text matches as a whole.
    ///
    /// Works on bytes: pieces are whole UTF-8 characters, so they can only be found at character boundaries.
    func matches(_ text: CedarString) -> Bool {
        unsafe text.withBytes { unsafe self.matches($0) }
    }

    /// Whether a text matches as a whole.
    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe self.bytes.withUnsafeBufferPointer { unsafe self.matches(text, $0) }
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
            guard let found = unsafe self.endOfFirst(piece, of: bytes, in: text, position..<end) else { return false }
            position = found
        }
        return true
    }

    /// Where a piece ends that is found first in a range of the text.
    private func endOfFirst(
        _ piece: Range<Int>,
        of bytes: UnsafeBufferPointer<UInt8>,
        in text: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
    ) -> Int? {
        guard !piece.isEmpty else { return range.lowerBound }
        guard range.count >= piece.count, let base = text.baseAddress else { return nil }
        let first = unsafe Int32(bytes[piece.lowerBound])
        var length = 0
        var position = range.lowerBound
        while position < range.upperBound {
            if length == 0 {
                guard let found = unsafe memchr(base + position, first, range.upperBound - position) else { return nil }
                position = unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
            } else {
                while length > 0, unsafe bytes[piece.lowerBound + length] != text[position] {
                    length = self.borders[piece.lowerBound + length - 1]
                }
            }
            if unsafe bytes[piece.lowerBound + length] == text[position] { length += 1 }
            position += 1
            if length == piece.count { return position }
        }
        return nil
    }

    /// Whether a piece stands at a position of the text.
    private static func isEqual(
        _ text: UnsafeBufferPointer<UInt8>,
        _ position: Int,
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ piece: Range<Int>,
    ) -> Bool {
        guard !piece.isEmpty else { return true }
        guard position >= 0, position + piece.count <= text.count, piece.upperBound <= bytes.count,
            let base = text.baseAddress, let literals = bytes.baseAddress
        else { return false }
        return unsafe memcmp(base + position, literals + piece.lowerBound, piece.count) == 0
    }
}
