#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Distinct runs of bytes, numbered in the order in which they came and kept one behind the other in one buffer.
///
/// Found by a keyed hash, so that nobody who chooses the runs can make them collide, and then by their bytes.
struct ByteTable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var hashes: [Int] = []
    /// A number plus one at the place that its hash names, or the next free one; never more than half full.
    private var slots = [Int32](repeating: 0, count: 256)

    /// How many runs there are.
    var count: Int { ends.count }

    /// Lends a run.
    func withRun<Value>(_ number: Int, _ body: (Span<UInt8>) -> Value) -> Value {
        body(bytes.span.extracting(range(number)))
    }

    /// The number of a run, if it is there.
    func find(_ run: Span<UInt8>) -> Int? { find(run, hash: Self.hash(run)) }

    /// The number of a run, which is put in if it is new.
    mutating func number(of run: Span<UInt8>) -> (number: Int, isNew: Bool) {
        let hash = Self.hash(run)
        if let number = find(run, hash: hash) { return (number, false) }
        let number = count
        unsafe run.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        ends.append(bytes.count)
        hashes.append(hash)
        if 2 * count > slots.count {
            slots = [Int32](repeating: 0, count: 2 * slots.count)
            for number in hashes.indices { place(number) }
        } else {
            place(number)
        }
        return (number, true)
    }

    /// All numbers, in the order of their runs.
    func inOrder() -> [Int] {
        // The first eight bytes nearly always decide.
        var keyed = ends.indices.map { (key: key(of: $0), number: $0) }
        keyed.sort { left, right in
            left.key == right.key
                ? ByteOrder.precedes(
                    bytes.span.extracting(range(left.number)),
                    bytes.span.extracting(range(right.number))
                )
                : left.key < right.key
        }
        return keyed.map(\.number)
    }

    private func range(_ number: Int) -> Range<Int> { (number == 0 ? 0 : ends[number - 1])..<ends[number] }

    /// The first eight bytes as a number; a shorter run goes on with zeros.
    private func key(of number: Int) -> UInt64 {
        var key: UInt64 = 0
        let range = range(number)
        for index in range.prefix(8) { key = key << 8 | UInt64(bytes[index]) }
        return key << UInt64(8 * (8 - min(range.count, 8)))
    }

    private func find(_ run: Span<UInt8>, hash: Int) -> Int? {
        var slot = hash & (slots.count - 1)
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if hashes[number] == hash, ByteOrder.equal(bytes.span.extracting(range(number)), run) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func place(_ number: Int) {
        var slot = hashes[number] & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(number + 1)
    }

    private static func hash(_ run: Span<UInt8>) -> Int {
        var hasher = Hasher()
        unsafe run.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}

/// Runs of bytes compared byte by byte.
enum ByteOrder {
    /// Whether both are the same.
    static func equal(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        left.count == right.count && compare(left, right) == 0
    }

    /// Whether the left one comes first.
    static func precedes(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        let order = compare(left, right)
        return order == 0 ? left.count < right.count : order < 0
    }

    /// Compares as many bytes as both have.
    private static func compare(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int32 {
        let count = min(left.count, right.count)
        guard count > 0 else { return 0 }
        return unsafe left.withUnsafeBytes { left in
            unsafe right.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
                return unsafe memcmp(left, right, count)
            }
        }
    }
}
