/// How the end of a body is found (RFC 9112, section 6).
package enum BodyFraming: Hashable, Sendable {
    /// There is no body.
    case none
    /// The body is exactly this many bytes.
    case length(UInt64)
    /// The body is in chunks, each with its size, and may be followed by trailers.
    case chunked
    /// The body ends when the sender closes; responses only.
    case untilClose
}
