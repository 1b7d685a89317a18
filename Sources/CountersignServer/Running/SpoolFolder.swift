import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The folder where the gateway keeps bodies that are too large for memory.
struct SpoolFolder: Sendable {
    let path: String

    /// Reads a kept body in pieces; names with a path in them are refused.
    func open(_ name: String) async throws -> any AsyncSequence<ByteBuffer, any Error> {
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), name != "..", name != "." else {
            throw StartupError("\(name) is not the name of a spool file")
        }
        let file = try await OpenFile.open(path + "/" + name)
        return AsyncThrowingStream { try await file.next() }
    }
}

/// A file that is read from its beginning, off the event loops; closed with the last reference.
private final class OpenFile: Sendable {
    private let descriptor: CInt

    private init(descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    static func open(_ path: String) async throws -> OpenFile {
        try await NIOThreadPool.singleton.runIfActive {
            #if canImport(Glibc)
                let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            #elseif canImport(Musl)
                let descriptor = unsafe Musl.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            #else
                let descriptor = unsafe Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            #endif
            guard descriptor >= 0 else { throw StartupError("cannot open \(path): \(Self.reason())") }
            return OpenFile(descriptor: descriptor)
        }
    }

    func next() async throws -> ByteBuffer? {
        try await NIOThreadPool.singleton.runIfActive { [self] in
            var buffer = ByteBufferAllocator().buffer(capacity: 65_536)
            let count = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) { space in
                unsafe max(0, read(descriptor, space.baseAddress, space.count))
            }
            return count > 0 ? buffer : nil
        }
    }

    private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
