import Crypto
import HTTPWire
import NIOCore

/// A request's body, complete: in memory up to the connection's limit, otherwise in a spool file.
struct RequestBody: Sendable {
    /// Where the bytes are.
    enum Content: Sendable {
        case none
        case memory(ByteBuffer)
        case file(SpoolFile, sha256: [UInt8], excerpt: ByteBuffer)
    }

    let content: Content
    /// The number of bytes.
    let count: UInt64
    /// The trailers, if the request had any.
    let trailers: HeaderFields

    static let empty = RequestBody(content: .none, count: 0, trailers: HeaderFields())
}

/// Gathers a body as it arrives.
struct BodyGatherer {
    private let inlineLimit: Int
    private let maximum: UInt64
    private let path: () -> String
    private var memory = ByteBuffer()
    private var file: SpoolFile?
    /// Of what is in the file.
    private var hash: SHA256?
    private var count: UInt64 = 0

    /// What stops gathering.
    enum Failure: Error {
        case tooLarge
        case disk(isFull: Bool)
    }

    /// Bodies beyond `inlineLimit` bytes go to a file at `path`; beyond `maximum` they are refused.
    init(inlineLimit: Int, maximum: UInt64, path: @escaping () -> String) {
        self.inlineLimit = inlineLimit
        self.maximum = maximum
        self.path = path
    }

    /// Takes some bytes.
    mutating func append(_ bytes: ByteBuffer) async throws(Failure) {
        let before = count
        count += UInt64(bytes.readableBytes)
        guard count <= maximum else { throw .tooLarge }
        do {
            if let file {
                unsafe bytes.withUnsafeReadableBytes { unsafe hash?.update(bufferPointer: $0) }
                try await file.write(bytes, at: before)
            } else if memory.readableBytes + bytes.readableBytes <= inlineLimit {
                memory.writeImmutableBuffer(bytes)
            } else {
                let file = try await SpoolFile(creating: path())
                memory.writeImmutableBuffer(bytes)
                var hash = SHA256()
                unsafe memory.withUnsafeReadableBytes { unsafe hash.update(bufferPointer: $0) }
                self.hash = hash
                try await file.write(memory, at: 0)
                self.file = file
                memory = ByteBuffer(buffer: memory.getSlice(at: memory.readerIndex, length: 512) ?? ByteBuffer())
            }
        } catch {
            throw .disk(isFull: (error as? SpoolFile.Failure)?.isFull ?? false)
        }
    }

    /// The whole body.
    func finish(trailers: HeaderFields) -> RequestBody {
        let content: RequestBody.Content
        if let file, let hash {
            content = .file(file, sha256: Array(hash.finalize()), excerpt: memory)
        } else {
            content = count == 0 ? .none : .memory(memory)
        }
        return RequestBody(content: content, count: count, trailers: trailers)
    }
}
