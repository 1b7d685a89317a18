/// The address of a mailbox as SMTP takes it without extensions: `local@domain`, ASCII, nothing quoted (RFC 5321,
/// section 4.1.2, without quoted strings and address literals; a domain beyond ASCII is written as its A-label).
package struct MailAddress: Hashable, Sendable, CustomStringConvertible {
    /// The whole address.
    package let text: String
    /// What stands behind the `@`.
    package let domain: String

    /// The longest address (RFC 5321, section 4.5.3.1.3, without the brackets).
    package static let maximumLength = 254
    /// The most addresses of one list.
    package static let maximumList = 32
    /// The longest list, with a comma and a space after each address.
    package static let longestList = maximumList * (maximumLength + 2)

    /// Reads an address; `nil` of anything that is not one.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumLength, let at = bytes.firstIndex(of: UInt8(ascii: "@")) else { return nil }
        let (local, domain) = (bytes[..<at], bytes[(at + 1)...])
        guard (1...64).contains(local.count), Self.isDotted(local, Self.isAtom), domain.count >= 1,
            Self.isDotted(domain, Self.isHost),
            domain.split(separator: UInt8(ascii: ".")).allSatisfy({ label in
                label.count <= 63 && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
            })
        else { return nil }
        self.text = String(text)
        self.domain = String(decoding: domain, as: UTF8.self)
    }

    /// Reads addresses with commas between them; `nil` if one of them is none, or if there are too many.
    package static func list(_ text: String) -> [MailAddress]? {
        let parts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard (1...maximumList).contains(parts.count) else { return nil }
        var addresses: [MailAddress] = []
        for part in parts {
            let trimmed = part.drop { $0 == 32 }.reversed().drop { $0 == 32 }.reversed()
            guard let address = MailAddress(String(decoding: Array(trimmed), as: UTF8.self)) else { return nil }
            if !addresses.contains(address) { addresses.append(address) }
        }
        return addresses
    }

    /// The whole address.
    package var description: String { text }

    private static func isDotted(_ bytes: ArraySlice<UInt8>, _ allows: (UInt8) -> Bool) -> Bool {
        bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.allSatisfy(allows)
        }
    }

    private static func isHost(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == UInt8(ascii: "-")
    }

    private static func isAtom(_ byte: UInt8) -> Bool { isHost(byte) || "!#$%&'*+/=?^_`{|}~".utf8.contains(byte) }
}

/// A sender: an address, perhaps with a name.
package struct Mailbox: Hashable, Sendable {
    /// The address.
    package let address: MailAddress
    /// The name; empty without one.
    package let name: String

    /// Names a mailbox.
    package init(address: MailAddress, name: String = "") {
        self.address = address
        self.name = name
    }

    /// Reads `ADDRESS` or `NAME <ADDRESS>`; `nil` of anything else, and of names with control characters.
    package init?(_ text: String) {
        guard text.utf8.last == UInt8(ascii: ">"), let open = text.utf8.lastIndex(of: UInt8(ascii: "<")) else {
            guard let address = MailAddress(text) else { return nil }
            self.init(address: address)
            return
        }
        let name = text[..<open].reversed().drop { $0 == " " }.reversed()
        guard let address = MailAddress(text[text.utf8.index(after: open)...].dropLast()), name.count <= 100,
            name.allSatisfy({ character in character.unicodeScalars.allSatisfy { !Self.isControl($0) } })
        else { return nil }
        self.init(address: address, name: String(name))
    }

    /// As a header field has it: a name of other than plain words is an encoded word (RFC 2047).
    var field: String {
        guard !name.isEmpty else { return address.text }
        let isPlain = name.utf8.allSatisfy { byte in
            (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 32 || byte == UInt8(ascii: "-")
        }
        if isPlain { return "\(name) <\(address)>" }
        // 45 bytes are 60 digits, so that each word keeps below the 75 characters that it may have.
        var words: [String] = []
        var piece: [UInt8] = []
        for character in name {
            let bytes = Array(String(character).utf8)
            if piece.count + bytes.count > 45, !piece.isEmpty {
                words.append(Self.word(piece))
                piece = []
            }
            piece += bytes
        }
        words.append(Self.word(piece))
        return words.joined(separator: "\r\n ") + " <\(address)>"
    }

    private static func word(_ bytes: [UInt8]) -> String { "=?utf-8?B?\(Base64.encode(bytes))?=" }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }
}
