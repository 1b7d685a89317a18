import NIOCore

/// Reads the lines of the chunked coding (RFC 9112, section 7.1): bare sizes only.
///
/// Chunk extensions are refused: nobody uses them, and servers disagree on where a line with one ends.
enum ChunkLine {
    /// The most digits of a size, enough for 64 bits.
    private static let maximumDigits = 16

    /// Reads `size CRLF`; nil means that more bytes are needed.
    static func readSize(_ buffer: inout ByteBuffer) throws(WireError) -> UInt64? {
        guard let line = try size(buffer.readableBytesUInt8Span) else { return nil }
        buffer.moveReaderIndex(forwardBy: line.length)
        return line.size
    }

    /// Reads the CRLF behind the bytes of a chunk; false means that more bytes are needed.
    static func readEnd(_ buffer: inout ByteBuffer) throws(WireError) -> Bool {
        guard try isEnd(buffer.readableBytesUInt8Span) else { return false }
        buffer.moveReaderIndex(forwardBy: 2)
        return true
    }

    private static func size(_ bytes: Span<UInt8>) throws(WireError) -> (size: UInt64, length: Int)? {
        var size: UInt64 = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if let digit = Grammar.hexValue(byte) {
                guard index < maximumDigits else {
                    throw WireError(.badChunk, "A chunk size has more than 16 digits; write smaller chunks.")
                }
                size = size &<< 4 | UInt64(digit)
                continue
            }
            if byte == Grammar.lineFeed { throw bareLF }
            guard byte == Grammar.carriageReturn, index > 0 else {
                throw byte == UInt8(ascii: ";")
                    ? WireError(.badChunk, "A chunk has an extension; send the size alone.")
                    : WireError(.badChunk, "A chunk size is not hexadecimal digits followed by CR LF.")
            }
            guard index + 1 < bytes.count else { return nil }
            guard bytes[index + 1] == Grammar.lineFeed else { throw FieldSection.bareCR }
            guard size <= UInt64(Int64.max) else {
                throw WireError(.badChunk, "A chunk size is 2^63 or more; write smaller chunks.")
            }
            return (size, index + 2)
        }
        return nil
    }

    private static func isEnd(_ bytes: Span<UInt8>) throws(WireError) -> Bool {
        guard !bytes.isEmpty else { return false }
        let first = bytes[0]
        if first == Grammar.lineFeed { throw bareLF }
        guard first == Grammar.carriageReturn else {
            throw WireError(.badChunk, "A chunk is longer than its size says, or its CR LF is missing.")
        }
        guard bytes.count > 1 else { return false }
        guard bytes[1] == Grammar.lineFeed else { throw FieldSection.bareCR }
        return true
    }

    private static var bareLF: WireError {
        WireError(.bareLF, "A line of a chunk ends in LF alone; end it with CR LF.")
    }
}
