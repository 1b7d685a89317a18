extension JSONValue {
    /// The RFC 8785 (JCS) form: what is hashed and signed.
    ///
    /// An `.integer` within ±(2⁵³ − 1) is its digits. One beyond is written as the double nearest to it, as ECMAScript
    /// would; the parser's default limits let none in.
    package func canonicalBytes() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(1024)
        appendCanonical(to: &output)
        return output
    }

    /// The canonical form as a string.
    package var canonicalText: String { String(decoding: canonicalBytes(), as: UTF8.self) }

    /// The value as it was read, in one line: as the canonical form, but every integer is its digits.
    ///
    /// For answers that give a caller's own values back; never for what is hashed.
    package func exactBytes() -> [UInt8] {
        var output: [UInt8] = []
        appendCanonical(to: &output, exactly: true)
        return output
    }

    /// Appends the canonical form; `exactly` writes integers beyond 2⁵³ − 1 as their digits, which is not canonical.
    package func appendCanonical(to output: inout [UInt8], exactly: Bool = false) {
        switch self {
        case .null:
            output.append(contentsOf: "null".utf8)
        case .bool(let value):
            output.append(contentsOf: value ? "true".utf8 : "false".utf8)
        case .integer(let value) where exactly:
            output.append(contentsOf: String(value).utf8)
        case .integer(let value):
            CanonicalNumber.append(value, to: &output)
        case .number(let value):
            CanonicalNumber.append(value, to: &output)
        case .string(let value):
            appendJSONString(value, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            // Through spans, here and below, because they lend their elements instead of copying them.
            let span = elements.span
            for index in span.indices {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                span[index].appendCanonical(to: &output, exactly: exactly)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            object.appendCanonical(to: &output, exactly: exactly)
        }
    }
}

extension JSONObject {
    /// Appends the canonical form; `exactly` is as for a value.
    package func appendCanonical(to output: inout [UInt8], exactly: Bool = false) {
        output.append(UInt8(ascii: "{"))
        let span = members.span
        for index in span.indices {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            appendJSONString(span[index].key, to: &output)
            output.append(UInt8(ascii: ":"))
            span[index].value.appendCanonical(to: &output, exactly: exactly)
        }
        output.append(UInt8(ascii: "}"))
    }
}
