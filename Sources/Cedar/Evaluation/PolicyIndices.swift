/// The indices of policies in their set; a few are held without memory of their own.
package struct PolicyIndices: RandomAccessCollection, ExpressibleByArrayLiteral, Sendable {
    private static let most = 8

    /// Up to eight, in their order.
    private var few = SIMD8<Int32>()
    /// All of them, once they are more than that.
    private var many: [Int32] = []
    /// How many there are.
    package private(set) var count = 0

    /// No index.
    package init() {}

    /// The given ones.
    package init(arrayLiteral elements: Int...) { elements.forEach { self.append($0) } }

    /// The first place.
    package var startIndex: Int { 0 }
    /// The place behind the last.
    package var endIndex: Int { self.count }

    /// The index at a place.
    package subscript(_ place: Int) -> Int {
        precondition(place >= 0 && place < self.count)
        return Int(self.count > Self.most ? self.many[place] : self.few[place])
    }

    mutating func append(_ index: Int) {
        if self.count < Self.most {
            self.few[self.count] = Int32(index)
        } else {
            if self.count == Self.most { self.many = self.map { Int32($0) } }
            self.many.append(Int32(index))
        }
        self.count += 1
    }

    /// Brings them into ascending order.
    mutating func sort() {
        guard self.count <= Self.most else { return self.many.sort() }
        for place in 1..<Swift.max(1, self.count) {
            var place = place
            while place > 0, self.few[place] < self.few[place - 1] {
                (self.few[place], self.few[place - 1]) = (self.few[place - 1], self.few[place])
                place -= 1
            }
        }
    }
}

extension PolicyIndices: Hashable {
    /// The same indices in the same order.
    package static func == (left: PolicyIndices, right: PolicyIndices) -> Bool { left.elementsEqual(right) }

    /// Hashes them in their order.
    package func hash(into hasher: inout Hasher) {
        for index in self { hasher.combine(index) }
    }
}
