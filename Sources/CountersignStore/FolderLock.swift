import CountersignCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The exclusive right of this process to write a ledger, or a witness's state: a `flock` on a file beside it, given back by the kernel even
/// after `kill -9`.
final class FolderLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Takes the lock at once, or throws `.locked`; `what` is what is locked, for the message.
    init(path: String, of what: String = "ledger") throws(LedgerError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw LedgerError(.unavailable, "cannot open the lock file \(path): \(describeError())")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let holder = Self.holder(descriptor)
            close(descriptor)
            throw isTaken
                ? LedgerError(
                    .locked,
                    "another process\(holder) has this \(what) open: stop that one, or give this one another data folder",
                )
                : LedgerError(.unavailable, "cannot lock \(path): \(describeError())")
        }
        self.descriptor = Mutex(descriptor)
        ftruncate(descriptor, 0)
        // Only for the message above; nothing depends on it.
        let line = Array("\(getpid())\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit { release() }

    /// Gives the lock back.
    func release() {
        descriptor.withLock { descriptor in
            if let descriptor { close(descriptor) }
            descriptor = nil
        }
    }

    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 20)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        let digits = buffer.prefix(max(0, count)).prefix { $0 >= 48 && $0 <= 57 }
        return digits.isEmpty ? "" : " (\(String(decoding: digits, as: UTF8.self)))"
    }
}

/// The text of `errno`.
func describeError() -> String { unsafe String(cString: strerror(errno)) }
