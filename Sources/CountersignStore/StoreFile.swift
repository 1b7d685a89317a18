import CountersignCore

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The ledger's file before SQLite touches it: makes it private, and refuses what is not ours or too new.
struct StoreFile {
    /// Where it is.
    let path: String

    /// Makes the folder (0700) if there is none.
    ///
    /// An existing one is left as its owner made it.
    func makeFolder() throws(LedgerError) {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try Self.makeFolder(String(path[..<slash]))
        }
    }

    /// Whether there is a file.
    var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Creates the file (0600), or takes other users' rights to it away.
    ///
    /// SQLite gives its other files, the write-ahead log for instance, the same permissions.
    func makePrivate() throws(LedgerError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LedgerError(.unavailable, "cannot open \(path): \(describeError())") }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw LedgerError(.unavailable, "cannot make \(path) private: \(describeError())")
        }
    }

    /// Reads SQLite's header and refuses a file that is not a ledger or that a newer version wrote; changes nothing.
    func inspect() throws(LedgerError) {
        guard let header = try header() else { return }
        guard case .database(let version, let application) = header else {
            throw LedgerError(
                .corrupt,
                "\(path) is not a ledger, or its beginning is damaged: restore it from a backup, or move it away to "
                    + "begin a new log",
            )
        }
        try Schema.accept(version: version, application: application, path: path)
    }

    /// What a file says that it is.
    enum Header: Hashable {
        /// An SQLite database, with the numbers that tell whose.
        case database(version: Int64, application: Int64)
        /// Anything else.
        case foreign
    }

    /// Reads the file's beginning; `nil` if there is no file, or an empty one.
    func header() throws(LedgerError) -> Header? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw LedgerError(.unavailable, "cannot open \(path): \(describeError())")
        }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: 100)
        let count = unsafe header.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count != 0 else { return nil }
        guard count == header.count, header.starts(with: Array("SQLite format 3\0".utf8)) else { return .foreign }
        func number(at offset: Int) -> Int64 { header[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int64($1) } }
        return .database(version: number(at: 60), application: number(at: 68))
    }

    private static func makeFolder(_ path: String) throws(LedgerError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw LedgerError(.unavailable, "cannot make the folder \(path): \(describeError())")
        }
        try makeFolder(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw LedgerError(.unavailable, "cannot make the folder \(path): \(describeError())")
        }
    }
}
