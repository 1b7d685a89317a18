#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A string that is equal to another only when their bytes are equal.
///
/// Swift's `String ==` is canonical equivalence: a precomposed and a decomposed "é" are one string to it. Cedar and every
/// security decision need them to be two. So whatever comes from a text or a request is compared as a `CedarString` or by its
/// bytes; a `String` is compared with words of this module's own only, in ASCII letters to which no other character is
/// canonically equivalent.
package struct CedarString: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The text itself; compare `CedarString`s, not these.
    package let string: String

    /// Wraps a text.
    package init(_ string: String) {
        var string = string
        string.makeContiguousUTF8()
        self.string = string
    }

    /// Wraps a literal.
    package init(stringLiteral value: StaticString) {
        self.init(value.description)
    }

    /// The text, unquoted.
    package var description: String { self.string }

    /// The number of UTF-8 bytes.
    package var byteCount: Int { self.string.utf8.count }

    /// Bytewise equality.
    package static func == (left: CedarString, right: CedarString) -> Bool {
        if left.isIdentical(to: right) { return true }
        let count = left.byteCount
        guard count == right.byteCount else { return false }
        return unsafe left.withBytes { leftBytes in
            unsafe right.withBytes { rightBytes in
                guard let a = leftBytes.baseAddress, let b = rightBytes.baseAddress else { return true }
                return unsafe a == b || memcmp(a, b, count) == 0
            }
        }
    }

    /// Whether two are represented by the same bits, and therefore equal; short texts that are equal nearly always are.
    @inline(__always)
    private func isIdentical(to other: CedarString) -> Bool {
        guard MemoryLayout<String>.size == MemoryLayout<(UInt64, UInt64)>.size else { return false }
        return unsafe unsafeBitCast(self.string, to: (UInt64, UInt64).self)
            == unsafeBitCast(other.string, to: (UInt64, UInt64).self)
    }

    /// Hashes the bytes.
    package func hash(into hasher: inout Hasher) {
        unsafe self.withBytes { bytes in
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        }
    }

    /// Lends the UTF-8 bytes.
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        if let result = unsafe self.string.utf8.withContiguousStorageIfAvailable(body) { return result }
        let copy = Array(self.string.utf8)
        return unsafe copy.withUnsafeBufferPointer(body)
    }
}

extension CedarString: Comparable {
    /// Orders by bytes, which for UTF-8 is the order of scalar values.
    package static func < (left: CedarString, right: CedarString) -> Bool {
        unsafe left.withBytes { leftBytes in
            unsafe right.withBytes { rightBytes in
                let common = min(leftBytes.count, rightBytes.count)
                guard common > 0, let a = leftBytes.baseAddress, let b = rightBytes.baseAddress else {
                    return leftBytes.count < rightBytes.count
                }
                let order = unsafe memcmp(a, b, common)
                return order == 0 ? leftBytes.count < rightBytes.count : order < 0
            }
        }
    }
}
