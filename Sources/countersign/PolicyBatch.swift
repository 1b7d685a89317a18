import Cedar
import CountersignServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `countersign policy evaluate --batch`: lines in, answers out, in order.
enum PolicyBatch {
    /// How many bytes are read, and gathered before they are written, at once.
    private static let chunk = 256 << 10

    /// Answers the lines of a file, or of standard input for `-`.
    ///
    /// An answer is written at the latest when the next line is not there yet, so that a program may ask line by line.
    static func answer(_ path: String) throws {
        let descriptor = path == "-" ? 0 : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(.usage, "cannot read \(path): \(Self.systemError())") }
        defer { if descriptor > 0 { close(descriptor) } }
        var evaluator = BatchEvaluator(isLiftable: { $0.annotation("approvers") != nil }, read: Self.bytes)
        var answers = [UInt8]()
        var line = [UInt8]()
        var buffer = [UInt8](repeating: 0, count: chunk)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(.failed, "cannot read \(path): \(Self.systemError())") }
            if count == 0 { break }
            var rest = buffer[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line += rest[..<end]
                rest = rest[(end + 1)...]
                take(line, &evaluator, &answers)
                line.removeAll(keepingCapacity: true)
                if answers.count >= chunk { try write(&answers) }
            }
            line += rest
            try write(&answers)
        }
        take(line, &evaluator, &answers)
        try write(&answers)
    }

    private static func take(_ line: [UInt8], _ evaluator: inout BatchEvaluator, _ answers: inout [UInt8]) {
        guard let answer = evaluator.answer(to: line) else { return }
        answers += answer
        answers.append(UInt8(ascii: "\n"))
    }

    private static func write(_ answers: inout [UInt8]) throws {
        var written = 0
        while written < answers.count {
            let count = unsafe answers.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                #if canImport(Glibc)
                    return unsafe Glibc.write(1, rest.baseAddress, rest.count)
                #elseif canImport(Musl)
                    return unsafe Musl.write(1, rest.baseAddress, rest.count)
                #else
                    return unsafe Darwin.write(1, rest.baseAddress, rest.count)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(.failed, "cannot write the answers: \(Self.systemError())") }
            written += count
        }
        answers.removeAll(keepingCapacity: true)
    }

    private static func bytes(of path: String) throws(BatchEvaluator.FileError) -> [UInt8] {
        switch LocalFile.read(path) {
        case .success(let bytes): return bytes
        case .failure(let problem): throw BatchEvaluator.FileError(problem.message)
        }
    }

    private static func systemError() -> String { unsafe String(cString: strerror(errno)) }
}
