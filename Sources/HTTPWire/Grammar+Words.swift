/// Looking at eight bytes at a time where most bytes are uneventful.
extension Grammar {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// A word with a high bit set if some byte of `word` is zero; only the lowest such bit is exact.
    @inline(__always)
    private static func zeroBytes(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highBits }

    /// Where the first LF at or after `start` is; `end` if there is none before it.
    static func firstLineFeed(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        precondition(end <= bytes.count)
        return unsafe bytes.withUnsafeBytes { raw in
            var position = start
            while position + 8 <= end {
                let word = unsafe UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let hits = zeroBytes(word ^ (ones &* UInt64(lineFeed)))
                if hits != 0 { return position + hits.trailingZeroBitCount / 8 }
                position += 8
            }
            while position < end, unsafe raw[position] != lineFeed { position += 1 }
            return position
        }
    }

    /// A position at or after `start` such that all bytes between are visible ASCII or space; moves by whole words.
    static func skipPlainText(_ bytes: Span<UInt8>, from start: Int) -> Int {
        unsafe bytes.withUnsafeBytes { raw in
            var position = start
            while position + 8 <= raw.count {
                let word = unsafe raw.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                let controls = (word &- ones &* 0x20) & ~word & highBits
                let deletes = zeroBytes(word ^ (ones &* 0x7F))
                if controls | deletes | (word & highBits) != 0 { break }
                position += 8
            }
            return position
        }
    }
}
