/// An `http` or `https` URL without user, query and fragment, taken apart.
package struct HTTPAddress: Hashable, Sendable {
    /// Whether it says `https`.
    package let isTLS: Bool
    /// The host's name or address, without brackets.
    package let host: String
    /// The port, the scheme's own unless given.
    package let port: Int
    /// The path as it is written, which to a server may be another one than without the slash at its end.
    package let path: String
    /// The path without a slash at its end; empty for the root.
    package let basePath: String

    /// Reads a URL; `nil` unless it is one of the kind.
    package init?(_ text: String) {
        var rest = text.utf8[...]
        if rest.starts(with: "https://".utf8) {
            isTLS = true
            rest = rest.dropFirst(8)
        } else if rest.starts(with: "http://".utf8) {
            isTLS = false
            rest = rest.dropFirst(7)
        } else {
            return nil
        }
        let forbidden = Array("?#@\\\"<> ".utf8)
        guard rest.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !forbidden.contains($0) }) else { return nil }
        let authority = String(Substring(rest.prefix { $0 != UInt8(ascii: "/") }))
        var base = rest.drop { $0 != UInt8(ascii: "/") }
        path = String(Substring(base))
        while base.last == UInt8(ascii: "/") { base = base.dropLast() }
        basePath = String(Substring(base))
        let standard = isTLS ? 443 : 80
        if let address = Configuration.Address(authority) {
            (host, port) = (address.host, address.port)
        } else if let address = Configuration.Address("\(authority):\(standard)") {
            (host, port) = (address.host, address.port)
        } else {
            return nil
        }
    }

    /// The URL in its one form.
    package var text: String { origin + basePath }
    /// The URL in its one form, but for the path, which is as it is written.
    package var written: String { origin + path }

    private var origin: String {
        let address = Configuration.Address(host: host, port: port)
        let isStandard = port == (isTLS ? 443 : 80)
        let bracketed = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return (isTLS ? "https://" : "http://") + (isStandard ? bracketed : address.description)
    }
}

extension Configuration.Address {
    /// Reads `host:port`, `[v6]:port`; `nil` for anything else.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = bytes[(colon + 1)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            let port = Int(String(decoding: digits, as: UTF8.self)), port <= 65_535
        else { return nil }
        var host = bytes[..<colon]
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
            host = host.dropFirst().dropLast()
            guard host.contains(UInt8(ascii: ":")) else { return nil }
        } else if host.contains(UInt8(ascii: ":")) {
            return nil
        }
        let isName = host.allSatisfy { byte in
            (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 45 || byte == 46 || byte == 58 || byte == 95
        }
        guard !host.isEmpty, isName else { return nil }
        self.init(host: String(decoding: host, as: UTF8.self), port: port)
    }
}
