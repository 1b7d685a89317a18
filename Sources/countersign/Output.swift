import CanonicalJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Prints for people, or JSON for programs.
enum Output {
    /// One line, or several, on standard output, at once.
    static func line(_ text: String) { write(text, to: 1) }

    /// One line, or several, on standard error.
    static func error(_ text: String) { write(text, to: 2) }

    /// A line on a terminal's standard error that the next one takes the place of.
    static func progress(_ text: String) { write(Array(("\r\u{1B}[K" + text).utf8), to: 2) }

    /// A value as JSON, one line where lines are what is streamed.
    static func json(_ value: JSONValue, isStream: Bool = false) {
        line(isStream ? value.canonicalText : value.prettyText())
    }

    /// Rows under a heading, in columns.
    static func table(_ heading: [String], _ rows: [[String]], empty: String) {
        guard !rows.isEmpty else { return line(empty) }
        let all = [heading] + rows
        let widths = heading.indices.map { column in all.map { $0[column].unicodeScalars.count }.max() ?? 0 }
        for row in all {
            var text = ""
            for (column, cell) in row.enumerated() {
                text += cell
                guard column < row.count - 1 else { break }
                text += String(repeating: " ", count: widths[column] - cell.unicodeScalars.count + 2)
            }
            line(text)
        }
    }

    /// Text from outside, made harmless for a terminal: control and direction-changing characters become escapes.
    static func safe(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator:
                result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// Somebody's words in quotes that they cannot end: what stands behind the quotes is ours.
    static func quoted(_ text: String) -> String {
        // Scalar by scalar: to Swift, a quotation mark with an accent is another character.
        var words = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\\" || scalar == "\"" { words.append("\\") }
            words.append(scalar)
        }
        return "\"" + String(words) + "\""
    }

    private static func write(_ text: String, to descriptor: Int32) {
        write(Array((text.utf8.last == UInt8(ascii: "\n") ? text : text + "\n").utf8), to: descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                #if canImport(Glibc)
                    unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Musl)
                    unsafe Musl.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                    unsafe Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

extension JSONValue {
    /// A member's text for a table; `-` if there is none.
    func cell(_ key: String) -> String { Output.safe(self[key]?.stringValue ?? "-") }
}
