/// The numbers of the constraints that hold for one part of a request, in memory that is lent.
@safe
struct ActiveKeys {
    private let memory: UnsafeMutableBufferPointer<Int32>
    private(set) var count = 0

    /// Nothing yet; the memory must outlive this.
    @unsafe
    init(_ memory: UnsafeMutableBufferPointer<Int32>) {
        unsafe self.memory = memory
    }

    subscript(_ index: Int) -> Int32 {
        precondition(index >= 0 && index < self.count)
        return unsafe self.memory[index]
    }

    /// Whether a number is among them, once they are in order.
    func contains(_ key: Int32) -> Bool {
        var low = 0
        var high = self.count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low < self.count && self[low] == key
    }

    mutating func append(_ key: Int32) {
        unsafe precondition(self.count < self.memory.count)
        unsafe self.memory.initializeElement(at: self.count, to: key)
        self.count += 1
    }

    /// Brings them into order, each once.
    mutating func sort() {
        // Nearly always a handful.
        if self.count > 32 {
            var keys = unsafe UnsafeMutableBufferPointer(rebasing: self.memory[..<self.count])
            unsafe keys.sort()
        } else {
            for index in 1..<max(1, self.count) {
                var place = index
                while place > 0, self[place] < self[place - 1] {
                    unsafe self.memory.swapAt(place, place - 1)
                    place -= 1
                }
            }
        }
        var distinct = min(1, self.count)
        for index in distinct..<max(distinct, self.count) where self[index] != self[distinct - 1] {
            unsafe self.memory[distinct] = unsafe self.memory[index]
            distinct += 1
        }
        self.count = distinct
    }
}
