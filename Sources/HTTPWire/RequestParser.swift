package import NIOCore

/// Reads requests from the bytes of one connection, without doing I/O itself; strict where others are lenient.
///
/// A gateway that judges a message and then forwards it is only as good as its agreement with the server behind it on
/// what the message was. General parsers, NIOHTTP1's among them, repair much of what they read: they accept bare LF,
/// folded lines, duplicate lengths, leading blank lines, chunk extensions. Each repair is a place where the next
/// server may repair differently, and then the action that ran is not the action that was approved (request
/// smuggling). So this parser repairs nothing: everything that RFC 9110 and RFC 9112 let two readers understand in two
/// ways is refused with a stable code, and what is accepted is written again by ``HTTPSerializer`` in the very shape
/// in which it was read and judged.
///
/// Feed `next` until it returns nil, then read more from the peer. After `.end` it reads the next message. After an
/// error it stays refused: answer and close, for where the next message would start is unknown.
package struct RequestParser: Sendable {
    private enum State {
        /// Between messages or inside a head.
        case head(SectionScanner)
        /// After `.head`, until `.end` has been returned.
        case body(BodyReader)
        /// After an error, for good.
        case refused(WireError)
    }

    private let limits: WireLimits
    private var state = State.head(SectionScanner(startLines: 1))

    /// Makes a parser for one connection.
    package init(limits: WireLimits = WireLimits()) {
        self.limits = limits
    }

    /// The next event, consuming its bytes; nil means that more bytes are needed.
    package mutating func next(_ buffer: inout ByteBuffer) throws(WireError) -> RequestEvent? {
        do throws(WireError) {
            switch state {
            case .head(var scanner):
                return try readHead(&buffer, &scanner).map(RequestEvent.head)
            case .body(var reader):
                let step = try reader.next(&buffer, limits: limits)
                state = step == .end ? .head(SectionScanner(startLines: 1)) : .body(reader)
                return step.map(RequestEvent.init)
            case .refused(let error):
                throw error
            }
        } catch {
            state = .refused(error)
            throw error
        }
    }

    /// Tells that the peer has closed its side; call it once `next` has returned nil.
    package mutating func inputEnded() throws(WireError) {
        switch state {
        case .head(let scanner) where scanner.scanned == 0: return
        case .head: throw WireError(.headTooShort, "The connection was closed inside a head.")
        case .body: throw WireError(.bodyTooShort, "The connection was closed before the body was complete.")
        case .refused(let error): throw error
        }
    }

    /// Whether the parser stands between two messages.
    package var isIdle: Bool {
        switch state {
        case .head(let scanner): scanner.scanned == 0
        case .body, .refused: false
        }
    }

    private mutating func readHead(
        _ buffer: inout ByteBuffer,
        _ scanner: inout SectionScanner,
    ) throws(WireError) -> RequestHead? {
        guard buffer.readableBytes > 0 else { return nil }
        if scanner.scanned == 0, !StartLine.mayStartRequest(buffer.readableBytesUInt8Span[0]) {
            throw WireError(.badRequestLine, "The first byte does not start a method; send plain HTTP/1.1.")
        }
        guard let end = try scanner.scan(buffer.readableBytesUInt8Span, limits: limits) else {
            state = .head(scanner)
            return nil
        }
        let head = try Self.parse(buffer.readableBytesUInt8Span.extracting(..<end), lines: scanner.lines)
        buffer.moveReaderIndex(forwardBy: end)
        state = .body(BodyReader(head.framing))
        return head
    }

    private static func parse(_ bytes: Span<UInt8>, lines: Int) throws(WireError) -> RequestHead {
        let line = try StartLine.request(bytes)
        let fields = try FieldSection.parse(bytes.extracting(line.end..<(bytes.count - 2)), lines: lines)
        let control = try ControlFields(fields, minor: line.minor)
        try RequestRules.checkHost(control, fields, minor: line.minor)
        let framing = RequestRules.framing(control)
        let hasExpectation = try RequestRules.hasExpectation(control, fields, minor: line.minor)
        let upgrades = control.upgrade && control.hasUpgrade && line.minor == 1
        return RequestHead(
            method: line.method,
            target: line.target,
            minor: line.minor,
            fields: fields,
            framing: framing,
            expectsContinue: hasExpectation && framing != .none && framing != .length(0),
            keepAlive: control.keepsAlive(minor: line.minor),
            upgrade: upgrades ? fields.tokens(of: "upgrade").first : nil,
        )
    }
}

extension RequestEvent {
    fileprivate init(_ step: BodyReader.Step) {
        switch step {
        case .body(let bytes): self = .body(bytes)
        case .trailers(let fields): self = .trailers(fields)
        case .end: self = .end
        }
    }
}
