/// Why a text was refused, and where.
///
/// Nothing of the text is repeated, so an error may be shown and logged wherever its text may not.
package struct JSONError: Error, Hashable, Sendable {
    /// What was wrong; the raw values are stable.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// The text ends before its value does.
        case unexpectedEnd = "unexpected-end"
        /// A byte that cannot stand here.
        case unexpectedCharacter = "unexpected-character"
        /// Something follows the value.
        case trailingData = "trailing-data"
        /// The text begins with U+FEFF (RFC 8259, section 8.1, lets a parser ignore it or refuse it).
        case byteOrderMark = "byte-order-mark"
        /// A string holds bytes that are not UTF-8: overlong, truncated, a surrogate or above U+10FFFF.
        case invalidUTF8 = "invalid-utf8"
        /// A `\u` escape of one half of a surrogate pair.
        case loneSurrogate = "lone-surrogate"
        /// A code point that Unicode keeps for internal use, such as U+FFFF (RFC 7493, section 2.1).
        case noncharacter = "noncharacter"
        /// A character below U+0020 stands unescaped in a string.
        case controlCharacter = "control-character"
        /// A backslash with something that JSON does not define after it.
        case invalidEscape = "invalid-escape"
        /// A number that JSON's grammar does not allow: `01`, `+1`, `.5`, `1.`.
        case invalidNumber = "invalid-number"
        /// A number that a double, or the number policy, does not hold.
        case numberOutOfRange = "number-out-of-range"
        /// A key that its object already has.
        case duplicateKey = "duplicate-key"
        /// More containers within each other than allowed.
        case tooDeep = "too-deep"
        /// More bytes than allowed.
        case tooLarge = "too-large"
    }

    /// What was wrong.
    package let code: Code
    /// The same in words.
    package let message: String
    /// The line, from 1.
    package let line: Int
    /// The column, from 1, counted in code points.
    package let column: Int
    /// The place in bytes, from 0.
    package let offset: Int
}

extension JSONError: CustomStringConvertible {
    /// One line for people, without anything from the text.
    package var description: String { "\(message) (\(code.rawValue), line \(line), column \(column))" }
}

extension JSONError {
    /// The error of that code at that place, its line and column counted from the text.
    init(_ fault: JSONFault, in bytes: Span<UInt8>) {
        var line = 1
        var column = 1
        for index in 0..<min(fault.offset, bytes.count) {
            if bytes[index] == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if bytes[index] & 0xC0 != 0x80 {
                column += 1
            }
        }
        code = fault.code
        message = fault.code.message
        self.line = line
        self.column = column
        offset = fault.offset
    }
}

extension JSONError.Code {
    /// What is said to people.
    var message: String {
        switch self {
        case .unexpectedEnd: "the text ends before its value is complete"
        case .unexpectedCharacter: "a character stands where JSON does not allow it"
        case .trailingData: "there is more text after the value"
        case .byteOrderMark: "the text begins with a byte order mark"
        case .invalidUTF8: "a string is not valid UTF-8"
        case .loneSurrogate: "a \\u escape is half of a surrogate pair"
        case .noncharacter: "a string holds a Unicode noncharacter"
        case .controlCharacter: "a control character in a string is not escaped"
        case .invalidEscape: "an escape sequence is not one of JSON's"
        case .invalidNumber: "a number is not written as JSON demands"
        case .numberOutOfRange: "a number has more magnitude or precision than can be kept; send it as a string"
        case .duplicateKey: "an object has the same key twice"
        case .tooDeep: "arrays and objects are nested too deeply"
        case .tooLarge: "the text is too long"
        }
    }
}

/// What the scanner throws: small, because every one of its functions may; it becomes a `JSONError` at the rim.
struct JSONFault: Error {
    let code: JSONError.Code
    let offset: Int

    init(_ code: JSONError.Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }
}
