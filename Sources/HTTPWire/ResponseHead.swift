package import NIOCore

/// What a response says before its body, in the one shape in which it was read.
///
/// As with ``RequestHead``, `framing` and `keepAlive` are conclusions that ``HTTPSerializer`` keeps in step with
/// `fields`.
package struct ResponseHead: Hashable, Sendable {
    /// The status: 100 to 599.
    package var status: Int
    /// The reason phrase, which carries no meaning; may be empty.
    package var reason: String
    /// The minor version: 0 or 1.
    package var minor: Int
    /// The fields in the order received.
    package var fields: HeaderFields
    /// Where the body ends; `.none` only where method or status allow no body.
    package var framing: BodyFraming
    /// Whether the connection stays open after this response.
    package var keepAlive: Bool

    /// Makes a head; an empty HTTP/1.1 response on a kept connection unless told otherwise.
    package init(
        status: Int,
        reason: String = "",
        minor: Int = 1,
        fields: HeaderFields = HeaderFields(),
        framing: BodyFraming = .length(0),
        keepAlive: Bool = true,
    ) {
        self.status = status
        self.reason = reason
        self.minor = minor
        self.fields = fields
        self.framing = framing
        self.keepAlive = keepAlive
    }
}

/// One step in reading a response; any number of `.informational`, then `.head`, `.body`, `.trailers`, `.end`.
package enum ResponseEvent: Hashable, Sendable {
    /// An interim 1xx response other than 101; the final one is still to come.
    case informational(ResponseHead)
    /// The final head, or 101, after which the connection no longer speaks HTTP.
    case head(ResponseHead)
    /// Some bytes of the body, without the chunked coding; shares storage with the buffer they came in.
    case body(ByteBuffer)
    /// The trailers; absent when there are none.
    case trailers(HeaderFields)
    /// The message is complete.
    case end
}
