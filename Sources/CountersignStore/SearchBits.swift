/// A set of entries of one segment of the search index, by their place in it.
struct SearchBits {
    private var words: [UInt64]

    /// The empty set in a segment of `count` entries, a multiple of 64.
    init(count: Int) { words = [UInt64](repeating: 0, count: count / 64) }

    /// Whether nothing is in it.
    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// Puts a place in.
    mutating func insert(_ place: Int) { words[place >> 6] |= 1 << UInt64(place & 63) }

    /// Keeps only what is in the other, too.
    mutating func formIntersection(_ other: SearchBits) {
        for index in words.indices { words[index] &= other.words[index] }
    }

    /// Visits the places in a range, upwards or downwards, until `visit` says false.
    func each(in range: Range<Int>, ascending: Bool, _ visit: (Int) throws -> Bool) rethrows {
        guard !range.isEmpty else { return }
        let first = range.lowerBound >> 6
        let last = (range.upperBound - 1) >> 6
        for step in 0...(last - first) {
            let index = ascending ? first + step : last - step
            var word = words[index]
            while word != 0 {
                let bit = ascending ? word.trailingZeroBitCount : 63 - word.leadingZeroBitCount
                word &= ~(1 << UInt64(bit))
                let place = index << 6 | bit
                guard range.contains(place) else { continue }
                guard try visit(place) else { return }
            }
        }
    }

    /// Visits all places, upwards, and takes them out.
    mutating func drain(_ visit: (Int) -> Void) {
        for index in words.indices where words[index] != 0 {
            var word = words[index]
            words[index] = 0
            while word != 0 {
                visit(index << 6 | word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    /// How places stand in the index: how many bytes they need, and whether they are one bit for each entry.
    static func form(of places: [UInt16], count: Int) -> (length: Int, isDense: Bool) {
        var length = 0
        var next = 0
        for place in places {
            let gap = Int(place) - next
            next = Int(place) + 1
            length += gap < 128 ? 1 : gap < 1 << 14 ? 2 : 3
            if length >= count / 8 { return (count / 8, true) }
        }
        return (length, false)
    }

    /// Appends the places as they stand in the index, upwards: the gaps between them, or one bit each where that is
    /// shorter, as ``form(of:count:)`` says.
    static func append(_ places: [UInt16], isDense: Bool, count: Int, to bytes: inout [UInt8]) {
        if isDense {
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: count / 8))
            for place in places { bytes[start + (Int(place) >> 3)] |= 1 << UInt8(place & 7) }
            return
        }
        var next = 0
        for place in places {
            var gap = Int(place) - next
            next = Int(place) + 1
            while gap >= 128 {
                bytes.append(UInt8(gap & 127 | 128))
                gap >>= 7
            }
            bytes.append(UInt8(gap))
        }
    }

    /// Calls `visit` with each place, upwards; false if the bytes are none of ``append(_:isDense:count:to:)``.
    static func decode(_ bytes: ArraySlice<UInt8>, isDense: Bool, count: Int, _ visit: (Int) -> Void) -> Bool {
        if isDense {
            guard bytes.count == count / 8 else { return false }
            for (index, byte) in bytes.enumerated() where byte != 0 {
                for bit in 0..<8 where byte & (1 << UInt8(bit)) != 0 { visit(index << 3 | bit) }
            }
            return true
        }
        var next = 0
        var gap = 0
        var shift = 0
        for byte in bytes {
            guard shift <= 14 else { return false }
            gap |= Int(byte & 127) << shift
            shift += 7
            guard byte < 128 else { continue }
            next += gap
            guard next < count else { return false }
            visit(next)
            next += 1
            (gap, shift) = (0, 0)
        }
        return shift == 0
    }
}
