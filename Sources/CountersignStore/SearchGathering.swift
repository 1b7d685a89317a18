import CanonicalJSON
import CountersignCore

/// The terms of a run of entries, gathered in memory to be written as a segment.
///
/// Entries repeat each other: names, addresses, policies. So each distinct text is taken apart once, and of an entry that
/// has it again only the place is noted. What an entry is about is likewise found out once for all entries that say the
/// same of it. Entries are read where they are, without a tree; one that cannot be read so is parsed.
struct SearchGathering {
    private let width: Int
    private var outline = CanonicalOutline()
    /// The distinct texts, as they are written in entries, and their sources.
    private var texts = ByteTable()
    private var sourcesOfTexts: [Int] = []
    /// What entries are about, in the words of ``subject``, and their sources.
    private var subjects = ByteTable()
    private var sourcesOfSubjects: [Int] = []
    /// What terms come from, each with the entries that have it: a text, a subject, or an entry as a whole.
    private var sources = Chains<UInt16>()
    private var terms = ByteTable()
    /// The sources of each term.
    private var origins = Chains<Int>()
    private var subject: [UInt8] = []

    /// Gathers the terms of at most so many entries.
    init(width: Int) { self.width = width }

    /// Adds an entry.
    mutating func add(_ body: [UInt8], agent: AgentID?, connection: ConnectionName?, at place: Int) {
        let place = UInt16(place)
        guard outline.read(body.span), addSubject(of: body, agent, connection, place) else {
            // Every entry was written by this program; one that cannot be parsed is for `log fsck` to find.
            let entry = StoredJSON.value(body) ?? .null
            let source = sources.begin()
            sources.push(place, on: source)
            SearchTerms.each(of: entry, agent: agent, connection: connection) { note($0, of: source) }
            return
        }
        for text in outline.texts where !EntryWords.isLeftOut(body[text.name]) {
            let (number, isNew) = texts.number(of: body.span.extracting(text.value))
            if isNew {
                let source = sources.begin()
                sourcesOfTexts.append(source)
                SearchTerms.each(ofValue: EntryWords.folded(Array(body[text.value]))) { note($0, of: source) }
            }
            sources.push(place, on: sourcesOfTexts[number])
        }
    }

    /// Adds what an entry is about; false if the entry is not JSON.
    private mutating func addSubject(
        of body: [UInt8],
        _ agent: AgentID?,
        _ connection: ConnectionName?,
        _ place: UInt16,
    ) -> Bool {
        subject.removeAll(keepingCapacity: true)
        for member in outline.members
        where EntryFacets.isDecided(by: body[member.name], in: body[member.parent]) {
            subject += body[member.whole]
            subject.append(member.parent.isEmpty ? UInt8(ascii: ",") : UInt8(ascii: "."))
        }
        // No text has these bytes.
        for name in [agent?.rawValue, connection?.rawValue] {
            subject.append(name == nil ? 0xFE : 0xFF)
            if let name { subject.append(contentsOf: name.utf8) }
        }
        let key = subject
        if let number = subjects.find(key.span) {
            sources.push(place, on: sourcesOfSubjects[number])
            return true
        }
        guard let entry = StoredJSON.value(body) else { return false }
        let source = sources.begin()
        _ = subjects.number(of: key.span)
        sourcesOfSubjects.append(source)
        sources.push(place, on: source)
        SearchTerms.each(of: EntryFacets(entry, agent: agent, connection: connection)) { note($0, of: source) }
        return true
    }

    private mutating func note(_ term: [UInt8], of source: Int) {
        let (number, isNew) = terms.number(of: term.span)
        if isNew { _ = origins.begin() }
        origins.push(source, on: number)
    }

    /// The terms in order, one at each call, with their entries; false after the last.
    consuming func inOrder() -> (inout [UInt8], inout [UInt16]) -> Bool {
        let gathered = self
        var order = terms.inOrder().makeIterator()
        var bits = SearchBits(count: width)
        return { term, places in
            guard let number = order.next() else { return false }
            term.removeAll(keepingCapacity: true)
            gathered.terms.withRun(number) { run in
                unsafe run.withUnsafeBufferPointer { unsafe term.append(contentsOf: $0) }
            }
            gathered.origins.each(of: number) { source in
                gathered.sources.each(of: source) { bits.insert(Int($0)) }
            }
            places.removeAll(keepingCapacity: true)
            bits.drain { places.append(UInt16($0)) }
            return true
        }
    }
}

/// Many lists that grow by turns, in one buffer, each from its last item to its first.
private struct Chains<Item: Equatable> {
    private var heads: [Int] = []
    private var links: [(item: Item, next: Int)] = []

    /// Begins a list; its number.
    mutating func begin() -> Int {
        heads.append(-1)
        return heads.count - 1
    }

    /// Adds an item, unless it is the one that was added last.
    mutating func push(_ item: Item, on list: Int) {
        let head = heads[list]
        if head >= 0, links[head].item == item { return }
        heads[list] = links.count
        links.append((item, head))
    }

    /// Visits the items.
    func each(of list: Int, _ visit: (Item) -> Void) {
        var position = heads[list]
        while position >= 0 {
            visit(links[position].item)
            position = links[position].next
        }
    }
}
