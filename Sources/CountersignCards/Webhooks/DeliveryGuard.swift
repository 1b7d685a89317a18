/// Says which resolved addresses a delivery may go to, so that a webhook's URL is no way into the network
/// (server-side request forgery).
///
/// The caller connects to an address that was judged here, never to the name again: a second answer of the resolver may
/// be another one.
package struct DeliveryGuard: Hashable, Sendable {
    /// What the configuration allows beside public addresses.
    package let allowed: [AddressRange]

    /// Allows public addresses, and these ranges.
    package init(allowed: [AddressRange] = []) { self.allowed = allowed }

    /// Whether a delivery may go to an address.
    ///
    /// Mapped addresses count as those of version 4 that they reach. An address where a cloud hands out credentials is
    /// allowed by itself only, never by a range; multicast and unspecified ones never are.
    package func permits(_ address: NetworkAddress) -> Bool {
        let address = address.unmapped
        switch address.addressClass {
        case .global: return true
        case .multicast, .unspecified: return false
        case .metadata: return allowed.contains { $0.isSingle && $0.contains(address) }
        case .loopback, .private, .linkLocal, .carrierGrade, .documentation, .benchmarking, .tunnel, .reserved:
            return allowed.contains { $0.contains(address) }
        }
    }

    /// Whether a port is one of another protocol, whose servers might take a webhook for something to do: those to which no
    /// browser sends a request either (WHATWG Fetch, "port blocking", in part).
    package static func refuses(port: Int) -> Bool { otherProtocols.contains(port) }

    private static let otherProtocols: Set<Int> = [
        0, 7, 9, 19, 20, 21, 22, 23, 25, 37, 43, 53, 69, 79, 87, 110, 111, 113, 119, 123, 135, 137, 139, 143, 161, 179,
        389,
        427, 465, 512, 513, 514, 515, 540, 548, 554, 587, 601, 636, 989, 990, 993, 995, 1433, 1719, 1720, 1723, 2049,
        2375,
        3306, 3389, 3659, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 9200, 10_080, 11_211,
        27_017,
    ]

    /// The addresses to connect to, in the resolver's order; refuses a name of which any address is refused.
    package func pinned(_ resolved: [NetworkAddress]) throws(ChannelFault) -> [NetworkAddress] {
        guard !resolved.isEmpty else {
            throw ChannelFault(.addressRefused, "The webhook's host has no address: look for a mistake in its name.")
        }
        for address in resolved where !permits(address) {
            throw ChannelFault(
                .addressRefused,
                "The webhook's host has the address \(address), which is not public (\(address.addressClass.rawValue)). If "
                    + "it is meant, allow its range explicitly.",
            )
        }
        return resolved
    }
}
