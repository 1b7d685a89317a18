#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is wrong with the data folder or a key in it, and how to mend it.
package struct KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, where, and the mend; for operators.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Files that only their owner may read, in folders that only their owner may enter.
enum PrivateFile {
    /// Makes a folder, 0700, unless it is there; refuses one that others may write to.
    static func makeFolder(_ path: String, isSecret: Bool) throws(KeyError) {
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST { throw failure("cannot make the folder", path) }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw failure("cannot look at the folder", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw KeyError("\(path) is not a folder; move it away, or set `data` in the configuration")
        }
        if isSecret, status.st_mode & 0o077 != 0 {
            throw KeyError("others than its owner may enter \(path), which holds keys; run: chmod 700 \(path)")
        }
        guard unsafe access(path, R_OK | W_OK | X_OK) == 0 else { throw failure("cannot use the folder", path) }
    }

    /// Reads a file, which nobody but its owner may read; `nil` if there is none.
    static func read(_ path: String) throws(KeyError) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot read the key", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("cannot look at the key", path) }
        guard status.st_mode & 0o077 == 0 else {
            throw KeyError("others than its owner may read the key \(path); run: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Self.read(descriptor, into: &bytes)
        guard count >= 0 else { throw failure("cannot read the key", path) }
        return String(validating: bytes.prefix(count), as: UTF8.self)
    }

    /// Writes a file that is not there yet, 0600, durably; whoever finds it finds all of it.
    static func create(_ path: String, _ text: String) throws(KeyError) {
        let draft = path + ".new"
        _ = unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("cannot make the key", draft) }
        let bytes = Array(text.utf8)
        let written = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        let isDurable = written == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isDurable else { throw failure("cannot write the key", draft) }
        // A link, unlike a rename, never replaces a key that another process made meanwhile.
        guard unsafe link(draft, path) == 0 else { throw failure("cannot make the key", path) }
        _ = unsafe unlink(draft)
    }

    private static func read(_ descriptor: CInt, into bytes: inout [UInt8]) -> Int {
        unsafe bytes.withUnsafeMutableBytes { unsafe Self.posixRead(descriptor, $0.baseAddress, $0.count) }
    }

    private static func posixRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.read(descriptor, buffer, count)
        #elseif canImport(Musl)
            unsafe Musl.read(descriptor, buffer, count)
        #else
            unsafe Darwin.read(descriptor, buffer, count)
        #endif
    }

    private static func failure(_ what: String, _ path: String) -> KeyError {
        let cause = unsafe String(cString: strerror(errno))
        return KeyError(
            "\(what) \(path): \(cause); check its owner and permissions, or set `data` in the configuration"
        )
    }
}
