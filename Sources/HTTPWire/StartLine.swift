/// Reads the first line of a head (RFC 9112, sections 3 and 4), which is known to end in CRLF.
enum StartLine {
    /// The longest method accepted.
    static let maximumMethodBytes = 32

    /// A request line; `end` is where the fields start.
    struct Request {
        var method: String
        var target: String
        var minor: Int
        var end: Int
    }

    /// A status line; `end` is where the fields start.
    struct Status {
        var status: Int
        var reason: String
        var minor: Int
        var end: Int
    }

    static func request(_ bytes: Span<UInt8>) throws(WireError) -> Request {
        var position = 0
        while Grammar.isTokenByte(bytes[position]) { position &+= 1 }
        let methodEnd = position
        guard bytes[position] == Grammar.space, (1...maximumMethodBytes).contains(methodEnd) else {
            throw badRequestLine(bytes, at: position)
        }
        position += 1
        let targetStart = position
        while bytes[position] > 0x20, bytes[position] < 0x7F { position &+= 1 }
        let targetEnd = position
        guard bytes[position] == Grammar.space, targetEnd > targetStart else {
            throw bytes[position] >= 0x7F
                ? WireError(.badTarget, "The request target holds a byte outside ASCII; percent-encode it.")
                : badRequestLine(bytes, at: position)
        }
        position += 1
        guard let version = version(bytes, at: position), bytes[position + 8] == Grammar.carriageReturn else {
            throw badRequestLine(bytes, at: position)
        }
        guard bytes[position + 9] == Grammar.lineFeed else { throw FieldSection.bareCR }
        let minor = try supported(version)
        let isAsterisk = targetEnd - targetStart == 1 && bytes[targetStart] == UInt8(ascii: "*")
        let method = Grammar.string(bytes.extracting(0..<methodEnd))
        guard bytes[targetStart] == UInt8(ascii: "/") || (isAsterisk && method.utf8.elementsEqual("OPTIONS".utf8))
        else {
            throw WireError(.badTarget, "The request target is not a path; start it with `/`.")
        }
        return Request(
            method: method,
            target: Grammar.string(bytes.extracting(targetStart..<targetEnd)),
            minor: minor,
            end: position + 10,
        )
    }

    static func status(_ bytes: Span<UInt8>) throws(WireError) -> Status {
        var lineEnd = 0
        while bytes[lineEnd] != Grammar.carriageReturn { lineEnd &+= 1 }
        guard bytes[lineEnd + 1] == Grammar.lineFeed else { throw FieldSection.bareCR }
        guard lineEnd >= 12, let version = version(bytes, at: 0), bytes[8] == Grammar.space else {
            throw badStatusLine
        }
        let minor = try supported(version)
        var status = 0
        for index in 9..<12 {
            guard Grammar.isDigit(bytes[index]) else { throw badStatusLine }
            status = status * 10 + Int(bytes[index] &- 0x30)
        }
        guard (100...599).contains(status), lineEnd == 12 || bytes[12] == Grammar.space else { throw badStatusLine }
        let reason = bytes.extracting(min(13, lineEnd)..<lineEnd)
        for index in reason.indices where Grammar.isControl(reason[index]) && reason[index] != Grammar.tab {
            throw badStatusLine
        }
        return Status(status: status, reason: Grammar.string(reason), minor: minor, end: lineEnd + 2)
    }

    /// Whether a first byte may start a request line; lets a parser refuse TLS or blank lines at once.
    static func mayStartRequest(_ byte: UInt8) -> Bool { Grammar.isTokenByte(byte) }

    /// Whether a first byte may start a status line.
    static func mayStartStatus(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "H") }

    /// The two digits of `HTTP/x.y`, if exactly that stands here.
    private static func version(_ bytes: Span<UInt8>, at start: Int) -> (major: UInt8, minor: UInt8)? {
        guard bytes.count >= start + 10,
            bytes[start] == UInt8(ascii: "H"),
            bytes[start + 1] == UInt8(ascii: "T"),
            bytes[start + 2] == UInt8(ascii: "T"),
            bytes[start + 3] == UInt8(ascii: "P"),
            bytes[start + 4] == UInt8(ascii: "/"),
            Grammar.isDigit(bytes[start + 5]),
            bytes[start + 6] == UInt8(ascii: "."),
            Grammar.isDigit(bytes[start + 7])
        else { return nil }
        return (bytes[start + 5] &- 0x30, bytes[start + 7] &- 0x30)
    }

    private static func supported(_ version: (major: UInt8, minor: UInt8)) throws(WireError) -> Int {
        guard version.major == 1, version.minor <= 1 else {
            throw WireError(.unsupportedVersion, "The version is not HTTP/1.1 or HTTP/1.0; use HTTP/1.1.")
        }
        return Int(version.minor)
    }

    private static func badRequestLine(_ bytes: Span<UInt8>, at position: Int) -> WireError {
        if bytes[position] == Grammar.carriageReturn, bytes[position + 1] != Grammar.lineFeed {
            return FieldSection.bareCR
        }
        return WireError(
            .badRequestLine,
            "The first line is not `METHOD target HTTP/1.1` with single spaces and a method of at most 32 letters.",
        )
    }

    private static var badStatusLine: WireError {
        WireError(.badStatusLine, "The first line is not `HTTP/1.1`, a status from 100 to 599 and a reason.")
    }
}
