import CanonicalJSON

/// A generator that gives the same values for the same seed, everywhere.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

extension SplitMix64 {
    /// Short strings from all over Unicode, with a liking for escapes and for the neighbourhood of surrogates.
    mutating func string() -> String {
        let ranges: [ClosedRange<UInt32>] = [
            0...0x1F, 0x20...0x7F, 0x20...0x7F, 0x61...0x63, 0x22...0x22, 0x5C...0x5C, 0x80...0x7FF, 0x300...0x30F,
            0xD700...0xD7FF, 0xE000...0xE0FF, 0xFF00...0xFFFD, 0x10000...0x10FFF, 0x10FF00...0x10FFFD,
        ]
        var result = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...20, using: &self) {
            let range = ranges[Int.random(in: 0..<ranges.count, using: &self)]
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &self)) { result.append(scalar) }
        }
        return String(result)
    }

    /// A value that the default limits accept.
    mutating func value(depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &self))
        case 2: return .integer(Int64.random(in: -9_007_199_254_740_991...9_007_199_254_740_991, using: &self))
        case 3: return .integer(Int64.random(in: -20...20, using: &self))
        case 4:
            let value = Double(bitPattern: next())
            let isSafe = value.isFinite && !(0x1p53..<1e21).contains(value.magnitude)
            return .number(isSafe ? value : Double.random(in: -1000...1000, using: &self))
        case 5: return .string(string())
        case 6: return .array((0..<Int.random(in: 0...6, using: &self)).map { _ in value(depth: depth - 1) })
        default:
            let count = Int.random(in: 0...9, using: &self) * (depth == 3 ? 6 : 1)
            return .object(JSONObject((0..<count).map { _ in (string(), value(depth: depth - 1)) }))
        }
    }
}
