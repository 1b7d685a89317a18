/// An address of the Internet Protocol, as a resolver returns it.
package enum NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// Version 4.
    case version4(UInt32)
    /// Version 6.
    case version6(UInt128)

    /// Takes the 4 or 16 bytes in network order; `nil` of any other number.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .version4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .version6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// Reads `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`; no other spelling, such as octal or short forms, which
    /// resolvers read differently.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if let address = Self.version4(bytes[...]) {
            self = .version4(address)
        } else if let address = Self.version6(bytes) {
            self = .version6(address)
        } else {
            return nil
        }
    }

    /// The usual spelling; of version 6 without the short form.
    package var description: String {
        switch self {
        case .version4(let address):
            return [24, 16, 8, 0].map { String(address >> UInt32($0) & 0xFF) }.joined(separator: ".")
        case .version6(let address):
            return stride(from: 112, through: 0, by: -16).map { String(address >> UInt128($0) & 0xFFFF, radix: 16) }
                .joined(separator: ":")
        }
    }

    /// The address of version 4 that a mapped one (`::ffff:0:0/96`) reaches; any other is itself.
    package var unmapped: NetworkAddress {
        guard case .version6(let address) = self, address >> 32 == 0xFFFF else { return self }
        return .version4(UInt32(truncatingIfNeeded: address))
    }

    private static func version4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0"),
                part.allSatisfy({ $0 >= 48 && $0 <= 57 })
            else { return nil }
            let number = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 48) }
            guard number <= 255 else { return nil }
            address = address << 8 | number
        }
        return address
    }

    private static func version6(_ bytes: [UInt8]) -> UInt128? {
        guard (2...45).contains(bytes.count), let gap = gap(bytes) else { return nil }
        if let gap {
            guard let head = groups(bytes[..<gap], mayEndInVersion4: false),
                let tail = groups(bytes[(gap + 2)...], mayEndInVersion4: true),
                head.count + tail.count <= 7
            else { return nil }
            let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
            return (head + zeros + tail).reduce(0) { $0 << 16 | UInt128($1) }
        }
        guard let all = groups(bytes[...], mayEndInVersion4: true), all.count == 8 else { return nil }
        return all.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// Where the only `::` is; inner nil if there is none, outer nil if there are several.
    private static func gap(_ bytes: [UInt8]) -> Int?? {
        let colon = UInt8(ascii: ":")
        let places = bytes.indices.dropLast().filter { bytes[$0] == colon && bytes[$0 + 1] == colon }
        return places.count > 1 ? nil : .some(places.first)
    }

    /// Groups of up to four hexadecimal digits; at the end of the address the last two may be one of version 4.
    private static func groups(_ bytes: ArraySlice<UInt8>, mayEndInVersion4: Bool) -> [UInt16]? {
        if bytes.isEmpty { return [] }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if mayEndInVersion4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let address = version4(part) else { return nil }
                groups += [UInt16(address >> 16), UInt16(truncatingIfNeeded: address)]
            } else {
                guard (1...4).contains(part.count), part.first != UInt8(ascii: "+"), part.first != UInt8(ascii: "-"),
                    let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }
}

/// A range of addresses in CIDR notation, `10.20.0.0/16` or `fd12:3456::/32`.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address.
    package let first: NetworkAddress
    /// How many leading bits the addresses share.
    package let prefixLength: Int

    /// Reads a range, or one address; bits behind the prefix must be zero, because else it is unclear what was meant.
    package init(_ text: String) throws(ChannelFault) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = NetworkAddress(Substring(parts[0])) else {
            throw ChannelFault(
                .addressMalformed,
                "An allowed range is not an address with a prefix length: write it as 10.20.0.0/16 or fd12:3456::/32.",
            )
        }
        let first = address.unmapped
        guard first == address else {
            throw ChannelFault(.addressMalformed, "\(address) is mapped: write the range of version 4, \(first).")
        }
        let width =
            switch first {
            case .version4: 32
            case .version6: 128
            }
        var length = width
        if parts.count == 2 {
            guard (1...3).contains(parts[1].count), parts[1].allSatisfy({ $0 >= 48 && $0 <= 57 }),
                let number = Int(String(Substring(parts[1]))), number <= width
            else {
                throw ChannelFault(.addressMalformed, "The prefix length of a range at \(first) is not 0 to \(width).")
            }
            length = number
        }
        self.init(first, length)
        guard contains(first), self.first == first else {
            throw ChannelFault(
                .addressMalformed,
                "\(first)/\(length) has bits behind its prefix: write \(self.first)/\(length), or a longer prefix.",
            )
        }
    }

    /// The range of that length around an address.
    init(_ address: NetworkAddress, _ length: Int) {
        prefixLength = length
        first =
            switch address {
            case .version4(let bits): .version4(length == 0 ? 0 : bits & (UInt32.max << UInt32(32 - length)))
            case .version6(let bits): .version6(length == 0 ? 0 : bits & (UInt128.max << UInt128(128 - length)))
            }
    }

    /// Whether an address is in it.
    package func contains(_ address: NetworkAddress) -> Bool {
        switch (first, address) {
        case (.version4, .version4), (.version6, .version6): AddressRange(address, prefixLength).first == first
        case (.version4, .version6), (.version6, .version4): false
        }
    }

    /// Whether it is a single address.
    var isSingle: Bool {
        switch first {
        case .version4: prefixLength == 32
        case .version6: prefixLength == 128
        }
    }

    /// CIDR notation.
    package var description: String { "\(first)/\(prefixLength)" }
}
