package import NIOCore

/// Writes messages in exactly the shape that the parsers accept, and nothing else.
///
/// A head is held to the same rules on the way out as on the way in: what ``RequestParser`` or ``ResponseParser`` would
/// refuse, or would read with another framing than the head claims, is not written, and the buffer is left as it was.
/// Framing and connection fields follow from `framing` and `keepAlive`: present and in agreement they are written where
/// they stand, absent they are added at the end, contradicting they are an error. So fields may be stripped with
/// ``HeaderFields/removeHopByHop()`` before a head is forwarded.
package enum HTTPSerializer {
    /// Writes a request head.
    package static func write(request head: RequestHead, into buffer: inout ByteBuffer) throws(WireError) {
        let additions = try RequestWriting.additions(to: head)
        let size = head.method.utf8.count + head.target.utf8.count + head.fields.wireSize + 128
        buffer.reserveCapacity(minimumWritableBytes: size)
        buffer.writeString(head.method)
        buffer.writeStaticString(" ")
        buffer.writeString(head.target)
        buffer.writeStaticString(head.minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n")
        head.fields.write(into: &buffer)
        additions.write(into: &buffer)
        buffer.writeStaticString("\r\n")
    }

    /// Writes a response head; `method` is that of the request it answers, for it decides whether a body may follow.
    package static func write(
        response head: ResponseHead,
        toMethod method: String = "GET",
        into buffer: inout ByteBuffer,
    ) throws(WireError) {
        let additions = try ResponseWriting.additions(to: head, method: method)
        buffer.reserveCapacity(minimumWritableBytes: head.reason.utf8.count + head.fields.wireSize + 128)
        buffer.writeStaticString(head.minor == 1 ? "HTTP/1.1 " : "HTTP/1.0 ")
        buffer.writeString(String(head.status))
        buffer.writeStaticString(" ")
        buffer.writeString(head.reason)
        buffer.writeStaticString("\r\n")
        head.fields.write(into: &buffer)
        additions.write(into: &buffer)
        buffer.writeStaticString("\r\n")
    }

    /// Writes the line before the bytes of a chunk; the bytes and `writeChunkEnd` must follow.
    ///
    /// The size must not be zero, for that would end the body.
    package static func writeChunkHeader(size: Int, into buffer: inout ByteBuffer) {
        precondition(size > 0, "a chunk holds at least one byte")
        buffer.writeString(String(size, radix: 16))
        buffer.writeStaticString("\r\n")
    }

    /// Writes the line end behind the bytes of a chunk.
    package static func writeChunkEnd(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("\r\n")
    }

    /// Writes a whole chunk, copying its bytes; writes nothing if there are none.
    package static func writeChunk(_ body: ByteBuffer, into buffer: inout ByteBuffer) {
        guard body.readableBytes > 0 else { return }
        writeChunkHeader(size: body.readableBytes, into: &buffer)
        buffer.writeImmutableBuffer(body)
        writeChunkEnd(into: &buffer)
    }

    /// Writes the last chunk and the trailers, which ends a chunked body.
    package static func writeLastChunk(
        trailers: HeaderFields = HeaderFields(),
        into buffer: inout ByteBuffer,
    ) throws(WireError) {
        try trailers.checkWritable()
        try trailers.checkTrailers()
        buffer.writeStaticString("0\r\n")
        trailers.write(into: &buffer)
        buffer.writeStaticString("\r\n")
    }
}
