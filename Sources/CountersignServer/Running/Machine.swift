package import CountersignCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The machine's clock.
package struct SystemClock: WallClock {
    /// Reads it.
    package init() {}

    /// The present moment.
    package func time() -> Timestamp {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Timestamp(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
    }
}

extension Chance {
    /// The operating system's random numbers.
    package static let system = Chance {
        var words: (UInt64, UInt64) = (0, 0)
        // One system call for both; it cannot fail for so few bytes, and a machine without chance must not go on.
        let result = unsafe withUnsafeMutableBytes(of: &words) { unsafe getentropy($0.baseAddress, 16) }
        precondition(result == 0, "the operating system gives no random numbers")
        return words
    }
}

extension ConfigurationWorld {
    /// This process's environment and files.
    package static let system = ConfigurationWorld(
        environment: { name in
            guard let value = unsafe getenv(name) else { return nil }
            return unsafe String(validatingCString: value)
        },
        read: { path in LocalFile.read(path) },
    )

    /// This machine, with something in the place of every secret that it does not have.
    ///
    /// For commands: an operator's shell, a reviewer and a build machine have none of the gateway's secrets.
    package static let withoutSecrets = ConfigurationWorld(
        environment: { "a secret that is not here: " + $0 },
        read: { path in
            switch LocalFile.read(path) {
            case .success(let bytes): .success(bytes)
            case .failure: .success(Array("a secret that is not here: \(path)".utf8))
            }
        },
        checksTLS: false,
        hasSecrets: false,
    )
}

/// What a file looked like from outside; two that differ mean that it was written.
package struct FileStamp: Hashable, Sendable {
    private let size: Int64
    private let seconds: Int64
    private let nanoseconds: Int64
    private let inode: UInt64

    /// Looks at a file; `nil` if there is none.
    package init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        size = Int64(status.st_size)
        inode = UInt64(status.st_ino)
        #if canImport(Darwin)
            seconds = Int64(status.st_mtimespec.tv_sec)
            nanoseconds = Int64(status.st_mtimespec.tv_nsec)
        #else
            seconds = Int64(status.st_mtim.tv_sec)
            nanoseconds = Int64(status.st_mtim.tv_nsec)
        #endif
    }
}

/// Which file or folder it is, whatever path leads to it.
struct FileIdentity: Hashable {
    private let device: UInt64
    private let inode: UInt64

    /// Looks at a file; `nil` if there is none.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }
}

/// Files and folders of this machine, read whole.
package enum LocalFile {
    /// The bytes of a file of at most 256 MiB.
    package static func read(_ path: String) -> Result<[UInt8], ConfigurationWorld.ReadProblem> {
        guard let file = unsafe fopen(path, "re") else { return .failure(problem()) }
        defer { unsafe fclose(file) }
        var bytes = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, file) }
            bytes += chunk[..<count]
            guard count == chunk.count else { break }
            guard bytes.count <= 256 << 20 else { return .failure(.init(message: "the file is too large")) }
        }
        return unsafe ferror(file) == 0 ? .success(bytes) : .failure(problem())
    }

    /// The first bytes of a file, however large it is.
    static func read(_ path: String, upTo count: Int) -> Result<[UInt8], ConfigurationWorld.ReadProblem> {
        guard let file = unsafe fopen(path, "re") else { return .failure(problem()) }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = unsafe bytes.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, file) }
        return unsafe ferror(file) == 0 ? .success(Array(bytes.prefix(read))) : .failure(problem())
    }

    /// Writes a file that is not there yet, with its folders; whether this call made it.
    package static func create(_ path: String, _ text: String, mode: UInt32 = 0o644) throws(StartupError) -> Bool {
        try create(path, bytes: Array(text.utf8), mode: mode)
    }

    /// The same, of bytes.
    package static func create(_ path: String, bytes: [UInt8], mode: UInt32 = 0o644) throws(StartupError) -> Bool {
        try makeFolders(FilePath.folder(of: path))
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
        guard descriptor >= 0 else {
            if errno == EEXIST { return false }
            throw StartupError("cannot write \(path): \(problem().message)")
        }
        defer { close(descriptor) }
        let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw StartupError("cannot write \(path): \(problem().message)") }
        return true
    }

    /// Removes a file.
    package static func remove(_ path: String) throws(StartupError) {
        guard unsafe unlink(path) == 0 else { throw StartupError("cannot remove \(path): \(problem().message)") }
    }

    /// The names in a folder, sorted; `nil` if it cannot be read.
    package static func names(in folder: String) -> [String]? {
        guard let handle = unsafe opendir(folder) else { return nil }
        defer { unsafe closedir(handle) }
        var names = [String]()
        errno = 0
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { return nil }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether a path is a folder.
    package static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether there is something at a path.
    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    private static func makeFolders(_ path: String) throws(StartupError) {
        guard !path.isEmpty, !isFolder(path) else { return }
        try makeFolders(FilePath.folder(of: path))
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw StartupError("cannot make the folder \(path): \(problem().message)")
        }
    }

    private static func problem() -> ConfigurationWorld.ReadProblem {
        unsafe ConfigurationWorld.ReadProblem(message: String(cString: strerror(errno)))
    }
}
