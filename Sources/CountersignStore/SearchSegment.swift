import CountersignCore
import TransparencyLog

/// A run of entries that are indexed together: 256, 4,096 or 65,536 of them, a perfect subtree of the log's tree.
///
/// A segment carries the root of its subtree and never changes, so it either is of this very log or is seen not to be.
struct SearchSegment: Hashable {
    /// 0, 1 or 2.
    let level: Int
    /// How many segments of this level come before it.
    let position: UInt64
    /// The root of its subtree.
    let root: LogHash

    /// Sixteen segments become one of the next level, up to this one.
    static let maximumLevel = 2
    /// How many segments become one.
    static let fanOut = 16

    /// How many entries a segment of this level has.
    static func width(of level: Int) -> Int { 256 << (4 * level) }
    /// The level of the log's tree on which a segment is one node.
    static func treeLevel(of level: Int) -> Int { 8 + 4 * level }

    /// The number in the index's file.
    var id: Int64 { Int64(level) << 56 | Int64(clamping: position) }
    /// How many entries it has.
    var width: Int { Self.width(of: level) }
    /// The first entry.
    var first: UInt64 { position * UInt64(width) }
    /// The first entry after it.
    var end: UInt64 { first + UInt64(width) }

    /// Names a segment.
    init(level: Int, position: UInt64, root: LogHash) {
        self.level = level
        self.position = position
        self.root = root
    }

    /// Reads a number of the index's file; `nil` for one that no segment has.
    init?(id: Int64, root: [UInt8]) {
        guard id >= 0, id >> 56 <= Self.maximumLevel, let root = LogHash(bytes: root[...]) else { return nil }
        let (level, position) = (Int(id >> 56), UInt64(id & (1 << 56 - 1)))
        // Its entries have numbers that a ledger can have, so that no sum of them overflows.
        guard position < UInt64(Int64.max) / UInt64(Self.width(of: level)) else { return nil }
        self.init(level: level, position: position, root: root)
    }
}

/// A part of a segment's dictionary: the terms from ``first`` up to ``next``, and for each the entries that have it.
///
/// It says of itself what it covers, under a checksum that is bound to the segment. So a block that is read proves both
/// what is in it and, of the terms that it covers, what is not: nothing can get lost without being missed.
struct SearchBlock {
    /// The first term that it covers; no term for the first block.
    let first: [UInt8]
    /// The first term that it does not cover any more; no term for the last block.
    let next: [UInt8]
    /// The terms with their entries.
    let items: ArraySlice<UInt8>

    /// A block is ended at the first term that finds it so long.
    static let enough = 4096
    private static let checksumLength = 8

    /// A term and the entries that have it.
    struct Item {
        let term: [UInt8]
        let places: ArraySlice<UInt8>
        let isDense: Bool
    }

    /// The block's bytes in the file: the checksum, the next term, the items.
    static func encode(first: [UInt8], next: [UInt8], items: [UInt8], _ segment: SearchSegment) -> [UInt8] {
        let content = [UInt8(next.count)] + next + items
        return checksum(first, content[...], segment) + content
    }

    /// Reads a block; throws if it is not what was written.
    init(first: [UInt8], bytes: [UInt8], _ segment: SearchSegment) throws(SearchDamage) {
        let content = bytes.dropFirst(Self.checksumLength)
        guard let length = content.first.map({ Int($0) }), content.count > length,
            bytes.prefix(Self.checksumLength).elementsEqual(Self.checksum(first, content, segment))
        else { throw SearchDamage("a block of segment \(segment.level)/\(segment.position) is not what was written") }
        self.first = first
        next = Array(content.dropFirst().prefix(length))
        items = content.dropFirst(1 + length)
    }

    /// Whether the block would have the term if the segment had it.
    func covers(_ term: [UInt8]) -> Bool {
        !term.lexicographicallyPrecedes(first) && (next.isEmpty || term.lexicographicallyPrecedes(next))
    }

    /// Visits the items in the order of their terms until `visit` says false.
    func each(_ visit: (Item) throws -> Bool) throws {
        var rest = items
        var term = [UInt8]()
        while !rest.isEmpty {
            guard let item = Self.take(&rest, &term) else { throw SearchDamage("a block cannot be read") }
            guard try visit(item) else { return }
        }
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ term: inout [UInt8]) -> Item? {
        guard rest.count >= 3 else { return nil }
        let shared = Int(rest.removeFirst())
        let length = Int(rest.removeFirst())
        guard shared <= term.count, rest.count > length else { return nil }
        term.removeSubrange(shared...)
        term += rest.prefix(length)
        rest = rest.dropFirst(length)
        var size = 0
        var shift = 0
        while let byte = rest.popFirst() {
            size |= Int(byte & 127) << shift
            shift += 7
            if byte < 128 { break }
            guard shift <= 21 else { return nil }
        }
        let places = rest.prefix(size >> 1)
        guard places.count == size >> 1 else { return nil }
        rest = rest.dropFirst(size >> 1)
        return Item(term: term, places: places, isDense: size & 1 == 1)
    }

    /// Writes an item: what the term has beyond the one before, and the entries.
    static func append(
        _ term: [UInt8],
        after previous: [UInt8],
        _ places: [UInt16],
        count: Int,
        to items: inout [UInt8]
    ) {
        var shared = 0
        while shared < min(term.count, previous.count), term[shared] == previous[shared] { shared += 1 }
        items.append(UInt8(shared))
        items.append(UInt8(term.count - shared))
        items += term[shared...]
        let (length, isDense) = SearchBits.form(of: places, count: count)
        var size = length << 1 | (isDense ? 1 : 0)
        while size >= 128 {
            items.append(UInt8(size & 127 | 128))
            size >>= 7
        }
        items.append(UInt8(size))
        SearchBits.append(places, isDense: isDense, count: count, to: &items)
    }

    private static func checksum(_ first: [UInt8], _ content: ArraySlice<UInt8>, _ segment: SearchSegment) -> [UInt8] {
        var bound = segment.root.bytes
        bound.append(UInt8(segment.level))
        bound.append(UInt8(first.count))
        bound += first
        bound += content
        return Array(LogHash.leaf(bound).bytes.prefix(checksumLength))
    }
}

/// The search index is not what was written; it is made anew.
struct SearchDamage: Error {
    /// What was found.
    let message: String

    /// Says what was found.
    init(_ message: String) { self.message = message }
}
