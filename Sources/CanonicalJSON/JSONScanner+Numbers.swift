extension JSONScanner {
    /// Reads a number literal and keeps it as the policy demands.
    mutating func number(_ bytes: Span<UInt8>) throws(JSONFault) -> JSONValue {
        let literal = try numberLiteral(bytes)
        guard literal.length <= NumberLiteral.maxLength else { throw literal.outOfRange }
        // No integer of 64 bits is `-0`; readers that keep such integers, Rust's serde among them, read a double.
        let isNegativeZero = literal.isNegative && literal.isInteger && literal.mantissa == 0
        if literal.isInteger, let value = literal.int64, !isNegativeZero || limits.numbers == .iJSON {
            let isSafe = value.magnitude <= CanonicalNumber.maxSafeInteger.magnitude
            guard isSafe || limits.numbers == .int64 else { throw literal.outOfRange }
            return .integer(value)
        }
        let value = literal.double ?? Self.nearestDouble(bytes.extracting(literal.start..<position))
        guard let value, value.isFinite else { throw literal.outOfRange }
        switch limits.numbers {
        case .iJSON:
            let isExact = literal.significantDigits <= 17 && (value != 0 || literal.significantDigits == 0)
            // Between these bounds ECMAScript writes an integer without exponent, which I-JSON then refuses.
            let isWrittenAsUnsafeInteger = value.magnitude >= 0x1p53 && value.magnitude < 1e21
            guard !literal.isInteger, isExact, !isWrittenAsUnsafeInteger else { throw literal.outOfRange }
        case .int64:
            break
        }
        return .number(value)
    }

    /// Reads what RFC 8259, section 6, allows, and no more.
    private mutating func numberLiteral(_ bytes: Span<UInt8>) throws(JSONFault) -> NumberLiteral {
        var literal = NumberLiteral(start: position)
        if bytes[position] == UInt8(ascii: "-") {
            literal.isNegative = true
            position += 1
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
            position += 1
            if let digit = digit(bytes), digit <= 9 { throw JSONFault(.invalidNumber, at: literal.start) }
        } else {
            guard let first = digit(bytes) else { throw invalidNumber(literal, bytes) }
            literal.take(first)
            position += 1
            while let digit = digit(bytes) {
                literal.take(digit)
                position += 1
            }
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            literal.isInteger = false
            guard digit(bytes) != nil else { throw invalidNumber(literal, bytes) }
            while let digit = digit(bytes) {
                literal.take(digit)
                literal.exponent -= 1
                position += 1
            }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            literal.isInteger = false
            literal.exponent += try exponent(of: literal, bytes)
        }
        literal.length = position - literal.start
        return literal
    }

    private mutating func exponent(of literal: NumberLiteral, _ bytes: Span<UInt8>) throws(JSONFault) -> Int {
        var isNegative = false
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
            isNegative = bytes[position] == UInt8(ascii: "-")
            position += 1
        }
        guard digit(bytes) != nil else { throw invalidNumber(literal, bytes) }
        var exponent = 0
        while let digit = digit(bytes) {
            // Far beyond any double, and far from overflow.
            exponent = min(exponent * 10 + Int(digit), 100_000)
            position += 1
        }
        return isNegative ? -exponent : exponent
    }

    private func invalidNumber(_ literal: NumberLiteral, _ bytes: Span<UInt8>) -> JSONFault {
        position < bytes.count ? JSONFault(.invalidNumber, at: literal.start) : JSONFault(.unexpectedEnd, at: position)
    }

    /// The digit at the current place, if there is one.
    @inline(__always)
    private func digit(_ bytes: Span<UInt8>) -> UInt8? {
        guard position < bytes.count else { return nil }
        let digit = bytes[position] &- UInt8(ascii: "0")
        return digit <= 9 ? digit : nil
    }

    private static func nearestDouble(_ bytes: Span<UInt8>) -> Double? {
        unsafe bytes.withUnsafeBufferPointer { buffer in Double(unsafe String(decoding: buffer, as: UTF8.self)) }
    }
}

/// What a number's digits say, before it is decided how to keep it.
private struct NumberLiteral {
    /// More characters than any double needs; what is longer is refused rather than converted.
    static let maxLength = 2048

    /// Powers of ten that a double holds exactly.
    private static let exactPowers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    let start: Int
    var length = 0
    var isNegative = false
    var isInteger = true
    /// The digits as one integer; nil once they are too many.
    var mantissa: UInt64? = 0
    /// The power of ten that the mantissa is to be multiplied with.
    var exponent = 0
    /// How many digits stand from the first that is not zero to the last that is not.
    private(set) var significantDigits = 0
    /// How many stand from the first that is not zero.
    private var digits = 0

    init(start: Int) { self.start = start }

    var outOfRange: JSONFault { JSONFault(.numberOutOfRange, at: start) }

    mutating func take(_ digit: UInt8) {
        if digit != 0 || digits > 0 { digits += 1 }
        if digit != 0 { significantDigits = digits }
        // 19 digits always fit 64 bits.
        mantissa = digits <= 19 ? mantissa.map { $0 &* 10 &+ UInt64(digit) } : nil
    }

    /// The integer, if the literal is one that fits.
    var int64: Int64? {
        guard let mantissa else { return nil }
        guard isNegative else { return Int64(exactly: mantissa) }
        return mantissa == Int64.min.magnitude ? Int64.min : Int64(exactly: mantissa).map { -$0 }
    }

    /// The nearest double, if one multiplication or division of exact doubles gives it (Clinger's fast path).
    var double: Double? {
        guard let mantissa, mantissa <= 1 << 53 else { return nil }
        let isExact = -22...22 ~= exponent
        guard isExact || mantissa == 0 else { return nil }
        let power = isExact ? Self.exactPowers[abs(exponent)] : 1
        let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
        return isNegative ? -value : value
    }
}
