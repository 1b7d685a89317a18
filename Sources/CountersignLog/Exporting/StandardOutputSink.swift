import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes batches to standard output, which nothing else writes to while such an export is configured.
///
/// A reader that does not read must not hold the process: the pipe is asked before each write, and never given more than
/// it takes at once. The actor guards whether a line was left unfinished.
package actor StandardOutputSink: ExportSink {
    private let descriptor: Int32
    private var isTorn = false

    /// Writes to standard output, or to another descriptor that a test has.
    package init(descriptor: Int32 = 1) { self.descriptor = descriptor }

    /// Writes a batch; returns when the pipe, terminal or file has it.
    package func deliver(_ batch: ExportBatch) async throws(ExportFailure) {
        // A line break ends what an earlier try left, so that a reader who takes lines drops exactly that.
        var rest = ((isTorn ? [UInt8(ascii: "\n")] : []) + batch.lines)[...]
        isTorn = true
        while !rest.isEmpty {
            if Task.isCancelled { throw ExportFailure(.stopped, "the process is stopping") }
            let (descriptor, piece) = (descriptor, Array(rest.prefix(Self.piece)))
            let count: Int
            do {
                count = try await NIOThreadPool.singleton.runIfActive { Self.write(piece, to: descriptor) }
            } catch {
                throw ExportFailure(.stopped, "the process is stopping")
            }
            guard count >= 0 else {
                let why = unsafe String(cString: strerror(Int32(-count)))
                throw ExportFailure(.unreachable, "cannot write standard output: \(why)")
            }
            rest = rest.dropFirst(count)
        }
        isTorn = false
    }

    /// Leaves standard output open.
    package func close() {}

    /// What a pipe takes at once when it says that it takes anything.
    private static let piece = 4096

    /// Bytes written; 0 if there was no room for a tenth of a second; less for an error's number.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int {
        var asked = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let ready = unsafe poll(&asked, 1, 100)
        guard ready >= 0 else { return errno == EINTR ? 0 : -Int(errno) }
        guard ready > 0 else { return 0 }
        let count = unsafe bytes.withUnsafeBytes { buffer in
            #if canImport(Glibc)
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
                unsafe Musl.write(descriptor, buffer.baseAddress, buffer.count)
            #else
                unsafe Darwin.write(descriptor, buffer.baseAddress, buffer.count)
            #endif
        }
        guard count < 0 else { return count }
        return errno == EINTR || errno == EAGAIN ? 0 : -Int(errno)
    }
}
