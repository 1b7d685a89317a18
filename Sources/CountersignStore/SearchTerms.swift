import CanonicalJSON
import CountersignCore

/// What the search index knows entries by: a field's tag, and a value of that field.
///
/// Beside every word stands every pair of words with one mark between them, so that `10.0.0.7` is found by the pairs
/// `10.0`, `0.0` and `0.7`, not by every entry that has a 0 and a 10 somewhere.
enum SearchTerms {
    /// The fields; their order is that of the index.
    enum Field: UInt8 {
        case kind = 1
        case agent
        case user
        case connection
        case effect
        case status
        case word = 16
        case pair
    }

    /// Longer words are cut, in entries and searches alike: the index only proposes, the entry itself decides.
    private static let maximumLength = 64

    /// Calls `visit` with the terms of an entry; one may come several times.
    static func each(
        of entry: JSONValue,
        agent: AgentID?,
        connection: ConnectionName?,
        _ visit: ([UInt8]) -> Void,
    ) {
        each(of: EntryFacets(entry, agent: agent, connection: connection), visit)
        EntryWords.eachValue(of: entry) { each(ofValue: $0, visit) }
    }

    /// Calls `visit` with the terms of what an entry is about.
    static func each(of facets: EntryFacets, _ visit: ([UInt8]) -> Void) {
        if let kind = facets.kind { visit(term(.kind, kind.rawValue)) }
        if let agent = facets.agent { visit(term(.agent, agent.rawValue)) }
        for user in facets.users { visit(term(.user, user)) }
        if let connection = facets.connection { visit(term(.connection, connection.rawValue)) }
        for effect in facets.effects { visit(term(.effect, effect.rawValue)) }
        if let status = facets.status { visit(term(.status, status.rawValue)) }
    }

    /// Calls `visit` with the terms of a text in lower case; one may come several times.
    static func each(ofValue value: [UInt8], _ visit: ([UInt8]) -> Void) {
        var term = [UInt8]()
        eachPiece(of: value) { piece in
            term.removeAll(keepingCapacity: true)
            piece.appendTerm(from: value, to: &term)
            visit(term)
        }
    }

    /// What a search asks of the index: every clause must hold.
    ///
    /// The entries that the index gives for it are all that match, and some that do not where words are compound.
    static func clauses(of query: EntryQuery) -> [Clause] {
        var clauses = [Clause]()
        func add(_ field: Field, anyOf values: [String]) {
            if !values.isEmpty { clauses.append(Clause(values.map { term(field, $0) })) }
        }
        add(.agent, anyOf: query.agent.map { [$0.rawValue] } ?? [])
        add(.user, anyOf: query.user.map { [EntryFacets.folded($0.rawValue)] } ?? [])
        add(.connection, anyOf: query.connection.map { [$0.rawValue] } ?? [])
        add(.status, anyOf: query.statuses.map(\.rawValue))
        add(.effect, anyOf: query.effects.map(\.rawValue))
        add(.kind, anyOf: query.kinds.map(\.rawValue))
        for word in EntryWords.words(of: query.text ?? "") {
            for clause in self.clauses(ofWord: word) where !clauses.contains(clause) { clauses.append(clause) }
        }
        // What gathers many terms comes last, when there may be nothing left to look for.
        return clauses.filter { !$0.isPrefix } + clauses.filter(\.isPrefix)
    }

    /// One condition on an entry: it has one of the terms, or one that begins like the only one.
    struct Clause: Hashable {
        let terms: [[UInt8]]
        let isPrefix: Bool

        init(_ terms: [[UInt8]], isPrefix: Bool = false) {
            self.terms = terms
            self.isPrefix = isPrefix
        }
    }

    private static func clauses(ofWord word: [UInt8]) -> [Clause] {
        var pieces = [Piece]()
        eachPiece(of: word) { pieces.append($0) }
        // A pair says more than its halves do.
        var words = [Range<Int>]()
        var halves = [Range<Int>]()
        for piece in pieces {
            switch piece {
            case .word(let word): words.append(word)
            case .pair(let first, let second): halves += [first, second]
            case .mark: break
            }
        }
        var clauses = [Clause]()
        for piece in pieces {
            switch piece {
            // Marks are so common that they are worth asking for only where there is nothing else.
            case .mark: if words.isEmpty { clauses.append(clause(piece, word)) }
            case .word(let half): if !halves.contains(half) { clauses.append(clause(piece, word)) }
            case .pair: clauses.append(clause(piece, word))
            }
        }
        return clauses
    }

    /// What the searched word ends with may go on in the entry.
    private static func clause(_ piece: Piece, _ word: [UInt8]) -> Clause {
        var term = [UInt8]()
        piece.appendTerm(from: word, to: &term)
        let isAtEnd =
            switch piece {
            case .word(let last), .pair(_, let last): last.upperBound == word.count
            case .mark: false
            }
        return Clause([term], isPrefix: isAtEnd)
    }

    /// A part of a text that has a term.
    private enum Piece: Equatable {
        case word(Range<Int>)
        /// Two words with one mark between them.
        case pair(Range<Int>, Range<Int>)
        case mark(Int)

        func appendTerm(from text: [UInt8], to term: inout [UInt8]) {
            switch self {
            case .word(let word):
                term.append(Field.word.rawValue)
                term += text[word].prefix(maximumLength)
            case .pair(let first, let second):
                term.append(Field.pair.rawValue)
                term += text[first].prefix(maximumLength)
                term.append(text[first.upperBound])
                term += text[second].prefix(maximumLength)
            case .mark(let place):
                term.append(Field.word.rawValue)
                term.append(text[place])
            }
        }
    }

    /// Calls `visit` with the parts of a text; a pair comes before its second word.
    private static func eachPiece(of text: [UInt8], _ visit: (Piece) -> Void) {
        var previous: Range<Int>?
        var position = 0
        while position < text.count {
            guard EntryWords.isWordByte(text[position]) else {
                if isMark(text[position]) { visit(.mark(position)) }
                position += 1
                continue
            }
            let start = position
            while position < text.count, EntryWords.isWordByte(text[position]) { position += 1 }
            if let before = previous, before.upperBound + 1 == start, isMark(text[start - 1]) {
                visit(.pair(before, start..<position))
            }
            visit(.word(start..<position))
            previous = start..<position
        }
    }

    /// A visible byte that belongs to no word.
    private static func isMark(_ byte: UInt8) -> Bool { byte > 32 && byte != 127 }

    private static func term(_ field: Field, _ value: String) -> [UInt8] { [field.rawValue] + value.utf8 }
}
