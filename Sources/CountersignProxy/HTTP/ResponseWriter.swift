import HTTPWire
import NIOCore

/// Writes an upstream's response to an agent in the framing that the agent's version of HTTP has.
struct ResponseWriter {
    let stream: ByteStream
    let request: RequestHead
    let isDraining: Bool

    /// A response whose head is written.
    final class Body {
        let keepAlive: Bool
        private let stream: ByteStream
        private let isChunked: Bool
        private let hasBody: Bool
        private var hasEnded = false

        fileprivate init(_ stream: ByteStream, isChunked: Bool, hasBody: Bool, keepAlive: Bool) {
            self.stream = stream
            self.isChunked = isChunked
            self.hasBody = hasBody
            self.keepAlive = keepAlive
        }

        /// Writes some of the body, without flushing.
        func write(_ bytes: ByteBuffer) {
            guard hasBody, bytes.readableBytes > 0 else { return }
            guard isChunked else { return stream.write(bytes) }
            var size = ByteBuffer()
            HTTPSerializer.writeChunkHeader(size: bytes.readableBytes, into: &size)
            stream.write(size)
            stream.write(bytes)
            stream.write(Self.lineEnd)
        }

        /// Ends the body; the second call does nothing, so that trailers may come before the end.
        func end(trailers: HeaderFields?) throws(WireError) {
            guard !hasEnded else { return }
            hasEnded = true
            guard isChunked, hasBody else { return }
            var last = ByteBuffer()
            try HTTPSerializer.writeLastChunk(trailers: trailers ?? HeaderFields(), into: &last)
            stream.write(last)
        }

        private static let lineEnd = ByteBuffer(string: "\r\n")
    }

    /// Writes the head, without flushing; `nil` if it cannot be written.
    func begin(_ response: ResponseHead, fields: HeaderFields) -> Body? {
        let hasBody = request.method != "HEAD" && response.status != 204 && response.status != 304
        var framing = response.framing
        var keepAlive = request.keepAlive && !isDraining
        if hasBody {
            switch framing {
            case .length: break
            case .chunked, .untilClose:
                framing = request.minor == 1 ? .chunked : .untilClose
                if request.minor == 0 { keepAlive = false }
            case .none: framing = .length(0)
            }
        } else {
            framing = .none
        }
        var out = fields
        // To HEAD and in 304, the length tells about the body that a GET would have.
        if !hasBody, response.status != 204, let length = response.fields.first("content-length") {
            out.set(name: "Content-Length", value: length)
        }
        let head = ResponseHead(
            status: response.status,
            reason: response.reason,
            fields: out,
            framing: framing,
            keepAlive: keepAlive,
        )
        var buffer = ByteBuffer()
        guard (try? HTTPSerializer.write(response: head, toMethod: request.method, into: &buffer)) != nil else {
            return nil
        }
        stream.write(buffer)
        return Body(stream, isChunked: framing == .chunked, hasBody: hasBody, keepAlive: keepAlive)
    }
}
