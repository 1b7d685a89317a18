/// Finds the end of a head or trailer section, line by line, without looking at any byte twice.
///
/// The limits and the rule that every line ends in CRLF are enforced here, while bytes arrive, so that neither an
/// endless head nor one with bare LFs makes the parser wait for an empty line that never comes.
struct SectionScanner: Hashable, Sendable {
    /// The number of bytes already looked at.
    private(set) var scanned = 0
    /// The number of complete lines, not counting the empty one.
    private(set) var lines = 0
    private var lineStart = 0
    /// The number of lines that are not fields: one in a head, none in a trailer section.
    private let startLines: Int

    init(startLines: Int) {
        self.startLines = startLines
    }

    /// Looks at the bytes that are new; returns the length of the section with its empty line once it is complete.
    mutating func scan(_ bytes: Span<UInt8>, limits: WireLimits) throws(WireError) -> Int? {
        var position = scanned
        let end = min(bytes.count, limits.maximumHeadBytes)
        while position < end {
            position = Grammar.firstLineFeed(bytes, from: position, to: end)
            if position == end { break }
            guard position > lineStart, bytes[position - 1] == Grammar.carriageReturn else {
                throw WireError(.bareLF, "A line ends in LF alone; end every line with CR LF.")
            }
            if position == lineStart + 1 { return position + 1 }
            position += 1
            lineStart = position
            lines += 1
            if lines - startLines > limits.maximumFields {
                throw WireError(.tooManyHeaders, "More than \(limits.maximumFields) fields; send fewer.")
            }
        }
        scanned = position
        if bytes.count >= limits.maximumHeadBytes {
            throw WireError(.headTooLarge, "The fields exceed \(limits.maximumHeadBytes) bytes; send less.")
        }
        return nil
    }
}
