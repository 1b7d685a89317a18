import NIOCore

/// The fields that a head needs on the wire beyond those it lists.
struct FieldAdditions: Hashable {
    /// The framing to announce.
    enum Framing: Hashable {
        case nothing
        case length(UInt64)
        case chunked
    }

    /// The connection option to announce.
    enum Connection: Hashable {
        case nothing
        case close
        case keepAlive
    }

    var framing = Framing.nothing
    var connection = Connection.nothing

    func write(into buffer: inout ByteBuffer) {
        switch framing {
        case .nothing: break
        case .length(let length):
            buffer.writeStaticString("Content-Length: ")
            buffer.writeString(String(length))
            buffer.writeStaticString("\r\n")
        case .chunked:
            buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        switch connection {
        case .nothing: break
        case .close: buffer.writeStaticString("Connection: close\r\n")
        case .keepAlive: buffer.writeStaticString("Connection: keep-alive\r\n")
        }
    }

    /// The field that announces `framing`, if the head lacks it; refuses a head that announces another one.
    static func framing(
        _ framing: BodyFraming,
        _ control: ControlFields,
        minor: Int,
    ) throws(WireError) -> Framing {
        switch framing {
        case .none, .untilClose:
            guard !control.hasFraming else { throw contradiction }
            return .nothing
        case .length(let length):
            guard length <= UInt64(Int64.max), !control.isChunked else { throw contradiction }
            guard let announced = control.contentLength else { return .length(length) }
            guard announced == length else { throw contradiction }
            return .nothing
        case .chunked:
            guard minor == 1, control.contentLength == nil else { throw contradiction }
            return control.isChunked ? .nothing : .chunked
        }
    }

    /// The option that announces `keepAlive`, if the head lacks it; refuses a head that announces the opposite.
    static func connection(
        keepAlive: Bool,
        _ control: ControlFields,
        minor: Int,
    ) throws(WireError) -> Connection {
        if keepAlive == control.keepsAlive(minor: minor) { return .nothing }
        guard !control.close, !control.keepAlive else {
            throw WireError(.inconsistentHead, "Connection contradicts the head's keepAlive.")
        }
        return keepAlive ? .keepAlive : .close
    }

    private static var contradiction: WireError {
        WireError(.inconsistentHead, "Content-Length or Transfer-Encoding contradicts the head's framing.")
    }
}

/// Holds a request head to the rules by which it will be read.
enum RequestWriting {
    static func additions(to head: RequestHead) throws(WireError) -> FieldAdditions {
        try checkLine(head)
        try head.fields.checkWritable()
        let control = try ControlFields(head.fields, minor: head.minor)
        try RequestRules.checkHost(control, head.fields, minor: head.minor)
        _ = try RequestRules.hasExpectation(control, head.fields, minor: head.minor)
        guard head.framing != .untilClose else {
            throw WireError(.inconsistentHead, "A request body cannot end at close; give it a length or chunks.")
        }
        return FieldAdditions(
            framing: try FieldAdditions.framing(head.framing, control, minor: head.minor),
            connection: try FieldAdditions.connection(keepAlive: head.keepAlive, control, minor: head.minor),
        )
    }

    private static func checkLine(_ head: RequestHead) throws(WireError) {
        guard head.minor == 0 || head.minor == 1 else {
            throw WireError(.unsupportedVersion, "The version is not HTTP/1.1 or HTTP/1.0.")
        }
        guard (1...StartLine.maximumMethodBytes).contains(head.method.utf8.count),
            head.method.utf8.allSatisfy(Grammar.isTokenByte)
        else { throw WireError(.badRequestLine, "The method is not a token of at most 32 letters.") }
        let isAsterisk = head.target.utf8.elementsEqual("*".utf8) && head.method.utf8.elementsEqual("OPTIONS".utf8)
        guard isAsterisk || head.target.utf8.first == UInt8(ascii: "/"),
            head.target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw WireError(.badTarget, "The request target is not a path of visible ASCII characters.") }
    }
}

/// Holds a response head to the rules by which it will be read.
enum ResponseWriting {
    static func additions(to head: ResponseHead, method: String) throws(WireError) -> FieldAdditions {
        guard head.minor == 0 || head.minor == 1 else {
            throw WireError(.unsupportedVersion, "The version is not HTTP/1.1 or HTTP/1.0.")
        }
        guard (100...599).contains(head.status),
            head.reason.utf8.allSatisfy({ !Grammar.isControl($0) || $0 == Grammar.tab })
        else { throw WireError(.badStatusLine, "The status is not 100 to 599, or the reason holds a control.") }
        try head.fields.checkWritable()
        let control = try ControlFields(head.fields, minor: head.minor)
        let actual = try ResponseRules.framing(control, status: head.status, method: method)
        guard !ResponseRules.isBodyless(status: head.status, method: method) else {
            guard head.framing == .none || head.framing == .length(0), actual == .none else {
                throw WireError(.inconsistentHead, "A response that cannot have a body claims one.")
            }
            return FieldAdditions(
                connection: try FieldAdditions.connection(keepAlive: head.keepAlive, control, minor: head.minor)
            )
        }
        switch head.framing {
        case .none:
            throw WireError(.inconsistentHead, "This response has a body; give it a length, chunks or a close.")
        case .untilClose:
            guard actual == .untilClose, !head.keepAlive else {
                throw WireError(.inconsistentHead, "A body that ends at close cannot have a length or keep-alive.")
            }
            // No Connection is added: that this message ends the connection follows from its framing already.
            return FieldAdditions()
        case .length, .chunked:
            return FieldAdditions(
                framing: try FieldAdditions.framing(head.framing, control, minor: head.minor),
                connection: try FieldAdditions.connection(keepAlive: head.keepAlive, control, minor: head.minor),
            )
        }
    }
}
