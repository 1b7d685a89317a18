/// A number with four decimals, as Cedar's `decimal` extension type has it.
package struct Decimal: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number times 10,000.
    package let tenThousandths: Int64

    /// Wraps a number of ten-thousandths.
    package init(tenThousandths: Int64) { self.tenThousandths = tenThousandths }

    /// Reads `-12.3456`: digits, a point, one to four digits.
    package init(parsing text: CedarString) throws(ExtensionError) {
        var digits = text.string.utf8[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        let whole = digits.prefix(while: Lexer.isDigit)
        let fraction = digits.dropFirst(whole.count + 1)
        guard !whole.isEmpty, digits.dropFirst(whole.count).first == UInt8(ascii: "."), !fraction.isEmpty,
            fraction.allSatisfy(Lexer.isDigit)
        else { throw ExtensionError("`\(text)` is not a decimal such as `12.34`") }
        guard fraction.count <= 4 else { throw ExtensionError("`\(text)` has more than four decimals") }
        var total: Int64 = 0
        // Accumulates towards the sign, so that the smallest number can be read.
        for digit in Array(whole) + Array(fraction) + Array(repeating: 0x30, count: 4 - fraction.count) {
            let (product, overflow) = total.multipliedReportingOverflow(by: 10)
            let value = Int64(digit - 0x30)
            let (sum, carry) = product.addingReportingOverflow(isNegative ? -value : value)
            guard !overflow, !carry else { throw ExtensionError("`\(text)` is too large for a decimal") }
            total = sum
        }
        self.tenThousandths = total
    }

    /// The number with all four decimals.
    package var description: String {
        let magnitude = self.tenThousandths.magnitude
        let fraction = String(magnitude % 10_000)
        let padding = String(repeating: "0", count: 4 - fraction.utf8.count)
        return "\(self.tenThousandths < 0 ? "-" : "")\(magnitude / 10_000).\(padding)\(fraction)"
    }

    /// Orders by number.
    package static func < (left: Decimal, right: Decimal) -> Bool { left.tenThousandths < right.tenThousandths }
}

/// Why a text is no value of an extension type, or an operation has no result.
package struct ExtensionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, in words.
    package let description: String

    init(_ description: String) { self.description = description }
}
