#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A value in plain words, without a reference to count: what most comparisons need to know of it.
///
/// Valid only while the value lives that it was made from, as longer texts are pointed at. An evaluator makes these of the
/// request, its entities and the program's constants, which outlive it.
@safe
enum PlainValue {
    case bool(Bool)
    case long(Int64)
    /// Up to 15 bytes of UTF-8, and their number in the last.
    case shortText(UInt64, UInt64)
    /// More than 15 bytes of UTF-8.
    case text(UnsafeBufferPointer<UInt8>)
    /// Entities of different hashes are different; those of one hash must be compared themselves.
    case entity(fingerprint: Int)
    case decimal(Decimal)
    case ip(IPAddress)
    case datetime(Datetime)
    case duration(TimeSpan)
    /// A set or a record.
    case other

    init(_ value: Value) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .long(let value): self = .long(value)
        case .string(let value): self = Self.text(of: value)
        case .entity(let value): self = .entity(fingerprint: value.fingerprint)
        case .set, .record: self = .other
        case .decimal(let value): self = .decimal(value)
        case .ip(let value): self = .ip(value)
        case .datetime(let value): self = .datetime(value)
        case .duration(let value): self = .duration(value)
        }
    }

    private static func text(of string: CedarString) -> PlainValue {
        unsafe string.withBytes { bytes in
            // Swift keeps the bytes of longer strings on the heap or among the constants, where they stay.
            guard bytes.count <= 15 else { return unsafe .text(bytes) }
            var words: (UInt64, UInt64) = (0, 0)
            unsafe withUnsafeMutableBytes(of: &words) { words in
                unsafe words.copyBytes(from: bytes)
                unsafe words[15] = UInt8(bytes.count)
            }
            return .shortText(words.0, words.1)
        }
    }

    /// Whether two are equal, or nil where the values themselves must be compared.
    @inline(__always)
    func isEqual(to other: PlainValue) -> Bool? {
        switch (self, other) {
        case (.other, _), (_, .other): return nil
        case (.bool(let left), .bool(let right)): return left == right
        case (.long(let left), .long(let right)): return left == right
        case (.shortText(let left, let end), .shortText(let right, let otherEnd)):
            return left == right && end == otherEnd
        case (.text(let left), .text(let right)):
            guard left.count == right.count, let a = left.baseAddress, let b = right.baseAddress else { return false }
            return unsafe memcmp(a, b, left.count) == 0
        case (.entity(let left), .entity(let right)): return left == right ? nil : false
        case (.decimal(let left), .decimal(let right)): return left == right
        case (.ip(let left), .ip(let right)): return left == right
        case (.datetime(let left), .datetime(let right)): return left == right
        case (.duration(let left), .duration(let right)): return left == right
        case (.bool, _), (.long, _), (.shortText, _), (.text, _), (.entity, _), (.decimal, _), (.ip, _), (.datetime, _),
            (.duration, _):
            return false
        }
    }

    /// Lends the bytes of a text; nil if it is none.
    @inline(__always)
    func withText<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result? {
        switch self {
        case .shortText(let first, let second):
            return unsafe withUnsafeBytes(of: (first, second)) { words in
                let count = unsafe Int(words[15])
                return unsafe words.withMemoryRebound(to: UInt8.self) { unsafe body(.init(rebasing: $0[..<count])) }
            }
        case .text(let bytes): return unsafe body(bytes)
        case .bool, .long, .entity, .decimal, .ip, .datetime, .duration, .other: return nil
        }
    }
}

// What it points at is never written to, and belongs to the request, the entities or the program, which outlive it.
extension PlainValue: @unchecked Sendable {}
