/// Percent-encoding of URIs (RFC 3986, section 2.1), and of forms.
package enum PercentCoding {
    /// The text behind an encoded one; `nil` if an escape is broken or the bytes are not UTF-8.
    package static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes = [UInt8]()
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Encodes everything but the unreserved characters; good for a path's segment and a query's value.
    package static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes = [UInt8]()
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The names and values of a query or a form, in order (`application/x-www-form-urlencoded`).
package struct FormFields: Sendable {
    private var pairs: [(name: String, value: String)] = []

    /// No fields.
    package init() {}

    /// Reads encoded fields; `nil` if an escape is broken or there are more than 100.
    package init?(_ text: some StringProtocol) {
        for (name, value) in Self.split(text) {
            guard let name = PercentCoding.decode(name, plusIsSpace: true),
                let value = PercentCoding.decode(value, plusIsSpace: true), pairs.count < 100
            else { return nil }
            pairs.append((name, value))
        }
    }

    /// The encoded names and values, in order.
    ///
    /// Bytes are compared: to Swift, an equals sign with an accent is another character.
    package static func split(_ text: some StringProtocol) -> [(name: Substring, value: Substring)] {
        Substring(text).utf8.split(separator: UInt8(ascii: "&")).map { part in
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (Substring(sides[0]), sides.count > 1 ? Substring(sides[1]) : "")
        }
    }

    /// How many fields there are.
    package var count: Int { pairs.count }

    /// Every value under a name.
    package subscript(all name: String) -> [String] {
        pairs.filter { $0.name.utf8.elementsEqual(name.utf8) }.map(\.value)
    }

    /// The value under a name that is there once.
    package subscript(_ name: String) -> String? {
        let values = self[all: name]
        return values.count == 1 ? values[0] : nil
    }
}
