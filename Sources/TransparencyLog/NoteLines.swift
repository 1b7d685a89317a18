/// Reads the lines of a text that must end with a newline.
struct NoteLines {
    private var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) {
        self.rest = text
    }

    /// Whether everything was read; false when the last line lacks its newline.
    var isAtEnd: Bool { self.rest.isEmpty }

    /// What is left.
    var remainder: ArraySlice<UInt8> { self.rest }

    /// The next line without its newline; nil when there is no further complete line.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let end = self.rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { self.rest = self.rest[(end + 1)...] }
        return self.rest[..<end]
    }

    /// The one decimal spelling of a number: digits only, no leading zero.
    static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard let first = digits.first, first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (shifted, tooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, tooLargeByOne) = shifted.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !tooLarge, !tooLargeByOne else { return nil }
            number = sum
        }
        return number
    }
}

extension ArraySlice<UInt8> {
    /// What follows the prefix; nil when the line does not begin with it.
    func dropping(_ prefix: String) -> ArraySlice<UInt8>? {
        self.starts(with: prefix.utf8) ? self.dropFirst(prefix.utf8.count) : nil
    }
}
