import GRDB

/// The terms of neighbouring segments, merged in order.
struct SearchMerging {
    /// One segment, block by block.
    private struct Source {
        let segment: SearchSegment
        let offset: Int
        var items: [SearchBlock.Item] = []
        var position = 0
        var next: [UInt8]? = []

        /// The term that is next, loading the block that has it.
        mutating func head(_ db: Database) throws -> [UInt8]? {
            while position == items.count {
                guard let start = next else { return nil }
                let block = try db.searchBlock(covering: start, of: segment)
                next = block.next.isEmpty ? nil : block.next
                items.removeAll(keepingCapacity: true)
                position = 0
                try block.each { item in
                    items.append(item)
                    return true
                }
            }
            return items[position].term
        }
    }

    private var sources: [Source]
    private var heads: [[UInt8]?]

    /// Merges segments of one level that follow each other.
    init(_ segments: [SearchSegment], _ db: Database) throws {
        sources = segments.enumerated().map { Source(segment: $1, offset: $0 * $1.width) }
        heads = []
        for index in sources.indices { heads.append(try sources[index].head(db)) }
    }

    /// The next term with its entries; false after the last.
    mutating func next(_ term: inout [UInt8], _ places: inout [UInt16], _ db: Database) throws -> Bool {
        guard let least = least() else { return false }
        term.removeAll(keepingCapacity: true)
        term += least
        places.removeAll(keepingCapacity: true)
        for index in sources.indices {
            guard let head = heads[index], ByteOrder.equal(head.span, least.span) else { continue }
            let item = sources[index].items[sources[index].position]
            let offset = sources[index].offset
            let isWhole = SearchBits.decode(item.places, isDense: item.isDense, count: sources[index].segment.width) {
                places.append(UInt16(offset + $0))
            }
            guard isWhole else { throw SearchDamage("the entries of a term cannot be read") }
            sources[index].position += 1
            heads[index] = try sources[index].head(db)
        }
        return true
    }

    private func least() -> [UInt8]? {
        var least: [UInt8]?
        for case let head? in heads {
            if let known = least, !ByteOrder.precedes(head.span, known.span) { continue }
            least = head
        }
        return least
    }
}
