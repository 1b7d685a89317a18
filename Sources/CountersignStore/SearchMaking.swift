import CanonicalJSON
import CountersignCore
import GRDB

/// The terms of a run of entries, gathered in memory to be written as a segment.
struct SearchGathering {
    private var places: [[UInt8]: [UInt16]] = [:]

    /// Adds an entry.
    mutating func add(_ body: [UInt8], agent: AgentID?, connection: ConnectionName?, at place: Int) {
        // Every entry was written by this program; one that cannot be parsed is for `log fsck` to find.
        let entry = StoredJSON.value(body) ?? .null
        let place = UInt16(place)
        SearchTerms.each(of: entry, agent: agent, connection: connection) { term in
            places[term, default: []].appendUnlessLast(place)
        }
    }

    /// The terms in order, one at each call.
    consuming func inOrder() -> () -> (term: [UInt8], places: [UInt16])? {
        var sorted = places.sorted { $0.key.lexicographicallyPrecedes($1.key) }.makeIterator()
        return { sorted.next().map { ($0.key, $0.value) } }
    }
}

extension [UInt16] {
    fileprivate mutating func appendUnlessLast(_ place: UInt16) { if last != place { append(place) } }
}

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

    /// The next term with its entries.
    mutating func next(_ db: Database) throws -> (term: [UInt8], places: [UInt16])? {
        var least: [UInt8]?
        for case let head? in heads where least.map({ head.lexicographicallyPrecedes($0) }) ?? true { least = head }
        guard let least else { return nil }
        var places = [UInt16]()
        for index in sources.indices where heads[index] == least {
            let item = sources[index].items[sources[index].position]
            let offset = sources[index].offset
            let isWhole = SearchBits.decode(item.places, isDense: item.isDense, count: sources[index].segment.width) {
                places.append(UInt16(offset + $0))
            }
            guard isWhole else { throw SearchDamage("the entries of a term cannot be read") }
            sources[index].position += 1
            heads[index] = try sources[index].head(db)
        }
        return (least, places)
    }
}
