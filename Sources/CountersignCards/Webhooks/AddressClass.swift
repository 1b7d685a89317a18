/// What an address is for, as far as it matters to who may be sent to (the IANA registries of special addresses).
package enum AddressClass: String, Hashable, Sendable, CaseIterable {
    /// Anywhere on the Internet.
    case global
    /// This host.
    case loopback
    /// `0.0.0.0/8` and `::`, which many systems take for this host.
    case unspecified
    /// A private network: RFC 1918, unique local and site-local addresses, a network's own NAT64.
    case `private` = "private"
    /// The same link.
    case linkLocal = "link-local"
    /// Between a provider and its customers (RFC 6598).
    case carrierGrade = "carrier-grade-nat"
    /// Many hosts at once.
    case multicast
    /// Examples in texts.
    case documentation
    /// Measuring of devices.
    case benchmarking
    /// Where a cloud tells its machines their credentials.
    case metadata
    /// An address of version 6 that carries one of version 4 through a tunnel.
    case tunnel
    /// Not given to anybody.
    case reserved
}

extension NetworkAddress {
    /// What it is for; of a mapped or translated address, what the one within it is for.
    package var addressClass: AddressClass {
        switch self {
        case .version4(let address): Self.addressClass(of: address)
        case .version6(let address): Self.addressClass(of: address)
        }
    }

    private static func addressClass(of address: UInt32) -> AddressClass {
        if metadata4.contains(address) { return .metadata }
        func isIn(_ first: UInt32, _ length: UInt32) -> Bool { (address ^ first) >> (32 - length) == 0 }
        if isIn(0x0000_0000, 8) { return .unspecified }
        if isIn(0x7F00_0000, 8) { return .loopback }
        if isIn(0x0A00_0000, 8) || isIn(0xAC10_0000, 12) || isIn(0xC0A8_0000, 16) { return .private }
        if isIn(0xA9FE_0000, 16) { return .linkLocal }
        if isIn(0x6440_0000, 10) { return .carrierGrade }
        if isIn(0xC000_0200, 24) || isIn(0xC633_6400, 24) || isIn(0xCB00_7100, 24) { return .documentation }
        if isIn(0xC612_0000, 15) { return .benchmarking }
        if isIn(0xE000_0000, 4) { return .multicast }
        // 192.0.0.0/24, the relays of 6to4, the former class E with the broadcast address.
        if isIn(0xC000_0000, 24) || isIn(0xC058_6300, 24) || isIn(0xF000_0000, 4) { return .reserved }
        return .global
    }

    private static func addressClass(of address: UInt128) -> AddressClass {
        if metadata6.contains(address) { return .metadata }
        func isIn(_ first: UInt128, _ length: UInt128) -> Bool {
            (address ^ (first << (128 - length))) >> (128 - length) == 0
        }
        let last = UInt32(truncatingIfNeeded: address)
        if address == 0 { return .unspecified }
        if address == 1 { return .loopback }
        if isIn(0xFFFF, 96) { return addressClass(of: last) }
        if isIn(0x0064_FF9B << 64, 96) { return addressClass(of: last) }
        // Compatible (RFC 4291) and translated (RFC 2765) addresses.
        if isIn(0, 96) || isIn(0xFFFF << 16, 96) { return tunnel(last) }
        if isIn(0x0064_FF9B_0001, 48) { return .private }
        if isIn(0x2002, 16) { return tunnel(UInt32(truncatingIfNeeded: address >> 80)) }
        // Teredo has its server's address in the clear, and its client's inverted.
        if isIn(0x2001_0000, 32) {
            let server = tunnel(UInt32(truncatingIfNeeded: address >> 64))
            return server == .tunnel ? tunnel(~last) : server
        }
        if isIn(0x7E, 7) { return .private }
        if isIn(0x3FA, 10) { return .linkLocal }
        if isIn(0x3FB, 10) { return .private }
        if isIn(0xFF, 8) { return .multicast }
        if isIn(0x2001_0DB8, 32) || isIn(0x3FFF0, 20) { return .documentation }
        if isIn(0x2001_0002_0000, 48) { return .benchmarking }
        // What is left of IETF's assignments (2001::/23), and all that is not 2000::/3.
        if isIn(0x2001_00 >> 1, 23) || !isIn(1, 3) { return .reserved }
        // ISATAP (RFC 5214) has the address in the interface's identifier.
        let identifier = UInt32(truncatingIfNeeded: address >> 32)
        if identifier == 0x0000_5EFE || identifier == 0x0200_5EFE { return tunnel(last) }
        return .global
    }

    /// Tunnels end where nobody can tell; what is within matters only for what is said of it.
    private static func tunnel(_ inner: UInt32) -> AddressClass {
        let inner = addressClass(of: inner)
        return inner == .global ? .tunnel : inner
    }

    /// 169.254.169.254, those of AWS's containers, Azure's, Alibaba's and Oracle's.
    private static let metadata4: Set<UInt32> = [
        0xA9FE_A9FE, 0xA9FE_AA02, 0xA9FE_AA17, 0xA83F_8110, 0x6464_64C8, 0xC000_00C0,
    ]
    /// Those of AWS, of its containers, of Google and of Scaleway.
    private static let metadata6: Set<UInt128> = [
        0xFD00_0EC2_0000_0000_0000_0000_0000_0254, 0xFD00_0EC2_0000_0000_0000_0000_0000_0023,
        0xFD20_00CE_0000_0000_0000_0000_0000_0254, 0xFD00_0042_0000_0000_0000_0000_0000_0042,
    ]
}
