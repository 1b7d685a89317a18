/// A signed length of time in milliseconds, Cedar's `duration`.
package struct TimeSpan: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The milliseconds.
    package let milliseconds: Int64

    /// Wraps a number of milliseconds.
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Reads `-1d2h3m4s5ms`: any of the parts, at least one, in this order.
    package init(parsing text: CedarString) throws(ExtensionError) {
        let malformed = ExtensionError("`\(text)` is not a duration such as `1d2h3m4s5ms`")
        let tooLong = ExtensionError("`\(text)` is too long for a duration")
        var bytes = Array(text.string.utf8)[...]
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative { bytes = bytes.dropFirst() }
        guard !bytes.isEmpty else { throw malformed }
        var next = 0
        var total: Int64 = 0
        var fits = true
        while !bytes.isEmpty {
            let digits = bytes.prefix(while: Lexer.isDigit)
            bytes = bytes.dropFirst(digits.count)
            let letters = bytes.prefix { !Lexer.isDigit($0) }
            bytes = bytes.dropFirst(letters.count)
            guard !digits.isEmpty,
                let unit = Self.units.firstIndex(where: { $0.name.utf8.elementsEqual(letters) }), unit >= next
            else { throw malformed }
            next = unit + 1
            var amount: Int64 = 0
            for digit in digits {
                let (product, overflow) = amount.multipliedReportingOverflow(by: 10)
                let value = Int64(digit - 0x30)
                let (sum, carry) = product.addingReportingOverflow(isNegative ? -value : value)
                fits = fits && !overflow && !carry
                amount = sum
            }
            let (span, overflow) = amount.multipliedReportingOverflow(by: Self.units[unit].milliseconds)
            let (sum, carry) = total.addingReportingOverflow(span)
            fits = fits && !overflow && !carry
            total = sum
        }
        guard fits else { throw tooLong }
        self.milliseconds = total
    }

    /// The length in milliseconds, `1500ms`.
    package var description: String { "\(self.milliseconds)ms" }

    /// Orders by length, negative lengths first.
    package static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.milliseconds < right.milliseconds }

    static let millisecondsInDay: Int64 = 86_400_000

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", millisecondsInDay), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]
}
