/// Strings compared by their code units, never by Unicode's canonical equivalence.
package enum UTF8Order {
    /// Lends a string's UTF-8 bytes; native strings are not copied.
    @inline(__always)
    static func withBytes<Result>(of string: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = unsafe string.utf8.withContiguousStorageIfAvailable(body) { return result }
        var copy = string
        return copy.withUTF8(body)
    }

    /// Whether both have the same bytes.
    package static func equal(_ left: String, _ right: String) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return unsafe withBytes(of: left) { left in
            unsafe withBytes(of: right) { right in
                for index in left.indices where unsafe left[index] != right[index] { return false }
                return true
            }
        }
    }

    /// Feeds the bytes, and a byte that UTF-8 never has, so that what follows cannot be taken for more of them.
    static func hash(_ string: String, into hasher: inout Hasher) {
        unsafe withBytes(of: string) { bytes in unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
        hasher.combine(UInt8(0xFF))
    }

    /// Whether the left string comes first when both are compared as UTF-16 code units (RFC 8785, section 3.2.3).
    package static func precedes(_ left: String, _ right: String) -> Bool { compare(left, right) < 0 }

    /// Negative, zero or positive as the left string comes before, is, or comes after the right one.
    ///
    /// UTF-8 sorts as code points do. UTF-16 differs in one thing: surrogates (D800…DFFF), hence all code points above
    /// U+FFFF, whose first byte is F0…F4, come before U+E000…U+FFFF, whose first byte is EE or EF. At the first
    /// difference both bytes lead, or both continue, a code point; only leading ones are as high as EE.
    static func compare(_ left: String, _ right: String) -> Int {
        unsafe withBytes(of: left) { left in
            unsafe withBytes(of: right) { right in
                for index in 0..<min(left.count, right.count) {
                    let (a, b) = unsafe (left[index], right[index])
                    if a == b { continue }
                    if a >= 0xEE, b >= 0xEE, (a >= 0xF0) != (b >= 0xF0) { return a >= 0xF0 ? -1 : 1 }
                    return a < b ? -1 : 1
                }
                return left.count - right.count
            }
        }
    }
}
