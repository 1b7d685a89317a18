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
        let facets = EntryFacets(entry, agent: agent, connection: connection)
        if let kind = facets.kind { visit(term(.kind, kind.rawValue)) }
        if let agent { visit(term(.agent, agent.rawValue)) }
        for user in facets.users { visit(term(.user, user)) }
        if let connection { visit(term(.connection, connection.rawValue)) }
        for effect in facets.effects { visit(term(.effect, effect.rawValue)) }
        if let status = facets.status { visit(term(.status, status.rawValue)) }
        EntryWords.eachValue(of: entry) { value in
            for piece in pieces(of: value[...]) { visit(piece.term) }
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
        let pieces = pieces(of: word[...])
        let hasWords = pieces.contains { $0.kind != .mark }
        var clauses = [Clause]()
        for piece in pieces {
            switch piece.kind {
            // Marks are so common that they are worth asking for only where there is nothing else.
            case .mark: if !hasWords { clauses.append(Clause([piece.term])) }
            // A pair says more than its halves do.
            case .word: if !piece.isPaired { clauses.append(clause(piece, word)) }
            case .pair: clauses.append(clause(piece, word))
            }
        }
        return clauses
    }

    /// What the searched word ends with may go on in the entry.
    private static func clause(_ piece: Piece, _ word: [UInt8]) -> Clause {
        Clause([piece.term], isPrefix: piece.end == word.endIndex)
    }

    /// A part of a text that has a term.
    private struct Piece {
        enum Kind {
            case word
            case pair
            case mark
        }
        let kind: Kind
        let term: [UInt8]
        /// Where it ends in the text.
        let end: Int
        /// Whether it is half of a pair.
        var isPaired = false
    }

    private static func pieces(of text: ArraySlice<UInt8>) -> [Piece] {
        var pieces = [Piece]()
        var previous: (range: Range<Int>, index: Int)?
        var position = text.startIndex
        while position < text.endIndex {
            let byte = text[position]
            guard EntryWords.isWordByte(byte) else {
                if isMark(byte) { pieces.append(Piece(kind: .mark, term: [Field.word.rawValue, byte], end: position)) }
                position += 1
                continue
            }
            let start = position
            while position < text.endIndex, EntryWords.isWordByte(text[position]) { position += 1 }
            var piece = Piece(
                kind: .word,
                term: term(.word, text[start..<position].prefix(maximumLength)),
                end: position
            )
            if let before = previous, before.range.upperBound + 1 == start, isMark(text[start - 1]) {
                var pair = [Field.pair.rawValue]
                pair += text[before.range].prefix(maximumLength)
                pair.append(text[start - 1])
                pair += text[start..<position].prefix(maximumLength)
                pieces.append(Piece(kind: .pair, term: pair, end: position))
                pieces[before.index].isPaired = true
                piece.isPaired = true
            }
            previous = (start..<position, pieces.count)
            pieces.append(piece)
        }
        return pieces
    }

    /// A visible byte that belongs to no word.
    private static func isMark(_ byte: UInt8) -> Bool { byte > 32 && byte != 127 }

    private static func term(_ field: Field, _ value: String) -> [UInt8] { [field.rawValue] + value.utf8 }

    private static func term(_ field: Field, _ value: ArraySlice<UInt8>) -> [UInt8] { [field.rawValue] + value }
}
