/// Named values, each name once.
package struct Record: Hashable, Sendable {
    /// One named value.
    package struct Member: Hashable, Sendable {
        /// The name.
        package let name: CedarString
        /// The value.
        package let value: Value

        /// Joins a name and a value.
        package init(name: CedarString, value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// From this size on, lookup is a binary search.
    private static let searchedFrom = 16

    /// The record without members.
    package static let empty = Record(members: [])

    /// The members, sorted by the bytes of their names.
    package let members: [Member]

    /// Collects pairs; of two with the same name, the later stays.
    package init(_ pairs: [(String, Value)]) {
        self.init(members: pairs.map { Member(name: CedarString($0.0), value: $0.1) })
    }

    /// Collects members; of two with the same name, the later stays.
    package init(members: [Member]) {
        var sorted = members
        var isSorted = true
        var index = 1
        while isSorted, index < sorted.count {
            isSorted = sorted[index - 1].name < sorted[index].name
            index += 1
        }
        if !isSorted {
            Self.sort(&sorted)
            var distinct: [Member] = []
            distinct.reserveCapacity(sorted.count)
            for member in sorted {
                if distinct.last?.name == member.name { distinct.removeLast() }
                distinct.append(member)
            }
            sorted = distinct
        }
        self.members = sorted
    }

    /// Sorts by name; among equal names, the last stays the last given.
    private static func sort(_ members: inout [Member]) {
        // Contexts are small and nearly sorted: moving the few that are out of place is quicker than a general sort.
        guard members.count <= searchedFrom else { return members.sort { $0.name < $1.name } }
        for index in members.indices.dropFirst() {
            var place = index
            while place > 0, members[place].name < members[place - 1].name {
                members.swapAt(place, place - 1)
                place -= 1
            }
        }
    }

    /// Whether there is no member.
    package var isEmpty: Bool { self.members.isEmpty }

    /// The value under a name.
    package subscript(_ name: CedarString) -> Value? { self.place(of: name).map { self.members[$0].value } }

    /// The place in `members` of a name.
    func place(of name: CedarString) -> Int? {
        guard self.members.count >= Self.searchedFrom else {
            for index in self.members.indices where self.members[index].name == name { return index }
            return nil
        }
        var low = 0
        var high = self.members.count
        while low < high {
            let middle = (low + high) / 2
            if self.members[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < self.members.count && self.members[low].name == name ? low : nil
    }

    /// The value under a name.
    package subscript(_ name: String) -> Value? { self[CedarString(name)] }

    /// Whether there is a member of that name.
    package func contains(_ name: CedarString) -> Bool { self.place(of: name) != nil }
}
