package import NIOCore

/// What a request says before its body, in the one shape in which it was read.
///
/// `framing` and `keepAlive` are conclusions drawn from `fields` by ``RequestParser``. ``HTTPSerializer`` never lets
/// the two drift apart: it adds the field that a conclusion needs and refuses a head whose fields say otherwise.
package struct RequestHead: Hashable, Sendable {
    /// The method, case-sensitive as sent; any token of at most 32 bytes.
    package var method: String
    /// The exact request target, in origin-form or `*` for OPTIONS; ``RequestTarget`` checks it further.
    package var target: String
    /// The minor version: 0 or 1.
    package var minor: Int
    /// The fields in the order received.
    package var fields: HeaderFields
    /// Where the body ends.
    package var framing: BodyFraming
    /// Whether the client waits for `100 Continue` before it sends its body; false when there is no body.
    package var expectsContinue: Bool
    /// Whether the connection stays open after the response.
    package var keepAlive: Bool
    /// The first protocol of Upgrade, lowercased, if Connection lists `upgrade` and the version is 1.1.
    package var upgrade: String?

    /// Makes a head; a body-less HTTP/1.1 request on a kept connection unless told otherwise.
    package init(
        method: String,
        target: String,
        minor: Int = 1,
        fields: HeaderFields = HeaderFields(),
        framing: BodyFraming = .none,
        expectsContinue: Bool = false,
        keepAlive: Bool = true,
        upgrade: String? = nil,
    ) {
        self.method = method
        self.target = target
        self.minor = minor
        self.fields = fields
        self.framing = framing
        self.expectsContinue = expectsContinue
        self.keepAlive = keepAlive
        self.upgrade = upgrade
    }
}

/// One step in reading a request; a message is `.head`, any number of `.body`, at most one `.trailers`, `.end`.
package enum RequestEvent: Hashable, Sendable {
    /// The head is complete and accepted.
    case head(RequestHead)
    /// Some bytes of the body, without the chunked coding; shares storage with the buffer they came in.
    case body(ByteBuffer)
    /// The trailers; absent when there are none.
    case trailers(HeaderFields)
    /// The message is complete; the parser reads the next one from here.
    case end
}
