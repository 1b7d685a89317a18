package import NIOCore

/// Reads responses from the bytes of one upstream connection, without doing I/O itself.
///
/// As strict about framing as ``RequestParser``, for the same reason: an upstream whose responses two readers split
/// differently can poison the connection for the next agent. Only the reason phrase, which means nothing, is read
/// leniently. Bytes that arrive before a request was announced with `expectResponse` are refused.
///
/// After an error the parser stays refused; close the connection.
package struct ResponseParser: Sendable {
    /// What the next response answers.
    private struct Expectation: Sendable {
        var method: String
        var offersUpgrade: Bool
        /// The number of interim responses so far.
        var interim = 0
        var scanner = SectionScanner(startLines: 1)
    }

    private enum State {
        /// No request is open; nothing may arrive.
        case idle
        /// A request is open and its final head has not arrived.
        case head(Expectation)
        /// After `.head`, until `.end` has been returned.
        case body(BodyReader)
        /// After `.head` of a response that ended HTTP on this connection.
        case upgraded
        /// After an error, for good.
        case refused(WireError)
    }

    /// The most interim responses to one request.
    private static let maximumInterim = 16

    private let limits: WireLimits
    private var state = State.idle

    /// Makes a parser for one connection.
    package init(limits: WireLimits = WireLimits()) {
        self.limits = limits
    }

    /// Announces the request that the next response answers; call it once for each request, before its response.
    ///
    /// `offersUpgrade` says that the request carried Upgrade; a 101 that nobody asked for is refused.
    package mutating func expectResponse(toMethod method: String, offersUpgrade: Bool = false) {
        switch state {
        case .idle:
            state = .head(Expectation(method: method, offersUpgrade: offersUpgrade))
        case .head, .body, .upgraded:
            state = .refused(WireError(.unexpectedResponse, "A request was sent before the last response ended."))
        case .refused: break
        }
    }

    /// Whether the connection no longer speaks HTTP; what is left in the buffer belongs to the new protocol.
    package var isUpgraded: Bool {
        switch state {
        case .upgraded: true
        case .idle, .head, .body, .refused: false
        }
    }

    /// Whether no response is outstanding, so that the connection may carry another request.
    package var isIdle: Bool {
        switch state {
        case .idle: true
        case .head, .body, .upgraded, .refused: false
        }
    }

    /// The next event, consuming its bytes; nil means that more bytes are needed, or that HTTP has ended.
    package mutating func next(_ buffer: inout ByteBuffer) throws(WireError) -> ResponseEvent? {
        do throws(WireError) {
            switch state {
            case .idle:
                if buffer.readableBytes == 0 { return nil }
                throw WireError(.unexpectedResponse, "Bytes arrived that answer no request.")
            case .head(var expectation):
                return try readHead(&buffer, &expectation)
            case .body(var reader):
                let step = try reader.next(&buffer, limits: limits)
                state = step == .end ? .idle : .body(reader)
                return step.map(ResponseEvent.init)
            case .upgraded:
                return nil
            case .refused(let error):
                throw error
            }
        } catch {
            state = .refused(error)
            throw error
        }
    }

    /// Tells that the upstream has closed; call it once `next` has returned nil.
    ///
    /// Returns `.end` where closing is what ends the body, and nil where nothing was outstanding.
    package mutating func inputEnded() throws(WireError) -> ResponseEvent? {
        switch state {
        case .idle, .upgraded:
            return nil
        case .head(let expectation) where expectation.scanner.scanned == 0 && expectation.interim == 0:
            throw refuse(WireError(.noResponse, "The upstream closed the connection without answering."))
        case .head:
            throw refuse(WireError(.headTooShort, "The upstream closed the connection inside a head."))
        case .body(let reader) where reader.endsAtClose:
            state = .idle
            return .end
        case .body:
            throw refuse(WireError(.bodyTooShort, "The upstream closed the connection before the body was complete."))
        case .refused(let error):
            throw error
        }
    }

    private mutating func refuse(_ error: WireError) -> WireError {
        state = .refused(error)
        return error
    }

    private mutating func readHead(
        _ buffer: inout ByteBuffer,
        _ expectation: inout Expectation,
    ) throws(WireError) -> ResponseEvent? {
        guard buffer.readableBytes > 0 else { return nil }
        if expectation.scanner.scanned == 0, !StartLine.mayStartStatus(buffer.readableBytesUInt8Span[0]) {
            throw WireError(.badStatusLine, "The first byte does not start `HTTP/1.1`.")
        }
        guard let end = try expectation.scanner.scan(buffer.readableBytesUInt8Span, limits: limits) else {
            state = .head(expectation)
            return nil
        }
        let head = try Self.parse(
            buffer.readableBytesUInt8Span.extracting(..<end),
            lines: expectation.scanner.lines,
            method: expectation.method,
        )
        buffer.moveReaderIndex(forwardBy: end)
        if head.status == 101 {
            guard expectation.offersUpgrade, head.minor == 1, head.fields.contains("upgrade") else {
                throw WireError(.unexpectedResponse, "The upstream switched protocols without being asked to.")
            }
            state = .upgraded
            return .head(head)
        }
        if head.status < 200 {
            expectation.interim += 1
            expectation.scanner = SectionScanner(startLines: 1)
            guard expectation.interim <= Self.maximumInterim else {
                throw WireError(.unexpectedResponse, "The upstream sent too many interim responses.")
            }
            state = .head(expectation)
            return .informational(head)
        }
        let isTunnel = ResponseRules.isTunnel(status: head.status, method: expectation.method)
        state = isTunnel ? .upgraded : .body(BodyReader(head.framing))
        return .head(head)
    }

    private static func parse(
        _ bytes: Span<UInt8>,
        lines: Int,
        method: String,
    ) throws(WireError) -> ResponseHead {
        let line = try StartLine.status(bytes)
        var fields = try FieldSection.parse(bytes.extracting(line.end..<(bytes.count - 2)), lines: lines)
        var control = try ControlFields(fields, minor: line.minor)
        if line.status == 204, control.contentLength == 0 {
            // Common and harmless, though RFC 9110, section 8.6, forbids it: taken out, so that it is not passed on.
            fields.remove("content-length")
            control = try ControlFields(fields, minor: line.minor)
        }
        let framing = try ResponseRules.framing(control, status: line.status, method: method)
        return ResponseHead(
            status: line.status,
            reason: line.reason,
            minor: line.minor,
            fields: fields,
            framing: framing,
            keepAlive: framing != .untilClose && control.keepsAlive(minor: line.minor),
        )
    }
}

extension ResponseEvent {
    fileprivate init(_ step: BodyReader.Step) {
        switch step {
        case .body(let bytes): self = .body(bytes)
        case .trailers(let fields): self = .trailers(fields)
        case .end: self = .end
        }
    }
}
