import NIOCore

/// Reads a body of known framing; shared by both parsers.
struct BodyReader: Hashable, Sendable {
    /// One step in reading a body.
    enum Step: Hashable {
        case body(ByteBuffer)
        case trailers(HeaderFields)
        case end
    }

    private enum State: Hashable {
        /// This many bytes are still to come.
        case fixed(UInt64)
        /// The line with the size of the next chunk comes next.
        case chunkSize
        /// This many bytes of the chunk are still to come, and then its CRLF.
        case chunk(UInt64)
        /// The last chunk was read; the trailer section comes next.
        case trailers(SectionScanner)
        /// Everything until the peer closes is the body.
        case untilClose
    }

    private var state: State

    init(_ framing: BodyFraming) {
        switch framing {
        case .none: state = .fixed(0)
        case .length(let length): state = .fixed(length)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
    }

    /// Whether closing is how this body ends.
    var endsAtClose: Bool { state == .untilClose }

    mutating func next(_ buffer: inout ByteBuffer, limits: WireLimits) throws(WireError) -> Step? {
        while true {
            switch state {
            case .fixed(0):
                return .end
            case .fixed(let remaining):
                guard let slice = Self.slice(&buffer, atMost: remaining) else { return nil }
                state = .fixed(remaining - UInt64(slice.readableBytes))
                return .body(slice)
            case .chunkSize:
                guard let size = try ChunkLine.readSize(&buffer) else { return nil }
                state = size == 0 ? .trailers(SectionScanner(startLines: 0)) : .chunk(size)
            case .chunk(0):
                guard try ChunkLine.readEnd(&buffer) else { return nil }
                state = .chunkSize
            case .chunk(let remaining):
                guard let slice = Self.slice(&buffer, atMost: remaining) else { return nil }
                state = .chunk(remaining - UInt64(slice.readableBytes))
                return .body(slice)
            case .trailers(var scanner):
                guard let end = try scanner.scan(buffer.readableBytesUInt8Span, limits: limits) else {
                    state = .trailers(scanner)
                    return nil
                }
                let fields = try Self.trailers(
                    buffer.readableBytesUInt8Span.extracting(..<(end - 2)),
                    lines: scanner.lines,
                )
                buffer.moveReaderIndex(forwardBy: end)
                state = .fixed(0)
                if !fields.isEmpty { return .trailers(fields) }
            case .untilClose:
                return Self.slice(&buffer, atMost: .max).map(Step.body)
            }
        }
    }

    /// Reads a trailer section and refuses what must not stand in it.
    private static func trailers(_ bytes: Span<UInt8>, lines: Int) throws(WireError) -> HeaderFields {
        let fields = try FieldSection.parse(bytes, lines: lines)
        try fields.checkTrailers()
        return fields
    }

    private static func slice(_ buffer: inout ByteBuffer, atMost limit: UInt64) -> ByteBuffer? {
        let available = buffer.readableBytes
        guard available > 0 else { return nil }
        return buffer.readSlice(length: UInt64(available) < limit ? available : Int(limit))
    }
}

extension HeaderFields {
    /// Refuses fields that must be known before the body.
    func checkTrailers() throws(WireError) {
        for entry in entries where FieldName.isForbiddenInTrailers(storage.span.extracting(entry.nameRange)) {
            throw WireError(.badTrailer, "A trailer holds a field that must stand in the head; move it there.")
        }
    }
}
