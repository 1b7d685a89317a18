/// Why a message was refused: a stable code for programs and a sentence for people.
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The stable reason.
    package let code: WireErrorCode
    /// What was wrong and how to mend it; safe to show to the peer, since it never quotes what the peer sent.
    package let message: String

    /// Makes an error.
    package init(_ code: WireErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the sentence.
    package var description: String { "\(code.rawValue): \(message)" }
}

/// The stable reasons for which a message is refused; the raw values appear in responses, logs and tests.
package enum WireErrorCode: String, Hashable, Sendable, CaseIterable {
    /// The request line is not exactly `METHOD SP target SP HTTP/1.x CRLF`.
    case badRequestLine = "bad-request-line"
    /// The status line is not `HTTP/1.x SP 3DIGIT SP reason CRLF`.
    case badStatusLine = "bad-status-line"
    /// The request target is in a form, or holds a sequence, that two readers may understand in two ways.
    case badTarget = "bad-target"
    /// The version is neither HTTP/1.0 nor HTTP/1.1.
    case unsupportedVersion = "unsupported-version"
    /// A field line is malformed.
    case badHeader = "bad-header"
    /// A field value is not valid UTF-8.
    case invalidUTF8 = "invalid-utf8"
    /// A field value continues on a second line.
    case obsoleteFold = "obs-fold"
    /// A CR is not followed by LF.
    case bareCR = "bare-cr"
    /// An LF is not preceded by CR.
    case bareLF = "bare-lf"
    /// The head, or the trailer section, is larger than the limit.
    case headTooLarge = "head-too-large"
    /// The head, or the trailer section, has more fields than the limit.
    case tooManyHeaders = "too-many-headers"
    /// The fields do not say in exactly one way where the body ends.
    case ambiguousFraming = "ambiguous-framing"
    /// Content-Length is not one plain decimal number.
    case badContentLength = "bad-content-length"
    /// Transfer-Encoding is anything but `chunked` on HTTP/1.1.
    case unsupportedTransferCoding = "unsupported-transfer-coding"
    /// Connection is not a list of tokens, or names a field that is not of one hop.
    case badConnection = "bad-connection"
    /// Expect asks for something else than `100-continue`.
    case badExpectation = "bad-expectation"
    /// An HTTP/1.1 request has no Host.
    case missingHost = "missing-host"
    /// A request has more than one Host.
    case duplicateHost = "duplicate-host"
    /// Host is empty or not `host` or `host:port`.
    case badHost = "bad-host"
    /// The chunked coding is malformed or carries extensions.
    case badChunk = "bad-chunk"
    /// The trailer section holds a field that must be known before the body.
    case badTrailer = "bad-trailer"
    /// The peer closed in the middle of a head.
    case headTooShort = "head-too-short"
    /// The peer closed in the middle of a body.
    case bodyTooShort = "body-too-short"
    /// The upstream closed before the first byte of a response; another connection may fare better.
    case noResponse = "no-response"
    /// Bytes arrived from an upstream that was asked nothing, or it switched protocols uninvited.
    case unexpectedResponse = "unexpected-response"
    /// A head to be written contradicts itself.
    case inconsistentHead = "inconsistent-head"

    /// The status with which a server answers a request that was refused for this reason.
    package var status: Int {
        switch self {
        case .badRequestLine, .badTarget, .badHeader, .invalidUTF8, .obsoleteFold, .bareCR, .bareLF,
            .ambiguousFraming, .badContentLength, .badConnection, .missingHost, .duplicateHost, .badHost, .badChunk,
            .badTrailer, .headTooShort, .bodyTooShort:
            400
        case .badExpectation: 417
        case .headTooLarge, .tooManyHeaders: 431
        case .unsupportedTransferCoding: 501
        case .unsupportedVersion: 505
        case .badStatusLine, .noResponse, .unexpectedResponse: 502
        case .inconsistentHead: 500
        }
    }
}
