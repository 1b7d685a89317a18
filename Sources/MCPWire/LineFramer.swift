/// Cuts stdio's bytes into messages, one a line; lines may end in CR LF, and empty ones are passed over.
package struct LineFramer: Sendable {
    private let maximumLine: Int
    private var partial: [UInt8] = []
    private var hasFailed = false

    /// A framer of lines of at most so many bytes.
    package init(maximumLine: Int) { self.maximumLine = maximumLine }

    /// Whether the bytes so far end within a line.
    package var isMidLine: Bool { !partial.isEmpty }

    /// Takes bytes as they come, and returns the lines that end in them; after a line that is too long, never again.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws(RPCFault) -> [[UInt8]] {
        let chunk = Array(bytes)
        let span = chunk.span
        var lines: [[UInt8]] = []
        var start = 0
        while start < chunk.count, !hasFailed {
            var end = start
            while end < span.count, span[end] != 0x0A { end += 1 }
            // The line break may have a CR before it, which does not count.
            hasFailed = partial.count + (end - start) - 1 > maximumLine
            if hasFailed { break }
            partial.append(contentsOf: chunk[start..<end])
            start = end + 1
            if end == chunk.count { break }
            if partial.last == 0x0D { partial.removeLast() }
            hasFailed = partial.count > maximumLine
            if !partial.isEmpty { lines.append(partial) }
            partial.removeAll()
        }
        guard !hasFailed else {
            partial = []
            throw RPCFault("a line is too long")
        }
        return lines
    }
}
