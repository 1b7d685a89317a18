/// A checked name of one kind of thing; everything inside the product takes the type, never a bare string.
///
/// Identifiers are printable ASCII without spaces, so that two that look alike in a log are the same bytes, and Swift's
/// canonical string equivalence cannot make two different ids equal.
package protocol Identifier: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// The checked text.
    var rawValue: String { get }
    /// Makes an identifier whose text is known to be valid.
    init(unchecked rawValue: String)
    /// The longest text that is accepted, in bytes.
    static var maximumLength: Int { get }
    /// Whether a byte may stand in the text.
    static func allows(_ byte: UInt8) -> Bool
}

extension Identifier {
    /// Checks and makes an identifier; `nil` if the text is empty, too long or has a character that is not allowed.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard !bytes.isEmpty, bytes.count <= Self.maximumLength, bytes.allSatisfy(Self.allows) else { return nil }
        self.init(unchecked: text)
    }

    /// Reads the text form and checks it.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let identifier = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a valid \(Self.self)")
        }
        self = identifier
    }

    /// Writes the text form.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The checked text.
    package var description: String { rawValue }
    /// 128 bytes, unless a kind says otherwise.
    package static var maximumLength: Int { 128 }
    /// Letters, digits and `. _ - @ + : /`.
    package static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "@"), UInt8(ascii: "+"),
            UInt8(ascii: ":"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
    /// Byte order.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The name of an agent.
package struct AgentID: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes an id from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The name of a user, usually an e-mail address.
package struct UserID: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes an id from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
}

extension UserID {
    /// Whether both name one human: an e-mail address is the same person's in every spelling with other letter cases, and
    /// a second record of somebody must not be a second pair of eyes.
    package func isSamePerson(as other: UserID?) -> Bool { other.map { isSamePerson(asName: $0.rawValue) } ?? false }

    /// The same, for a name that may be none of a user.
    package func isSamePerson(asName name: String) -> Bool {
        func folded(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }
        return rawValue.utf8.lazy.map(folded).elementsEqual(name.utf8.lazy.map(folded))
    }
}

/// The name of a group of users or agents.
package struct GroupName: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes a name from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The name of a connection; it is also the first segment of its path on the gateway, so it has no `/`.
package struct ConnectionName: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes a name from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }
    /// 63 bytes, as a DNS label.
    package static var maximumLength: Int { 63 }
    /// Letters, digits, `-` and `_`.
    package static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// The id of an approval: `apr_` and 26 lower-case Crockford base32 digits of a time-ordered 128-bit number.
package struct ApprovalID: Identifier {
    /// The checked text.
    package let rawValue: String
    /// Makes an id from text that is known to be valid.
    package init(unchecked rawValue: String) { self.rawValue = rawValue }

    /// Makes a new id: 48 bits of milliseconds, then 80 random bits (the layout of a ULID).
    package init(now: Timestamp, random high: UInt16, _ low: UInt64) {
        let time = UInt64(max(0, now.microseconds / 1000)) & 0xFFFF_FFFF_FFFF
        let value = (UInt128(time) << 80) | (UInt128(high) << 64) | UInt128(low)
        let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        var bytes = [UInt8]()
        bytes.reserveCapacity(26)
        for position in stride(from: 125, through: 0, by: -5) {
            bytes.append(digits[Int((value >> UInt128(position)) & 31)])
        }
        rawValue = "apr_" + String(decoding: bytes, as: UTF8.self)
    }
}
