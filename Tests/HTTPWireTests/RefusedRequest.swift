import HTTPWire
import Testing

/// A request that must be refused, and why.
struct RefusedRequest: Sendable, CustomTestStringConvertible {
    var bytes: [UInt8]
    var code: WireErrorCode

    var testDescription: String {
        "\(code.rawValue): \(String(decoding: bytes.prefix(80), as: UTF8.self).debugDescription)"
    }

    static let all: [RefusedRequest] = lines + fields + framing + chunks + hosts

    /// A whole message as written.
    private static func message(_ bytes: [UInt8], _ code: WireErrorCode) -> RefusedRequest {
        RefusedRequest(bytes: bytes, code: code)
    }

    /// A good request with one more line or more.
    private static func field(_ line: String, _ code: WireErrorCode) -> RefusedRequest {
        RefusedRequest(bytes: raw("POST /x HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n"), code: code)
    }

    /// A chunked request with this body.
    private static func chunked(_ body: String, _ code: WireErrorCode) -> RefusedRequest {
        RefusedRequest(
            bytes: raw("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)"),
            code: code,
        )
    }

    private static let lines: [RefusedRequest] = [
        message(wire("\nGET / HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire(" GET / HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET  / HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET /  HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET / HTTP/1.1 \nHost: a\n\n"), .badRequestLine),
        message(wire("GET / x HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET\t/ HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET /\tHTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET /\nHost: a\n\n"), .badRequestLine),
        message(wire("GET\n\n"), .badRequestLine),
        message(wire("GET / http/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET / HTTP/1.10\nHost: a\n\n"), .badRequestLine),
        message(wire("GET / HTTP/01.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET / HTTP/1,1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET / HTTP/1\nHost: a\n\n"), .badRequestLine),
        message(wire("GET / HTT\n\n"), .badRequestLine),
        message(wire("G(T / HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("G\u{0}T / HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire("GÉT / HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message(wire(String(repeating: "M", count: 33) + " / HTTP/1.1\nHost: a\n\n"), .badRequestLine),
        message([0x16, 0x03, 0x01, 0x02, 0x00, 0x01], .badRequestLine),
        message(wire("GET / HTTP/1.2\nHost: a\n\n"), .unsupportedVersion),
        message(wire("GET / HTTP/0.9\nHost: a\n\n"), .unsupportedVersion),
        message(wire("GET / HTTP/2.0\nHost: a\n\n"), .unsupportedVersion),
        message(wire("PRI * HTTP/2.0\n\nSM\n\n"), .unsupportedVersion),
        message(raw("GET / HTTP/1.1\nHost: a\r\n\r\n"), .bareLF),
        message(raw("GET / HTTP/1.1\n\n"), .bareLF),
        message(raw("GET / HTTP/1.1\r\nHost: a\n\r\n"), .bareLF),
        message(raw("GET / HTTP/1.1\r\nHost: a\r\n\n"), .bareLF),
        message(raw("GET / HTTP/1.1\r\rHost: a\r\n\r\n"), .bareCR),
        message(raw("GET\r/ HTTP/1.1\r\nHost: a\r\n\r\n"), .bareCR),
        message(raw("GET /\rHTTP/1.1\r\nHost: a\r\n\r\n"), .bareCR),
        message(raw("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), .bareCR),
        message(raw("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"), .bareCR),
        message(raw("GET / HTTP/1.1\r\nHost: a\r\nX\r: b\r\n\r\n"), .bareCR),
        message(raw("GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n"), .bareCR),
        message(wire("GET http://a/ HTTP/1.1\nHost: a\n\n"), .badTarget),
        message(wire("CONNECT a:443 HTTP/1.1\nHost: a\n\n"), .badTarget),
        message(wire("GET * HTTP/1.1\nHost: a\n\n"), .badTarget),
        message(wire("OPTIONS *x HTTP/1.1\nHost: a\n\n"), .badTarget),
        message(wire("GET x HTTP/1.1\nHost: a\n\n"), .badTarget),
        message(wire("GET /é HTTP/1.1\nHost: a\n\n"), .badTarget),
        message(wire("GET /\u{7F} HTTP/1.1\nHost: a\n\n"), .badTarget),
        message(wire("GET /\u{0} HTTP/1.1\nHost: a\n\n"), .badRequestLine),
    ]

    private static let fields: [RefusedRequest] = [
        message(wire("GET / HTTP/1.1\n Host: a\n\n"), .obsoleteFold),
        field("X: a\r\n b", .obsoleteFold),
        field("X: a\r\n\tb", .obsoleteFold),
        field(" X: a", .obsoleteFold),
        field("X : a", .badHeader),
        field("X\t: a", .badHeader),
        field(": a", .badHeader),
        field("X", .badHeader),
        field("X Y: a", .badHeader),
        field("X\u{0}: a", .badHeader),
        field("Xé: a", .badHeader),
        field("X(y): a", .badHeader),
        field("X: a\u{0}b", .badHeader),
        field("X: \u{1}", .badHeader),
        field("X: \u{7F}", .badHeader),
        field("X: \u{B}", .badHeader),
        field("Content_Length: 3", .badHeader),
        field("transfer_Encoding: chunked", .badHeader),
        message(wire("GET / HTTP/1.1\nHost: a\nX: ") + [0xFF, 13, 10, 13, 10], .invalidUTF8),
        message(wire("GET / HTTP/1.1\nHost: a\nX: ") + [0xC0, 0xAE, 13, 10, 13, 10], .invalidUTF8),
        message(wire("GET / HTTP/1.1\nHost: a\nX: ") + [0xED, 0xA0, 0x80, 13, 10, 13, 10], .invalidUTF8),
        field("Connection: close;x", .badConnection),
        field("Connection: \"close\"", .badConnection),
        field("Connection: a b", .badConnection),
        field("Connection: close, Authorization", .badConnection),
        field("Connection: host", .badConnection),
        field("Connection: content-length", .badConnection),
        field("Connection: Transfer-Encoding", .badConnection),
        field("Connection: cookie", .badConnection),
        field("Connection: content-type", .badConnection),
        field("Connection: cache-control", .badConnection),
        field("Connection: content-encoding", .badConnection),
        field("Connection: x-forwarded-for", .badConnection),
        field("Connection: x-forwarded-host", .badConnection),
        field("Connection: x-forwarded-proto", .badConnection),
        field("Connection: forwarded", .badConnection),
        field("Connection: set-cookie", .badConnection),
        field("Connection: www-authenticate", .badConnection),
        field("Expect: 200-ok", .badExpectation),
        field("Expect:", .badExpectation),
        field("Expect: 100-continue\r\nExpect: 100-continue", .badExpectation),
        message(wire("POST / HTTP/1.0\nExpect: 100-continue\n\n"), .badExpectation),
        field(Array(repeating: "X: a", count: 100).joined(separator: "\r\n"), .tooManyHeaders),
    ]

    private static let framing: [RefusedRequest] = [
        field("Content-Length: 3\r\nTransfer-Encoding: chunked", .ambiguousFraming),
        field("Transfer-Encoding: chunked\r\nContent-Length: 3", .ambiguousFraming),
        field("Content-Length: 3\r\nTransfer-Encoding: identity", .ambiguousFraming),
        field("Content-Length: 3\r\nContent-Length: 3", .ambiguousFraming),
        field("Content-Length: 3\r\nContent-Length: 4", .ambiguousFraming),
        field("Content-Length: 3, 3", .badContentLength),
        field("Content-Length: 3 3", .badContentLength),
        field("Content-Length: +3", .badContentLength),
        field("Content-Length: -3", .badContentLength),
        field("Content-Length: 0x3", .badContentLength),
        field("Content-Length: 3.0", .badContentLength),
        field("Content-Length: 03", .badContentLength),
        field("Content-Length: ٣", .badContentLength),
        field("Content-Length:", .badContentLength),
        field("Content-Length: 9223372036854775808", .badContentLength),
        field("Content-Length: 18446744073709551617", .badContentLength),
        field("Content-Length: 99999999999999999999999999", .badContentLength),
        field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", .unsupportedTransferCoding),
        field("Transfer-Encoding: gzip, chunked", .unsupportedTransferCoding),
        field("Transfer-Encoding: chunked, chunked", .unsupportedTransferCoding),
        field("Transfer-Encoding: chunked, identity", .unsupportedTransferCoding),
        field("Transfer-Encoding: identity", .unsupportedTransferCoding),
        field("Transfer-Encoding: chunked;q=1", .unsupportedTransferCoding),
        field("Transfer-Encoding: \"chunked\"", .unsupportedTransferCoding),
        field("Transfer-Encoding: xchunked", .unsupportedTransferCoding),
        field("Transfer-Encoding: chunked,", .unsupportedTransferCoding),
        field("Transfer-Encoding:", .unsupportedTransferCoding),
        message(wire("POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n0\n\n"), .unsupportedTransferCoding),
    ]

    private static let chunks: [RefusedRequest] =
        [
            chunked("3;x=y\r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked("3;\r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked("3 \r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked(" 3\r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked("+3\r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked("-3\r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked("0x3\r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked("g\r\n", .badChunk),
            chunked("\r\n", .badChunk),
            chunked("00000000000000003\r\nabc\r\n0\r\n\r\n", .badChunk),
            chunked("8000000000000000\r\n", .badChunk),
            chunked("3\r\nabcd\r\n0\r\n\r\n", .badChunk),
            chunked("3\r\nab\r\n0\r\n\r\n", .bareLF),
            chunked("3\nabc\r\n0\r\n\r\n", .bareLF),
            chunked("3\r\nabc\n0\r\n\r\n", .bareLF),
            chunked("3\rabc\r\n0\r\n\r\n", .bareCR),
            chunked("3\r\nabc\r0\r\n\r\n", .bareCR),
            chunked("0\r\nX: a\n\r\n", .bareLF),
            chunked("0\r\n\n", .bareLF),
            chunked("0\r\nX: a\rb\r\n\r\n", .bareCR),
            chunked("0\r\nX : a\r\n\r\n", .badHeader),
            chunked("0\r\nX: a\r\n b\r\n\r\n", .obsoleteFold),
            chunked("0\r\n" + String(repeating: "X: a\r\n", count: 101), .tooManyHeaders),
            chunked("0\r\nContent-Length: 3\r\n\r\n", .badTrailer),
            chunked("0\r\ncontent_length: 3\r\n\r\n", .badTrailer),
            chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n", .badTrailer),
            chunked("0\r\nHost: b\r\n\r\n", .badTrailer),
            chunked("0\r\nAuthorization: b\r\n\r\n", .badTrailer),
        ]
        + [
            "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE",
            "Trailer", "Upgrade", "Range", "Pragma", "Prefer", "If-Match", "If-Range", "Max-Forwards",
            "If-None-Match", "Idempotency-Key", "If-Modified-Since", "If-Unmodified-Since", "Age", "Date", "Vary",
            "Expires", "Warning", "Location", "Retry-After", "Content-Range", "X-Real-IP", "Set-Cookie",
        ].map { chunked("0\r\n\($0): 1\r\n\r\n", .badTrailer) }

    private static let hosts: [RefusedRequest] =
        [
            message(wire("GET / HTTP/1.1\n\n"), .missingHost),
            message(wire("GET / HTTP/1.1\nHost: a\nHost: a\n\n"), .duplicateHost),
            message(wire("GET / HTTP/1.0\nHost: a\nhost: b\n\n"), .duplicateHost),
        ]
        + [
            "", "a b", "a,b", "a/b", "a@b", "a?b", "a#b", "a\\b", "a:", "a:b", "a:65536", "a:0", "a:123456", ":80",
            "[::1", "[]", "[g::1]", "[::1]x", "[::1]:", "é", "a;b", "http://a", "a%2e", "::1",
        ].map { message(wire("GET / HTTP/1.1\nHost: \($0)\n\n"), .badHost) }
}
