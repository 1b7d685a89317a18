import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Appends batches to a file, each made durable before it counts as delivered.
///
/// A file that was moved away is begun anew, as `logrotate` wants it. A last line that a crash left without its end is
/// cut: its entry was never counted, and comes again. The actor guards the open file; its calls block on a thread of
/// the pool for files, never on one that runs actions.
package actor FileSink: ExportSink {
    private let path: String
    private var file: Int32?

    /// Will write to a file.
    package init(path: String) { self.path = path }

    /// Appends a batch and waits until the disk has it.
    package func deliver(_ batch: ExportBatch) async throws(ExportFailure) {
        let bytes = batch.lines
        let (path, file) = (path, file)
        let result: Result<Int32, ExportFailure>
        do {
            result = try await NIOThreadPool.singleton.runIfActive {
                Result { () throws(ExportFailure) in try Self.append(bytes, to: file, path) }
            }
        } catch {
            throw ExportFailure(.stopped, "the process is stopping")
        }
        self.file = nil
        self.file = try result.get()
    }

    /// Closes the file.
    package func close() {
        if let file { Self.close(file) }
        file = nil
    }

    /// Appends to the open file, or the one that has its name now; closes it on failure.
    private static func append(_ bytes: [UInt8], to open: Int32?, _ path: String) throws(ExportFailure) -> Int32 {
        let file = try current(open, path)
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failure(closing: file, "cannot look at", path) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = failure("cannot write", path)
                // What is there of the batch goes, or the next try would follow half a line.
                _ = ftruncate(file, status.st_size)
                Self.close(file)
                throw failure
            }
            rest = rest.dropFirst(count)
        }
        // Not every kind of file can be synchronised; a pipe has nothing to lose.
        guard fsync(file) == 0 || errno == EINVAL || errno == EROFS else {
            throw failure(closing: file, "cannot make durable", path)
        }
        return file
    }

    /// The open file if it still has its name, else the one that has.
    private static func current(_ open: Int32?, _ path: String) throws(ExportFailure) -> Int32 {
        if let open {
            var mine = stat()
            var named = stat()
            if unsafe fstat(open, &mine) == 0, unsafe stat(path, &named) == 0, mine.st_ino == named.st_ino,
                mine.st_dev == named.st_dev
            {
                return open
            }
            close(open)
        }
        // Whoever may read the log is decided by the folder's owner; nobody else gets it by default.
        #if canImport(Glibc)
            let file = unsafe Glibc.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        #elseif canImport(Musl)
            let file = unsafe Musl.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        #else
            let file = unsafe Darwin.open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        #endif
        guard file >= 0 else { throw failure("cannot open", path) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failure(closing: file, "cannot look at", path) }
        if status.st_mode & S_IFMT == S_IFREG {
            try cutTornLine(file, size: status.st_size, path)
            try syncFolder(of: path, closing: file)
        }
        return file
    }

    /// Cuts what stands after the last line break.
    private static func cutTornLine(_ file: Int32, size: off_t, _ path: String) throws(ExportFailure) {
        var end = size
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while end > 0 {
            let start = max(0, end - off_t(buffer.count))
            let wanted = Int(end - start)
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, wanted, start) }
            guard count == wanted else { throw failure(closing: file, "cannot read", path) }
            if let last = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) {
                end = start + off_t(last) + 1
                break
            }
            end = start
        }
        guard end == size || ftruncate(file, end) == 0 else { throw failure(closing: file, "cannot cut", path) }
    }

    /// Makes the file's name durable.
    private static func syncFolder(of path: String, closing file: Int32) throws(ExportFailure) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { String(path.utf8[..<$0]) ?? "" } ?? "."
        #if canImport(Glibc)
            let descriptor = unsafe Glibc.open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
        #elseif canImport(Musl)
            let descriptor = unsafe Musl.open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
        #else
            let descriptor = unsafe Darwin.open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
        #endif
        guard descriptor >= 0 else { throw failure(closing: file, "cannot open the folder of", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw failure(closing: file, "cannot make durable the folder of", path)
        }
    }

    private static func close(_ file: Int32) {
        #if canImport(Glibc)
            _ = Glibc.close(file)
        #elseif canImport(Musl)
            _ = Musl.close(file)
        #else
            _ = Darwin.close(file)
        #endif
    }

    private static func failure(closing file: Int32, _ what: String, _ path: String) -> ExportFailure {
        let failure = failure(what, path)
        close(file)
        return failure
    }

    private static func failure(_ what: String, _ path: String) -> ExportFailure {
        let why = unsafe String(cString: strerror(errno))
        return ExportFailure(.unreachable, "\(what) \(path): \(why)")
    }
}
