/// Numbers as ECMAScript's `Number::toString` writes them (RFC 8785, section 3.2.2.3).
enum CanonicalNumber {
    /// The largest integer up to which a double holds every one: 2⁵³ − 1.
    static let maxSafeInteger: Int64 = 9_007_199_254_740_991

    /// The integer that a double is, if it is one of 64 bits.
    ///
    /// Like `Int64(exactly:)`, which however needs the C library's rounding functions to be linked.
    static func exactInteger(_ value: Double) -> Int64? {
        guard value >= -0x1p63, value < 0x1p63 else { return nil }
        let integer = Int64(value)
        return Double(integer) == value ? integer : nil
    }

    /// Appends an integer: its digits, or beyond 2⁵³ − 1 the form of the double nearest to it.
    static func append(_ value: Int64, to output: inout [UInt8]) {
        guard value.magnitude <= maxSafeInteger.magnitude else { return append(Double(value), to: &output) }
        if value < 0 { output.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        guard rest >= 10 else { return output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)) }
        let start = output.count
        while rest > 0 {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        output[start...].reverse()
    }

    /// Appends a double; what is not finite becomes `null`, as in ECMAScript's `JSON.stringify`.
    static func append(_ value: Double, to output: inout [UInt8]) {
        guard value.isFinite else { return output.append(contentsOf: "null".utf8) }
        if let integer = exactInteger(value), integer.magnitude <= maxSafeInteger.magnitude {
            return append(integer, to: &output)
        }
        if value < 0 { output.append(UInt8(ascii: "-")) }
        appendShortest(value.magnitude, to: &output)
    }

    /// Appends a positive double: the digits that Swift also finds, the shortest that read back, laid out anew.
    private static func appendShortest(_ value: Double, to output: inout [UInt8]) {
        var digits: [UInt8] = []
        digits.reserveCapacity(24)
        // The value is 0.d₁d₂d₃… × 10^point.
        var point = 0
        var isFraction = false
        unsafe UTF8Order.withBytes(of: value.description) { text in
            for index in text.indices {
                let byte = unsafe text[index]
                switch byte {
                case UInt8(ascii: "."):
                    isFraction = true
                case UInt8(ascii: "e"):
                    point += unsafe exponent(of: text[(index + 1)...])
                    return
                case UInt8(ascii: "0") where digits.isEmpty:
                    if isFraction { point -= 1 }
                default:
                    if !isFraction { point += 1 }
                    digits.append(byte)
                }
            }
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        appendLayout(of: digits, point: point, to: &output)
    }

    /// The exponent that Swift wrote: a sign and digits.
    private static func exponent(of text: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        var exponent = 0
        var isNegative = false
        for index in unsafe text.indices {
            switch unsafe text[index] {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "+"): break
            case let digit: exponent = exponent * 10 + Int(digit - UInt8(ascii: "0"))
            }
        }
        return isNegative ? -exponent : exponent
    }

    /// Appends digits with the decimal point where ECMAScript puts it: plain from 1e-6 to 1e21, else with an exponent.
    private static func appendLayout(of digits: [UInt8], point: Int, to output: inout [UInt8]) {
        let zero = UInt8(ascii: "0")
        let dot = UInt8(ascii: ".")
        switch point {
        case 1...21 where digits.count <= point:
            output.append(contentsOf: digits)
            output.append(contentsOf: repeatElement(zero, count: point - digits.count))
        case 1...21:
            output.append(contentsOf: digits[..<point])
            output.append(dot)
            output.append(contentsOf: digits[point...])
        case -5...0:
            output.append(zero)
            output.append(dot)
            output.append(contentsOf: repeatElement(zero, count: -point))
            output.append(contentsOf: digits)
        default:
            output.append(contentsOf: digits.prefix(1))
            if digits.count > 1 {
                output.append(dot)
                output.append(contentsOf: digits.dropFirst())
            }
            output.append(UInt8(ascii: "e"))
            output.append(UInt8(ascii: point > 0 ? "+" : "-"))
            append(Int64((point - 1).magnitude), to: &output)
        }
    }
}
