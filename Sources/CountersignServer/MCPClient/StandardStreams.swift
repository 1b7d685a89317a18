import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard input and output of a process that speaks MCP to its parent; each blocks a thread of its own.
package struct StandardStreams: Sendable {
    private let input: NIOThreadPool
    private let output: NIOThreadPool

    /// Takes both over; whoever reads our output may go without ending us.
    package init() {
        signal(SIGPIPE, SIG_IGN)
        input = NIOThreadPool(numberOfThreads: 1)
        output = NIOThreadPool(numberOfThreads: 1)
        input.start()
        output.start()
    }

    /// The next bytes; none at the end.
    func read() async -> [UInt8] {
        let bytes = try? await input.runIfActive {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = unsafe chunk.withUnsafeMutableBytes { unsafe systemRead(0, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                return Array(chunk.prefix(max(count, 0)))
            }
        }
        return bytes ?? []
    }

    /// All of standard input, if it is at most so long.
    package func readAll(upTo limit: Int) async -> [UInt8]? {
        var all = [UInt8]()
        while case let bytes = await read(), !bytes.isEmpty {
            guard all.count + bytes.count <= limit else { return nil }
            all += bytes
        }
        return all
    }

    /// Writes a message and its line break; messages of several tasks never mix, and a slow reader holds the writer.
    func write(line: [UInt8]) async {
        _ = try? await output.runIfActive {
            // Between the tokens of a message a line break means nothing, and inside of strings there is none.
            var line = line
            for index in line.indices where line[index] == 0x0A || line[index] == 0x0D { line[index] = 0x20 }
            line.append(0x0A)
            var rest = line[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { unsafe systemWrite(1, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}

// The module's names are needed because members of the type have the same.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    #if canImport(Glibc)
        unsafe Glibc.read(descriptor, bytes, count)
    #elseif canImport(Musl)
        unsafe Musl.read(descriptor, bytes, count)
    #else
        unsafe Darwin.read(descriptor, bytes, count)
    #endif
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Glibc)
        unsafe Glibc.write(descriptor, bytes, count)
    #elseif canImport(Musl)
        unsafe Musl.write(descriptor, bytes, count)
    #else
        unsafe Darwin.write(descriptor, bytes, count)
    #endif
}
