import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder on a disk: every file is written beside its place, synced, renamed into it, and its folder synced.
package struct DiskFolder: DurableFolder {
    /// Where it is.
    package let path: String
    private let fileMode: mode_t
    private let folderMode: mode_t

    /// A folder that only its owner may look into, or one that a file server of another user may read.
    ///
    /// Nothing is made before something is written.
    package init(path: String, isPublic: Bool) {
        self.path = path
        fileMode = isPublic ? 0o644 : 0o600
        folderMode = isPublic ? 0o755 : 0o700
    }

    /// A file's bytes; `nil` if there is none.
    package func read(_ name: String) async throws(FolderError) -> [UInt8]? {
        try await off { () throws(FolderError) in try Self.read(path + "/" + name) }
    }

    /// Replaces files durably.
    package func write(_ files: [FolderFile]) async throws(FolderError) {
        try await off { () throws(FolderError) in
            var folders = Set<String>()
            for file in files { folders.insert(Self.folder(of: path + "/" + file.name)) }
            for folder in folders.sorted() { try makeFolder(folder) }
            for file in files { try draft(file) }
            // A crash from here on leaves some files new and some old, each of them whole.
            for file in files {
                let place = path + "/" + file.name
                guard unsafe rename(place + Self.suffix, place) == 0 else { throw Self.failure("put in place", place) }
            }
            for folder in folders { try Self.sync(folder) }
        }
    }

    /// Removes files.
    package func remove(_ names: [String]) async throws(FolderError) {
        try await off { () throws(FolderError) in
            for name in names {
                guard unsafe unlink(path + "/" + name) == 0 || errno == ENOENT else {
                    throw Self.failure("remove", path + "/" + name)
                }
                // A folder of partial tiles that has none left; one that has is not removed.
                let folder = Self.folder(of: path + "/" + name)
                if folder.hasSuffix(".p") { _ = unsafe rmdir(folder) }
            }
        }
    }

    /// The names of what is in a folder inside, sorted.
    package func names(in folder: String) async throws(FolderError) -> [String] {
        try await off { () throws(FolderError) in
            let place = folder.isEmpty ? path : path + "/" + folder
            guard let handle = unsafe opendir(place) else {
                if errno == ENOENT { return [] }
                throw Self.failure("look into", place)
            }
            defer { unsafe closedir(handle) }
            var names = [String]()
            while let entry = unsafe readdir(handle) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                if name != ".", name != "..", !name.hasSuffix(Self.suffix) { names.append(name) }
            }
            return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    /// What a file is called before it is in its place; one that a crash left is written over.
    private static let suffix = ".new"

    private func draft(_ file: FolderFile) throws(FolderError) {
        let place = path + "/" + file.name + Self.suffix
        let descriptor = unsafe open(place, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, fileMode)
        guard descriptor >= 0 else { throw Self.failure("make", place) }
        let isWritten =
            Self.write(file.bytes, descriptor) && fchmod(descriptor, fileMode) == 0 && fsync(descriptor) == 0
        let problem = isWritten ? nil : Self.failure("write", place)
        guard close(descriptor) == 0, problem == nil else {
            let failure = problem ?? Self.failure("write", place)
            _ = unsafe unlink(place)
            throw failure
        }
    }

    private static func write(_ bytes: [UInt8], _ descriptor: CInt) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Self.posixWrite(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    private func makeFolder(_ folder: String) throws(FolderError) {
        if unsafe mkdir(folder, folderMode) == 0 {
            // The mode is cut by the process's mask; a file server of another user must be able to read.
            guard unsafe chmod(folder, folderMode) == 0 else { throw Self.failure("open to its readers", folder) }
            return try Self.sync(Self.folder(of: folder))
        }
        if errno == EEXIST { return }
        let above = Self.folder(of: folder)
        guard errno == ENOENT, above != folder else { throw Self.failure("make the folder", folder) }
        try makeFolder(above)
        try makeFolder(folder)
    }

    private static func sync(_ folder: String) throws(FolderError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open the folder", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("make durable the folder", folder) }
    }

    private static func read(_ place: String) throws(FolderError) -> [UInt8]? {
        let descriptor = unsafe open(place, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("open", place)
        }
        defer { close(descriptor) }
        var bytes = [UInt8]()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe posixRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", place) }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func folder(of place: String) -> String {
        guard let slash = place.lastIndex(of: "/") else { return "." }
        return slash == place.startIndex ? "/" : String(place[..<slash])
    }

    private static func failure(_ what: String, _ place: String) -> FolderError {
        FolderError("cannot \(what) \(place): \(unsafe String(cString: strerror(errno)))")
    }

    /// Runs on a thread that may block.
    private func off<Value: Sendable>(
        _ work: @escaping @Sendable () throws(FolderError) -> Value
    ) async throws(FolderError) -> Value {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try work() }
        } catch let error as FolderError {
            throw error
        } catch {
            throw FolderError("cannot work in \(path): \(error)")
        }
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

    private static func posixWrite(_ descriptor: CInt, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.write(descriptor, buffer, count)
        #elseif canImport(Musl)
            unsafe Musl.write(descriptor, buffer, count)
        #else
            unsafe Darwin.write(descriptor, buffer, count)
        #endif
    }
}
