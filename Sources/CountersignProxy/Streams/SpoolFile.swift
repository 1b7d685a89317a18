import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file for bytes that are too many for memory; gone when nobody holds it, unless it was kept under its name.
///
/// Sendable because the descriptor is only used through positioned calls on the thread pool, one at a time per owner.
final class SpoolFile: Sendable {
    /// A system call failed.
    struct Failure: Error {
        let code: Int32
        /// Whether the disk is full.
        var isFull: Bool { code == ENOSPC || code == EDQUOT }
    }

    /// Where it is.
    let path: String
    private let descriptor: Int32
    private let isTemporary: Bool

    /// Makes an empty file, 0600.
    init(creating path: String) async throws {
        self.path = path
        descriptor = try await Self.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC)
        isTemporary = true
    }

    /// Opens a kept file for reading.
    init(reading path: String) async throws {
        self.path = path
        descriptor = try await Self.open(path, O_RDONLY | O_CLOEXEC)
        isTemporary = false
    }

    deinit {
        _ = close(descriptor)
        if isTemporary { _ = unsafe unlink(path) }
    }

    /// Writes all of `buffer` at `offset`.
    func write(_ buffer: ByteBuffer, at offset: UInt64) async throws {
        let descriptor = descriptor
        try await NIOThreadPool.singleton.runIfActive {
            var done = 0
            let total = buffer.readableBytes
            while done < total {
                let count = unsafe buffer.withUnsafeReadableBytes { bytes -> Int in
                    guard let base = bytes.baseAddress else { return 0 }
                    return unsafe pwrite(descriptor, base + done, total - done, off_t(offset) + off_t(done))
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Failure(code: errno) }
                done += count
            }
        }
    }

    /// Reads up to `count` bytes at `offset`; empty at the end.
    func read(at offset: UInt64, count: Int) async throws -> ByteBuffer {
        let descriptor = descriptor
        return try await NIOThreadPool.singleton.runIfActive {
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            while true {
                let size = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { bytes in
                    guard let base = bytes.baseAddress else { return 0 }
                    return unsafe max(0, pread(descriptor, base, count, off_t(offset)))
                }
                if size == 0, errno == EINTR {
                    errno = 0
                    continue
                }
                return buffer
            }
        }
    }

    /// The number of bytes.
    func size() async throws -> UInt64 {
        let descriptor = descriptor
        return try await NIOThreadPool.singleton.runIfActive {
            let end = lseek(descriptor, 0, SEEK_END)
            guard end >= 0 else { throw Failure(code: errno) }
            return UInt64(end)
        }
    }

    /// Gives the file another name under which it outlives this object.
    func keep(as name: String) async throws {
        let (path, descriptor) = (path, descriptor)
        try await NIOThreadPool.singleton.runIfActive {
            guard fsync(descriptor) == 0, unsafe link(path, name) == 0 || errno == EEXIST else {
                throw Failure(code: errno)
            }
        }
    }

    /// Removes a kept file; no error if it is gone.
    static func remove(_ path: String) async {
        _ = try? await NIOThreadPool.singleton.runIfActive { _ = unsafe unlink(path) }
    }

    /// The names of the files in a folder; none if it cannot be read.
    static func names(in folder: String) async -> [String] {
        let names = try? await NIOThreadPool.singleton.runIfActive { () -> [String] in
            guard let directory = unsafe opendir(folder) else { return [] }
            defer { _ = unsafe closedir(directory) }
            var names = [String]()
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                if name != ".", name != ".." { names.append(name) }
            }
            return names
        }
        return names ?? []
    }

    private static func open(_ path: String, _ flags: Int32) async throws -> Int32 {
        try await NIOThreadPool.singleton.runIfActive {
            #if canImport(Glibc)
                let descriptor = unsafe Glibc.open(path, flags, 0o600)
            #else
                let descriptor = unsafe Darwin.open(path, flags, 0o600)
            #endif
            guard descriptor >= 0 else { throw Failure(code: errno) }
            return descriptor
        }
    }
}
