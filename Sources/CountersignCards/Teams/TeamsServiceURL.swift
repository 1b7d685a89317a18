import CountersignCore

/// The base of a connector's addresses, made of characters that leave no doubt which host is meant.
package struct TeamsServiceURL: Hashable, Sendable, CustomStringConvertible {
    /// As it came: a claim is compared with it.
    package let text: String

    /// The longest, in bytes.
    package static let maximumLength = 512

    /// Reads `https://HOST[:PORT][/PATH]`; `http` only of this machine, for connectors that are tests.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, text.utf8.allSatisfy(Self.allows) else { return nil }
        let isTLS = text.utf8.starts(with: "https://".utf8)
        guard isTLS || text.utf8.starts(with: "http://".utf8) else { return nil }
        let authority = text.utf8.dropFirst(isTLS ? 8 : 7).prefix { $0 != UInt8(ascii: "/") }
        let parts = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty, !host.contains(UInt8(ascii: "%")),
            host.first != UInt8(ascii: ".")
        else { return nil }
        if parts.count == 2 {
            guard let port = Int(String(Substring(parts[1]))), (1...65_535).contains(port) else { return nil }
        }
        guard isTLS || ["127.0.0.1", "localhost"].contains(String(Substring(host))) else { return nil }
        self.text = text
    }

    /// The text.
    package var description: String { text }

    /// An address below it; the parts are encoded.
    package func appending(_ parts: String...) -> String {
        var base = text[...]
        while base.utf8.last == UInt8(ascii: "/") { base = base.dropLast() }
        return parts.reduce(into: String(base)) { $0 += "/" + PercentCoding.encode($1) }
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "%"):
            true
        default: false
        }
    }
}
