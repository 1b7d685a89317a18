import CountersignCore
import Logging
import MCPWire
import Subprocess
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs the servers that connections name by command, holds the streams of those with HTTP+SSE, and ends both with the
/// gateway.
///
/// A child has its own process group and a clean environment; what it writes to its standard error is kept in a file.
final class MCPPipes: Sendable {
    private let requests: AsyncStream<(MCPPipeLink, MCPPipe)>
    private let source: AsyncStream<(MCPPipeLink, MCPPipe)>.Continuation
    private let folder: String
    private let logger: Logger

    /// `folder` is where the standard error of each server is kept.
    init(folder: String, logger: Logger) {
        (requests, source) = AsyncStream.makeStream()
        self.folder = folder
        self.logger = logger
    }

    /// Opens a pipe; the link hears by ``MCPPipeLink/ended(_:_:)`` when it is over.
    func start(_ link: MCPPipeLink, _ pipe: MCPPipe) {
        guard case .enqueued = source.yield((link, pipe)) else { return link.ended(pipe, MCPPipeLink.gone) }
    }

    /// Keeps pipes until cancelled; those over HTTP on the event loops given.
    func run(on homes: [LoopState], pool: UpstreamPool) async {
        _ = unsafe mkdir(folder, 0o700)
        await withDiscardingTaskGroup { group in
            var next = 0
            for await (link, pipe) in requests {
                switch link.other {
                case .command(let command): group.addTask { await self.run(command, link, pipe) }
                case .events(let target):
                    let home = homes[next % homes.count]
                    next += 1
                    let events = MCPEventPipe(target: target, link: link, pipe: pipe, pool: pool, home: home)
                    group.addTask(executorPreference: home.executor) { await events.run() }
                }
            }
            group.cancelAll()
        }
    }

    private func run(_ command: MCPCommand, _ link: MCPPipeLink, _ pipe: MCPPipe) async {
        var hasStarted = false
        var why = "The server's process has ended."
        do {
            let result = try await Subprocess.run(
                configuration(command),
                input: .inputWriter,
                output: .sequence,
                error: .sequence,
            ) { execution in
                hasStarted = true
                logger.notice("a server was started", metadata: ["connection": "\(link.name)"])
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await message in pipe.input {
                            let line = message + [UInt8(ascii: "\n")]
                            guard (try? await execution.standardInputWriter.write(line)) != nil else { break }
                            pipe.messageWritten(message)
                        }
                        pipe.close()
                        try? await execution.standardInputWriter.finish()
                    }
                    group.addTask { await self.keep(execution.standardError, link.name) }
                    group.addTask {
                        await Self.read(execution.standardOutput, link, pipe)
                        pipe.close()
                    }
                    // Its output has ended, or its input: it goes by itself, or is helped.
                    await pipe.closing()
                    await execution.teardown(using: Self.farewell)
                    // What it has started and left behind holds its streams open; its number is not given away yet.
                    try? execution.send(signal: .kill, toProcessGroup: true)
                    group.cancelAll()
                }
            }
            why = "The server's process has ended (\(result.terminationStatus))."
        } catch {
            why = hasStarted ? why : "The server's command cannot be run: \(command.arguments.first ?? "")."
        }
        logger.notice("a server has ended", metadata: ["connection": "\(link.name)", "how": "\(why)"])
        link.ended(pipe, MCPFailure(.upstreamUnavailable, why, executed: hasStarted ? nil : false))
    }

    /// How a child is ended whose input has ended; it may go by itself first, so the first signal is none.
    private static let farewell: [TeardownStep] = [
        .send(signal: Signal(rawValue: 0), allowedDurationToNextStep: .seconds(2)),
        .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(3)),
    ]

    private func configuration(_ command: MCPCommand) -> Subprocess.Configuration {
        let program = command.arguments.first ?? ""
        var environment = [Environment.Key: String]()
        for name in ["PATH", "HOME", "LANG", "TMPDIR"] {
            if let value = unsafe getenv(name) {
                environment[Environment.Key(stringLiteral: name)] = unsafe String(cString: value)
            }
        }
        for (name, value) in command.environment { environment[Environment.Key(stringLiteral: name)] = value }
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(3))
        ]
        return Subprocess.Configuration(
            executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(command.arguments.dropFirst())),
            environment: .custom(environment),
            workingDirectory: command.directory.map { FilePath($0) },
            platformOptions: options,
        )
    }

    private static func read(_ output: SubprocessOutputSequence, _ link: MCPPipeLink, _ pipe: MCPPipe) async {
        var framer = LineFramer(maximumLine: link.maximumAnswer)
        do {
            for try await buffer in output {
                let bytes = unsafe buffer.withUnsafeBytes { unsafe Array($0) }
                for line in try framer.feed(bytes) {
                    link.messageReceived(line, from: pipe)
                    await pipe.room()
                }
            }
        } catch {
            let why = "The server's output cannot be read."
            link.ended(pipe, MCPFailure(.upstreamUnavailable, why, executed: nil))
        }
    }

    /// Keeps what a server says of itself, in a file beside the spool: the last one to two mebibytes.
    private func keep(_ output: SubprocessOutputSequence, _ name: ConnectionName) async {
        do {
            for try await buffer in output {
                append(unsafe buffer.withUnsafeBytes { unsafe Array($0) }, to: "\(folder)/\(name).stderr")
            }
        } catch {
            logger.debug("a server's standard error ended", metadata: ["connection": "\(name)"])
        }
    }

    private func append(_ bytes: [UInt8], to path: String) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        if lseek(file, 0, SEEK_END) > 1 << 20 { _ = unsafe rename(path, path + ".1") }
    }
}
