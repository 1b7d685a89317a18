/// Reads field lines (RFC 9112, section 5) into a list.
enum FieldSection {
    /// Reads complete lines, each ending in CRLF, without the empty line that closes the section.
    static func parse(_ bytes: Span<UInt8>, lines: Int) throws(WireError) -> HeaderFields {
        guard !bytes.isEmpty else { return HeaderFields() }
        var entries: [HeaderFields.Entry] = []
        entries.reserveCapacity(lines + 2)
        var position = 0
        while position < bytes.count {
            let nameStart = position
            while Grammar.isTokenByte(bytes[position]) { position &+= 1 }
            guard bytes[position] == UInt8(ascii: ":"), position > nameStart else {
                throw nameError(bytes, at: position, lineStart: nameStart)
            }
            let nameLength = position - nameStart
            position += 1
            while Grammar.isBlank(bytes[position]) { position &+= 1 }
            let valueStart = position
            let isASCII = try skipValue(bytes, &position)
            var valueEnd = position
            while valueEnd > valueStart, Grammar.isBlank(bytes[valueEnd - 1]) { valueEnd -= 1 }
            if !isASCII, !Grammar.isUTF8(bytes.extracting(valueStart..<valueEnd)) {
                throw WireError(.invalidUTF8, "A field value is not valid UTF-8; encode it as UTF-8 or plain ASCII.")
            }
            entries.append(
                HeaderFields.Entry(
                    nameStart: UInt32(truncatingIfNeeded: nameStart),
                    nameLength: UInt32(truncatingIfNeeded: nameLength),
                    valueStart: UInt32(truncatingIfNeeded: valueStart),
                    valueLength: UInt32(truncatingIfNeeded: valueEnd - valueStart),
                    isWritable: true,
                )
            )
            position += 2
        }
        let storage = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
        return HeaderFields(storage: storage, entries: entries)
    }

    /// Moves to the CR of the CRLF that ends the line; returns whether all bytes on the way are ASCII.
    @inline(__always)
    private static func skipValue(_ bytes: Span<UInt8>, _ position: inout Int) throws(WireError) -> Bool {
        var isASCII = true
        position = Grammar.skipPlainText(bytes, from: position)
        while true {
            let byte = bytes[position]
            if byte >= 0x20, byte < 0x7F {
                position &+= 1
            } else if byte == Grammar.carriageReturn {
                guard bytes[position + 1] == Grammar.lineFeed else { throw bareCR }
                return isASCII
            } else if byte >= 0x80 {
                isASCII = false
                position &+= 1
            } else if byte == Grammar.tab {
                position &+= 1
            } else {
                throw WireError(.badHeader, "A field value holds a control character; remove it.")
            }
        }
    }

    static var bareCR: WireError {
        WireError(.bareCR, "A CR is not followed by LF; end every line with CR LF and use CR nowhere else.")
    }

    /// Says what is wrong with a line whose name ends at `position` without a colon.
    private static func nameError(_ bytes: Span<UInt8>, at position: Int, lineStart: Int) -> WireError {
        let byte = bytes[position]
        if byte == Grammar.carriageReturn, bytes[position + 1] != Grammar.lineFeed { return bareCR }
        if Grammar.isBlank(byte) {
            return position == lineStart
                ? WireError(.obsoleteFold, "A line starts with white space; write every field on one line.")
                : WireError(.badHeader, "White space stands before the colon of a field; remove it.")
        }
        if byte == UInt8(ascii: ":") { return WireError(.badHeader, "A field has no name; name it.") }
        return WireError(.badHeader, "A field line is not `name: value`; use a token as name and a colon.")
    }
}
