import CanonicalJSON
import CountersignCore
import TransparencyLog

/// A parameter of a path, query or field: what the server checks and what the OpenAPI document says, from one source.
struct Parameter: Sendable {
    /// Where it stands.
    enum Place: String, Sendable {
        /// In the path's template.
        case path
        /// In the query.
        case query
        /// A header field.
        case header
    }

    /// Which texts are accepted.
    enum Form: Sendable {
        /// A decimal number in a range.
        case integer(ClosedRange<Int>)
        /// One of these words.
        case choice([String])
        /// Some of these words, comma-separated or under the same name several times.
        case choices([String])
        /// An identifier of at most so many bytes.
        case identifier(Int)
        /// An approval's id.
        case approval
        /// A moment, RFC 3339.
        case time
        /// Any text of at most so many characters.
        case text(Int)
        /// A list's cursor.
        case cursor
        /// An entry's sequence number.
        case sequence
        /// An idempotency key.
        case key
        /// A tile's place in its level: `x001/067.p/12`, for instance.
        case tile
    }

    /// The name.
    let name: String
    /// Where it stands.
    let place: Place
    /// Which texts are accepted.
    let form: Form
    /// What it does.
    let summary: String

    /// A query parameter.
    static func query(_ name: String, _ form: Form, _ summary: String) -> Parameter {
        Parameter(name: name, place: .query, form: form, summary: summary)
    }

    /// A path parameter.
    static func path(_ name: String, _ form: Form, _ summary: String) -> Parameter {
        Parameter(name: name, place: .path, form: form, summary: summary)
    }

    /// A header field.
    static func header(_ name: String, _ form: Form, _ summary: String) -> Parameter {
        Parameter(name: name, place: .header, form: form, summary: summary)
    }

    /// What may be there several times.
    var isRepeatable: Bool {
        if case .choices = form { true } else { false }
    }

    /// Whether a text is accepted.
    func accepts(_ text: String) -> Bool {
        switch form {
        case .integer(let range): Int(strict: text).map(range.contains) ?? false
        case .choice(let words): words.contains { $0.utf8.elementsEqual(text.utf8) }
        case .choices(let words):
            text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { part in
                words.contains { $0.utf8.elementsEqual(part.utf8) }
            }
        case .identifier(let limit): text.utf8.count <= limit && UserID(text) != nil
        case .approval: ApprovalID(checking: text) != nil
        case .time: Timestamp(lenient: text) != nil
        case .text(let limit): text.unicodeScalars.count <= limit
        case .cursor:
            (1...200).contains(text.utf8.count)
                && text.utf8.allSatisfy { AgentID.allows($0) || $0 == UInt8(ascii: "~") }
        case .sequence: UInt64(strict: text).map { $0 <= UInt64(Int64.max) } ?? false
        case .tile: TilePath(parsing: "tile/entries/" + text) != nil
        case .key: (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (33...126).contains($0) }
        }
    }

    /// The parameter in the OpenAPI document.
    var json: JSONValue {
        var object = JSONObject([
            ("description", .string(summary)), ("in", .string(place.rawValue)), ("name", .string(name)),
            ("schema", form.schema),
        ])
        if place == .path { object["required"] = true }
        return .object(object)
    }
}

extension Parameter.Form {
    /// What a value must be, for people.
    var demand: String {
        switch self {
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): "one of \(words.joined(separator: ", "))"
        case .choices(let words): "some of \(words.joined(separator: ", "))"
        case .identifier(let limit): "a name of at most \(limit) characters"
        case .approval: "an approval's id"
        case .time: "a time such as 2026-01-31T12:00:00Z"
        case .text(let limit): "text of at most \(limit) characters"
        case .cursor: "a cursor that an answer gave"
        case .sequence: "an entry's number"
        case .tile: "a tile's place, three digits, or groups of them such as x001/067, with .p/WIDTH if it is partial"
        case .key: "1 to 255 visible ASCII characters"
        }
    }

    /// The JSON Schema of it.
    var schema: JSONValue {
        switch self {
        case .integer(let range):
            [
                "type": "integer", "minimum": .integer(Int64(range.lowerBound)),
                "maximum": .integer(Int64(range.upperBound)),
            ]
        case .choice(let words): ["type": "string", "enum": .array(words.map { .string($0) })]
        case .choices(let words):
            ["type": "array", "minItems": 1, "items": ["type": "string", "enum": .array(words.map { .string($0) })]]
        case .identifier(let limit): ["type": "string", "pattern": .string("^[A-Za-z0-9._@+:/-]{1,\(limit)}$")]
        case .approval: ["type": "string", "pattern": "^apr_[0-9a-hjkmnp-tv-z]{26}$"]
        case .time: ["type": "string", "format": "date-time"]
        case .text(let limit): ["type": "string", "maxLength": .integer(Int64(limit))]
        case .cursor: ["type": "string", "pattern": "^[A-Za-z0-9._@+:/~-]{1,200}$"]
        case .sequence: ["type": "integer", "format": "int64", "minimum": 0]
        case .tile: ["type": "string", "pattern": "^(x[0-9]{3}/)*[0-9]{3}(\\.p/[1-9][0-9]{0,2})?$"]
        case .key: ["type": "string", "pattern": "^[!-~]{1,255}$"]
        }
    }
}

extension ApprovalID {
    /// Takes an id that came from outside; `nil` unless it has the form of one that we made.
    init?(checking text: String) {
        let digits = text.utf8.dropFirst(4)
        guard text.utf8.count == 30, text.utf8.starts(with: "apr_".utf8),
            digits.allSatisfy({ "0123456789abcdefghjkmnpqrstvwxyz".utf8.contains($0) })
        else { return nil }
        self.init(unchecked: text)
    }
}

extension FixedWidthInteger {
    /// Reads plain decimal digits, without sign and leading zeros.
    init?(strict text: String) {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.allSatisfy({ (48...57).contains($0) }), bytes.count == 1 || first != 48
        else { return nil }
        self.init(text)
    }
}

extension Timestamp {
    /// Reads RFC 3339 as people and browsers send it: more than six fractional digits are cut, a leap second is the one
    /// before, and a space in the offset is the plus sign that a form turned into one.
    init?(lenient text: String) {
        var bytes = Array(text.utf8)
        guard bytes.count >= 20 else { return nil }
        if bytes[17] == 54, bytes[18] == 48 { (bytes[17], bytes[18]) = (53, 57) }
        if bytes[19] == 46 {
            let end = bytes[20...].firstIndex { !(48...57).contains($0) } ?? bytes.endIndex
            if end > 26 { bytes.removeSubrange(26..<end) }
        }
        if bytes.count >= 25, bytes[bytes.count - 6] == 32 { bytes[bytes.count - 6] = 43 }
        self.init(rfc3339: String(decoding: bytes, as: UTF8.self))
    }
}
