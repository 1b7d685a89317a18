import CanonicalJSON
import CountersignCore
import Testing

@Suite("A word is found where it begins, and means nothing but itself")
struct EntryWordsTests {
    @Test(
        "a word occurs in a value",
        arguments: [
            ("custom", "orders-db/public.customers", true), ("public.cust", "orders-db/public.customers", true),
            ("orders-db/public", "orders-db/public.customers", true), ("db", "orders-db", true),
            ("tomers", "customers", false), ("rders", "orders", false), ("-db", "orders-db", true),
            ("s-db", "orders-db", false), ("customers.", "public.customers", false), ("é", "éa", true),
            ("a", "éa", false), ("aa", "aaa", true), ("b", "ab b", true), ("%", "a%", true), ("%%", "%", false),
            ("", "a", false), ("abc", "ab", false),
        ]
    )
    func occurs(_ word: String, _ value: String, _ isThere: Bool) {
        #expect(EntryWords.occurs(Array(word.utf8), in: Array(value.utf8)) == isThere)
    }

    @Test("a search is its words, each once, in lower case, whatever stands between them")
    func words() {
        let words = EntryWords.words(of: " Foo\u{0}bar\tFOO\n\"x*\"\u{7F}É ")
        #expect(words.map { String(decoding: $0, as: UTF8.self) } == ["foo", "bar", "\"x*\"", "É"])
        #expect(EntryWords.words(of: "\u{1} ") == [])
    }

    @Test("names, moments, numbers and commitments are no text")
    func values() throws {
        let entry = try JSONParser.parse(
            #"{"kind":"K","time":"T1","payload":{"commitment":"C"},"a":[{"b":"V"},7,true],"expires_at":"T2"}"#
        )
        for (word, isThere) in [("k", true), ("v", true), ("t1", false), ("t2", false), ("c", false), ("b", false)] {
            #expect(EntryWords.occur([Array(word.utf8)], in: entry) == isThere, "\(word)")
        }
        #expect(EntryWords.occur([], in: entry))
        #expect(EntryWords.occur([Array("v".utf8), Array("k".utf8)], in: entry))
        #expect(!EntryWords.occur([Array("v".utf8), Array("z".utf8)], in: entry))
    }

    @Test("an entry of an older version has no effect, and is read all the same")
    func olderEntries() throws {
        let entry = try JSONParser.parse(
            #"{"kind":"approval.settled","action":{"digest":"d"},"actor":{"id":"A@b","type":"User"},"status":"expired"}"#
        )
        let facets = EntryFacets(entry, agent: nil, connection: nil)
        #expect(facets.effects == [])
        #expect(facets.users == ["a@b"])
        #expect(facets.status == .expired)
        #expect(EntryFacets(.null, agent: nil, connection: nil).match(EntryQuery()))
        #expect(!EntryFacets(.null, agent: nil, connection: nil).match(EntryQuery(statuses: [.expired])))
    }
}
