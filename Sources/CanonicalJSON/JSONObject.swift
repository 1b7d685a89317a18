/// A JSON object: members in canonical order, each key once.
///
/// The order is that of RFC 8785, section 3.2.3: keys compared as UTF-16 code units. Keys are the same only if their
/// bytes are: precomposed and decomposed é are two keys.
package struct JSONObject: Hashable, Sendable {
    /// One name and its value.
    package struct Member: Hashable, Sendable {
        /// The name, unescaped.
        package let key: String
        /// What it names.
        package var value: JSONValue

        /// A member of that name and value.
        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }

        /// Whether key bytes and values are equal.
        package static func == (left: Member, right: Member) -> Bool {
            UTF8Order.equal(left.key, right.key) && left.value == right.value
        }

        /// Feeds the key's bytes and the value.
        package func hash(into hasher: inout Hasher) {
            UTF8Order.hash(key, into: &hasher)
            hasher.combine(value)
        }
    }

    /// The members, strictly ascending by key.
    package private(set) var members: [Member]

    /// An object without members.
    package init() { members = [] }

    /// An object of these members in any order; of several with one key the last stays.
    package init(_ members: [(String, JSONValue)]) {
        self.members = []
        self.members.reserveCapacity(members.count)
        if Self.isAscending(members) {
            for (key, value) in members { self.members.append(Member(key: key, value: value)) }
            return
        }
        // A stable sort keeps the given order among equal keys, so the last of a run is the one to keep.
        for (key, value) in members.sorted(by: { UTF8Order.precedes($0.0, $1.0) }) {
            if let last = self.members.last, UTF8Order.equal(last.key, key) { self.members.removeLast() }
            self.members.append(Member(key: key, value: value))
        }
    }

    /// Whether there is nothing to sort; so it is where members are written down in order.
    private static func isAscending(_ members: [(String, JSONValue)]) -> Bool {
        for index in members.indices.dropFirst() {
            guard UTF8Order.precedes(members[index - 1].0, members[index].0) else { return false }
        }
        return true
    }

    /// An object of members that are known to be ascending and distinct.
    init(ascending members: [Member]) { self.members = members }

    /// The value of that name; setting nil removes the member.
    package subscript(_ key: String) -> JSONValue? {
        get {
            let index = insertionIndex(of: key)
            guard index < members.count, UTF8Order.equal(members[index].key, key) else { return nil }
            return members[index].value
        }
        set {
            let index = insertionIndex(of: key)
            let isPresent = index < members.count && UTF8Order.equal(members[index].key, key)
            switch (newValue, isPresent) {
            case (let value?, true): members[index].value = value
            case (let value?, false): members.insert(Member(key: key, value: value), at: index)
            case (nil, true): members.remove(at: index)
            case (nil, false): break
            }
        }
    }

    private func insertionIndex(of key: String) -> Int {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if UTF8Order.precedes(members[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension JSONObject: RandomAccessCollection {
    /// Always zero.
    package var startIndex: Int { 0 }
    /// How many members there are.
    package var endIndex: Int { members.count }
    /// The member at a place in canonical order.
    package subscript(_ position: Int) -> Member { members[position] }
}
