#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the file system alone takes: blocks written one after the other, each synced before the next.
///
/// `isOverwriting` writes over blocks that the file has already, as SQLite's write-ahead log does once it has been begun
/// anew; otherwise the file grows, and each sync brings the file's new length to disk as well.
func floorTimes(folder: String, bytes: Int, seconds: Int, isOverwriting: Bool) -> String {
    let path = folder + "/floor.bin"
    _ = unsafe unlink(path)
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    precondition(descriptor >= 0, "cannot open \(path)")
    defer {
        close(descriptor)
        _ = unsafe unlink(path)
    }
    var block = [UInt8](repeating: 0, count: bytes)
    for index in block.indices { block[index] = UInt8(truncatingIfNeeded: index &* 31) }
    let length = 16 << 20
    func put(at offset: Int) {
        let written = unsafe block.withUnsafeBytes {
            unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset))
        }
        precondition(written == bytes, "the disk is full")
        precondition(fdatasync(descriptor) == 0, "fdatasync failed")
    }
    if isOverwriting {
        for offset in stride(from: 0, to: length, by: bytes) {
            _ = unsafe block.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
        }
        fsync(descriptor)
    }
    for number in 0..<50 { put(at: number * bytes) }
    var times = [Int]()
    let begin = nanoseconds()
    let end = begin + seconds * 1_000_000_000
    var offset = isOverwriting ? 0 : 50 * bytes
    var now = begin
    while now < end {
        put(at: offset)
        offset += bytes
        if isOverwriting, offset + bytes > length { offset = 0 }
        let after = nanoseconds()
        times.append(after - now)
        now = after
    }
    let rate = Double(times.count) / (Double(now - begin) / 1e9)
    return "{\"bytes\": \(bytes), \"overwriting\": \(isOverwriting), \"per_second\": \(rate), \(Times(times).json)}"
}

#if canImport(Darwin)
    /// Apple's systems have no `fdatasync`; this brings as much to disk.
    private func fdatasync(_ descriptor: Int32) -> Int32 { fcntl(descriptor, F_FULLFSYNC) }
#endif
