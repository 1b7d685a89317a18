/// An IP address or a range of them, Cedar's `ipaddr`.
///
/// Two are equal when address and prefix length are; `10.0.0.1/8` and `10.0.0.2/8` are the same range but two values.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The upper 64 bits; 0 in version 4.
    let high: UInt64
    /// The lower 64 bits; version 4 uses the lowest 32.
    let low: UInt64
    /// How many leading bits the range's addresses share.
    package let prefixLength: UInt8
    /// Whether the address is of version 6.
    package let isVersion6: Bool

    /// Reads an address, optionally with `/` and a prefix length.
    package init(parsing text: CedarString) throws(ExtensionError) {
        let bytes = Array(text.string.utf8)
        let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
        let address = bytes[..<(slash ?? bytes.count)]
        if let parts = Self.version4(address) {
            self.high = 0
            self.low = parts
            self.isVersion6 = false
        } else if let groups = Self.version6(address) {
            self.high = groups[..<4].reduce(0) { $0 << 16 | $1 }
            self.low = groups[4...].reduce(0) { $0 << 16 | $1 }
            self.isVersion6 = true
        } else {
            throw ExtensionError("`\(text)` is not an IP address")
        }
        let width: UInt8 = self.isVersion6 ? 128 : 32
        guard let slash else {
            self.prefixLength = width
            return
        }
        guard let prefix = Self.prefix(bytes[(slash + 1)...]), prefix <= width else {
            throw ExtensionError("`\(text)` has no prefix length from 0 to \(width) after its slash")
        }
        self.prefixLength = prefix
    }

    /// Makes a range of version 4 from its four bytes.
    package init(version4 address: UInt32, prefixLength: UInt8 = 32) {
        self.high = 0
        self.low = UInt64(address)
        self.prefixLength = min(prefixLength, 32)
        self.isVersion6 = false
    }

    /// Makes a range of version 6 from its two halves.
    package init(version6 high: UInt64, _ low: UInt64, prefixLength: UInt8 = 128) {
        self.high = high
        self.low = low
        self.prefixLength = min(prefixLength, 128)
        self.isVersion6 = true
    }

    /// Whether every address of this range is in another.
    package func isInRange(_ other: IPAddress) -> Bool {
        guard self.isVersion6 == other.isVersion6, self.prefixLength >= other.prefixLength else { return false }
        let (highMask, lowMask) = other.masks
        return (self.high ^ other.high) & highMask == 0 && (self.low ^ other.low) & lowMask == 0
    }

    /// Whether every address of this range is a loopback address.
    package var isLoopback: Bool {
        self.isInRange(self.isVersion6 ? .init(version6: 0, 1) : .init(version4: 0x7F00_0000, prefixLength: 8))
    }

    /// Whether every address of this range is a multicast address.
    package var isMulticast: Bool {
        let version6 = IPAddress(version6: 0xFF00_0000_0000_0000, 0, prefixLength: 8)
        return self.isInRange(self.isVersion6 ? version6 : .init(version4: 0xE000_0000, prefixLength: 4))
    }

    /// The address, with its prefix length unless it is a single one.
    package var description: String {
        guard self.isVersion6 else {
            let parts = [24, 16, 8, 0].map { String(self.low >> UInt64($0) & 0xFF) }
            return parts.joined(separator: ".") + (self.prefixLength == 32 ? "" : "/\(self.prefixLength)")
        }
        let groups = [self.high, self.low].flatMap { half in
            [48, 32, 16, 0].map { String(half >> UInt64($0) & 0xFFFF, radix: 16) }
        }
        return groups.joined(separator: ":") + (self.prefixLength == 128 ? "" : "/\(self.prefixLength)")
    }

    private var masks: (high: UInt64, low: UInt64) {
        let length = Int(self.prefixLength)
        // Shifting by the full width yields 0, as a prefix of length 0 needs.
        guard self.isVersion6 else { return (.max, UInt64.max << UInt64(32 - length)) }
        return (length >= 64 ? .max : .max << UInt64(64 - length), length <= 64 ? 0 : .max << UInt64(128 - length))
    }

    private static func version4(_ bytes: ArraySlice<UInt8>) -> UInt64? {
        guard bytes.count >= 7, bytes.count <= 15 else { return nil }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt64 = 0
        for part in parts {
            guard let number = Self.number(part, digits: 3), number <= 255 else { return nil }
            address = address << 8 | UInt64(number)
        }
        return address
    }

    /// Eight groups of up to four hexadecimal digits; `::` stands once for one group of zeros or more.
    private static func version6(_ bytes: ArraySlice<UInt8>) -> [UInt64]? {
        guard bytes.count >= 2, bytes.count <= 39 else { return nil }
        var head: [UInt64] = []
        var tail: [UInt64]?
        var rest = bytes
        if rest.starts(with: "::".utf8) {
            tail = []
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let digits = rest.prefix { $0 != UInt8(ascii: ":") }
            guard !digits.isEmpty, digits.count <= 4, let group = Self.hexadecimal(digits) else { return nil }
            if tail == nil { head.append(group) } else { tail?.append(group) }
            rest = rest.dropFirst(digits.count)
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: ":") {
                guard tail == nil else { return nil }
                tail = []
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        guard let tail else { return head.count == 8 ? head : nil }
        guard head.count + tail.count <= 7 else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt64(digit - 0x30)
            case 0x41...0x46: value = value << 4 | UInt64(digit - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt64(digit - 0x61 + 10)
            default: return nil
            }
        }
        return value
    }

    private static func prefix(_ bytes: ArraySlice<UInt8>) -> UInt8? {
        Self.number(bytes, digits: 3).flatMap { UInt8(exactly: $0) }
    }

    /// A decimal number without leading zeros.
    private static func number(_ bytes: ArraySlice<UInt8>, digits: Int) -> Int? {
        guard !bytes.isEmpty, bytes.count <= digits, bytes.allSatisfy(Lexer.isDigit),
            bytes.count == 1 || bytes.first != UInt8(ascii: "0")
        else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
