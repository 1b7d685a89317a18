import CanonicalJSON
import CountersignCore
import CountersignTestKit
import Testing

@testable import CountersignStore

@Suite("What is gathered of entries in place is what their trees say", .timeLimit(.minutes(5)))
struct SearchGatheringTests {
    private struct Stored {
        var body: [UInt8]
        var agent: AgentID?
        var connection: ConnectionName?
    }

    private func gathered(_ entries: [Stored], width: Int = 256) -> [[UInt8]: [UInt16]] {
        var gathering = SearchGathering(width: width)
        for (place, entry) in entries.enumerated() {
            gathering.add(entry.body, agent: entry.agent, connection: entry.connection, at: place)
        }
        let next = gathering.inOrder()
        var found = [[UInt8]: [UInt16]]()
        var (term, places, last) = ([UInt8](), [UInt16](), [UInt8]())
        while next(&term, &places) {
            #expect(last.lexicographicallyPrecedes(term))
            last = term
            found[term] = places
        }
        return found
    }

    /// By the definition: each entry's tree, term by term.
    private func expected(_ entries: [Stored]) -> [[UInt8]: [UInt16]] {
        var places = [[UInt8]: [UInt16]]()
        for (place, entry) in entries.enumerated() {
            let tree = StoredJSON.value(entry.body) ?? .null
            SearchTerms.each(of: tree, agent: entry.agent, connection: entry.connection) { term in
                if places[term]?.last != UInt16(place) { places[term, default: []].append(UInt16(place)) }
            }
        }
        return places
    }

    @Test("for entries as the gateway writes them", arguments: [256, 4096])
    func written(_ width: Int) {
        var world = SearchWorld(seed: UInt64(width), clock: ManualClock())
        let entries = (0..<width).map { sequence -> Stored in
            let draft = world.draft()
            return Stored(
                body: draft.encoded(sequence: UInt64(sequence)),
                agent: draft.agent,
                connection: draft.connection
            )
        }
        #expect(gathered(entries, width: width) == expected(entries))
    }

    @Test("for entries of every other form, in any order")
    func forms() {
        let texts = [
            #"{"action":{"effects":["read","delete"],"name":"http:write"},"kind":"action.allowed"}"#,
            #"{"action":{"effects":[],"name":"http:write"},"kind":"action.allowed"}"#,
            #"{"action":{"effects":"read","name":"http:write"},"kind":"action.allowed"}"#,
            #"{"action":{"name":"http:write"},"kind":"action.allowed"}"#,
            #"{"action":{"x":{"name":"http:delete"}},"kind":"action.denied"}"#,
            #"{"action":[{"name":"http:delete"}],"kind":"action.denied"}"#,
            #"{"action":"http:delete","kind":"action.denied"}"#,
            #"{"actor":{"id":"Ann@example.com","type":"User"},"kind":"session.started"}"#,
            #"{"actor":{"id":"Ann@example.com","type":"Agent"},"kind":"session.started"}"#,
            #"{"actor":{"id":"\u0041nn@example.com","type":"User"},"kind":"session.started"}"#,
            #"{"actor":{"x":{"id":"eve","type":"User"}},"kind":"session.ended"}"#,
            #"{"identity":{"id":"Bob","type":"User"},"kind":"identity.changed"}"#,
            #"{"kind":"approval.settled","on_behalf_of":"Cy","status":"denied"}"#,
            #"{"kind":"approval.settled","status":"approved"}"#,
            #"{"kind":"action.completed","outcome":{"result":"succeeded","text":"a\nb"}}"#,
            #"{"kind":"action.completed","outcome":{"result":"failed"},"time":"2026-01-01"}"#,
            #"{"kind":"action.completed","outcome":{"commitment":"left-out","result":"unknown"}}"#,
            #"{"expires_at":["left","out"],"kind":"none.such","payload":{"bytes":3,"commitment":"x"}}"#,
            #"{"kind": "action.allowed", "text": "with spaces"}"#,
            #"{"kind":"action.allowed","text":"Ä-É 10.0.0.7/%"}"#,
            #"{"kind":"action.allowed","text":"a.b.a a.b","texts":["a.b",["a.b"]]}"#, "[]", "\"text\"", "null", "",
        ]
        let agents = [nil, AgentID(unchecked: "a-bot"), AgentID(unchecked: "b")]
        let connections = [nil, ConnectionName(unchecked: "orders-db")]
        var entries = [Stored]()
        for text in texts + texts.reversed() {
            for agent in agents {
                for connection in connections {
                    entries.append(Stored(body: Array(text.utf8), agent: agent, connection: connection))
                }
            }
        }
        #expect(gathered(entries, width: 512) == expected(entries))
    }

    @Test("an entry that is no JSON hides nothing of those that say the same")
    func broken() {
        let sound = Array(#"{"actor":{"id":"Ann","type":"User"},"kind":"session.started","text":"word"}"#.utf8)
        // An outline is found of it all the same: a member stands twice, or a text is no UTF-8.
        let twice = Array(
            #"{"actor":{"id":"Ann","type":"User"},"kind":"session.started","text":"word","text":"word"}"#.utf8
        )
        var foreign = sound
        foreign[foreign.count - 3] = 0xFF
        let entries = [twice, foreign, sound, twice, sound].map { Stored(body: $0) }
        let found = gathered(entries)
        let searched = EntryQuery(kinds: [.sessionStarted], user: UserID(unchecked: "ann"), text: "word")
        for clause in SearchTerms.clauses(of: searched) {
            let places = clause.terms.flatMap { term in
                found.filter { clause.isPrefix ? $0.key.starts(with: term) : $0.key == term }.flatMap(\.value)
            }
            #expect(Set(places).isSuperset(of: [2, 4]))
        }
    }

    @Test("runs keep their numbers while their table grows, and come in order")
    func table() {
        var table = ByteTable()
        var runs = [[UInt8]]()
        for number in 0..<3000 {
            let text = String(number * 7919 % 3000)
            runs.append(Array((number % 3 == 0 ? text : "a common beginning " + text).utf8))
        }
        runs += [[], [0], [0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0], [255]]
        for (number, run) in runs.enumerated() {
            let before = table.find(run.span)
            #expect(before == nil)
            let (found, isNew) = table.number(of: run.span)
            #expect(found == number && isNew)
        }
        for (number, run) in runs.enumerated() {
            let (found, isNew) = table.number(of: run.span)
            #expect(found == number && !isNew)
            let isSame = table.withRun(number) { ByteOrder.equal($0, run.span) }
            #expect(isSame)
        }
        #expect(table.inOrder().map { runs[$0] } == runs.sorted { $0.lexicographicallyPrecedes($1) })
    }
}
