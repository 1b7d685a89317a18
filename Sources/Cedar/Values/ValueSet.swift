/// An unordered set of values without duplicates.
package struct ValueSet: Hashable, Sendable {
    /// From this size on, membership is answered by a hash table; and whatever the size, where elements have elements of
    /// their own: comparing those in pairs, on every level, would cost the square of what an agent sends.
    private static let hashedFrom = 12

    /// The distinct elements, in the order in which they were first met.
    package let elements: [Value]
    private let table: Set<Value>?

    /// Collects values and drops duplicates.
    package init(_ values: [Value]) {
        if values.count >= Self.hashedFrom || values.contains(where: \.isCompound) {
            var seen = Set<Value>(minimumCapacity: values.count)
            self.elements = values.filter { seen.insert($0).inserted }
            self.table = seen
            return
        }
        var distinct: [Value] = []
        distinct.reserveCapacity(values.count)
        for value in values where !distinct.contains(value) { distinct.append(value) }
        self.elements = distinct
        self.table = nil
    }

    /// Whether there is no element.
    package var isEmpty: Bool { self.elements.isEmpty }

    /// The number of distinct elements.
    package var count: Int { self.elements.count }

    /// Whether a value is an element.
    package func contains(_ value: Value) -> Bool {
        if let table { return table.contains(value) }
        return self.elements.contains(value)
    }

    /// Whether every element of another set is an element of this one.
    package func isSuperset(of other: ValueSet) -> Bool {
        other.elements.allSatisfy(self.contains)
    }

    /// Whether the two sets share an element.
    package func intersects(_ other: ValueSet) -> Bool {
        if other.count > self.count { return self.elements.contains(where: other.contains) }
        return other.elements.contains(where: self.contains)
    }

    /// Whether both hold the same elements, in whatever order.
    package static func == (left: ValueSet, right: ValueSet) -> Bool {
        left.count == right.count && left.isSuperset(of: right)
    }

    /// Hashes the elements so that their order does not matter.
    package func hash(into hasher: inout Hasher) {
        var combined = 0
        for element in self.elements { combined ^= element.hashValue }
        hasher.combine(self.elements.count)
        hasher.combine(combined)
    }
}
