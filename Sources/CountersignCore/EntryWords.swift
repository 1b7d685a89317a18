package import CanonicalJSON

/// The full text of entries: what is text in them, what a word is, and when a word occurs.
///
/// The text of an entry is its string values, members' names, moments and payloads' commitments left out. A search's
/// text is words with white space between them, and each must occur in some value, in whatever order. Letters' case
/// does not matter in ASCII. A word occurs where it does not begin inside of a longer one: `custom` finds
/// `orders-db/public.customers`, as do `public.cust` and `db/public`, but `tomers` does not. Nothing has a special
/// meaning, and a text without words finds everything.
package enum EntryWords {
    /// The words of a search, in lower case.
    package static func words(of text: String) -> [[UInt8]] {
        var words = [[UInt8]]()
        for word in text.utf8.split(whereSeparator: { $0 <= 32 || $0 == 127 }) {
            let word = word.map(folded)
            if !words.contains(word) { words.append(word) }
        }
        return words
    }

    /// Calls `visit` with each string value that is text, in lower case.
    package static func eachValue(of entry: JSONValue, _ visit: ([UInt8]) -> Void) {
        switch entry {
        case .string(let text): visit(folded(Array(text.utf8)))
        case .array(let values): for value in values { eachValue(of: value, visit) }
        case .object(let object):
            for member in object.members where !isLeftOut(Array(member.key.utf8)[...]) {
                eachValue(of: member.value, visit)
            }
        case .null, .bool, .integer, .number: break
        }
    }

    /// Whether every word occurs in some value.
    package static func occur(_ words: [[UInt8]], in entry: JSONValue) -> Bool {
        var missing = words
        eachValue(of: entry) { value in
            if !missing.isEmpty { missing.removeAll { occurs($0, in: value) } }
        }
        return missing.isEmpty
    }

    /// Whether the word, which is not empty, occurs in the value; both are in lower case.
    package static func occurs(_ word: [UInt8], in value: [UInt8]) -> Bool {
        guard let first = word.first, value.count >= word.count else { return false }
        for start in 0...(value.count - word.count) where value[start] == first {
            if start > 0, isWordByte(first), isWordByte(value[start - 1]) { continue }
            if value[start..<(start + word.count)].elementsEqual(word) { return true }
        }
        return false
    }

    /// Whether a byte of UTF-8 belongs to a word: letters, digits, and all that is not ASCII.
    package static func isWordByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (48...57).contains(byte) || byte >= 128 || (65...90).contains(byte)
    }

    /// A value in lower case.
    package static func folded(_ value: [UInt8]) -> [UInt8] { value.map(folded) }

    private static func folded(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte + 32 : byte }

    /// Whether what stands under a member's name is not text: time has conditions of its own, and a commitment says
    /// nothing to anybody.
    package static func isLeftOut(_ name: ArraySlice<UInt8>) -> Bool {
        leftOut.contains { $0.count == name.count && name.elementsEqual($0) }
    }

    private static let leftOut = ["time", "expires_at", "grant_expires_at", "commitment"].map { Array($0.utf8) }
}

extension EntryQuery {
    /// Whether an entry meets every condition but those on approval and time, which the ledger keeps beside it.
    package func matches(_ entry: JSONValue, agent: AgentID?, connection: ConnectionName?) -> Bool {
        guard EntryFacets(entry, agent: agent, connection: connection).match(self) else { return false }
        guard let text else { return true }
        return EntryWords.occur(EntryWords.words(of: text), in: entry)
    }
}
