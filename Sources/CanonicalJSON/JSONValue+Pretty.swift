extension JSONValue {
    /// The value for people to read: two spaces a level, keys in canonical order, no line break at the end.
    package func prettyText() -> String {
        var output: [UInt8] = []
        appendPretty(to: &output, indent: 0)
        return String(decoding: output, as: UTF8.self)
    }

    private func appendPretty(to output: inout [UInt8], indent: Int) {
        switch self {
        case .null, .bool, .integer, .number, .string:
            appendCanonical(to: &output)
        case .array(let elements):
            Self.appendLines(of: elements, between: ("[", "]"), to: &output, indent: indent) { element, output in
                element.appendPretty(to: &output, indent: indent + 2)
            }
        case .object(let object):
            Self.appendLines(of: object.members, between: ("{", "}"), to: &output, indent: indent) { member, output in
                appendJSONString(member.key, to: &output)
                output.append(contentsOf: ": ".utf8)
                member.value.appendPretty(to: &output, indent: indent + 2)
            }
        }
    }

    private static func appendLines<Line>(
        of lines: [Line],
        between brackets: (Unicode.Scalar, Unicode.Scalar),
        to output: inout [UInt8],
        indent: Int,
        line write: (Line, inout [UInt8]) -> Void,
    ) {
        output.append(UInt8(ascii: brackets.0))
        for (index, line) in lines.enumerated() {
            output.append(contentsOf: index == 0 ? "\n".utf8 : ",\n".utf8)
            output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent + 2))
            write(line, &output)
        }
        if !lines.isEmpty {
            output.append(UInt8(ascii: "\n"))
            output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent))
        }
        output.append(UInt8(ascii: brackets.1))
    }
}
