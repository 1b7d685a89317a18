/// Finds where a run of plain string bytes ends, eight at a time.
enum PlainRun {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The first index from `start` of a control character, quote or backslash, or the count.
    ///
    /// With `stoppingAtMultibyte` also of a byte beyond ASCII.
    @inline(__always)
    static func end(in bytes: RawSpan, from start: Int, stoppingAtMultibyte: Bool) -> Int {
        let count = bytes.byteCount
        var index = start
        while count - index >= 8 {
            // In bounds by the condition above; every bit pattern is a UInt64.
            let word = unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            // Each term has the high bit of the lowest byte that matches; only bits above that one may be wrong.
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            var found = (word &- ones &* 0x20) & ~word
            found |= (quote &- ones) & ~quote
            found |= (backslash &- ones) & ~backslash
            if stoppingAtMultibyte { found |= word }
            found &= highBits
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            if byte < 0x20 || byte == 0x22 || byte == 0x5C || stoppingAtMultibyte && byte >= 0x80 { return index }
            index += 1
        }
        return count
    }
}
