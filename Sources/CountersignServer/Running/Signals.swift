import Dispatch
import Logging
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Turns the operating system's signals into a reload (SIGHUP) or a graceful shutdown (SIGTERM, SIGINT).
///
/// It returns when a shutdown is asked for, and the service group then ends the other services in turn.
struct Signals: Service {
    let reload: @Sendable () -> Void
    let logger: Logger

    func run() async throws {
        let (ends, end) = AsyncStream<CInt>.makeStream()
        let hangUp = Self.source(SIGHUP) { reload() }
        let terminate = Self.source(SIGTERM) { end.yield(SIGTERM) }
        let interrupt = Self.source(SIGINT) { end.yield(SIGINT) }
        defer {
            for source in [hangUp, terminate, interrupt] { source.cancel() }
        }
        await cancelWhenGracefulShutdown {
            for await signal in ends {
                logger.notice("shutting down", metadata: ["signal": "\(signal)"])
                return
            }
        }
    }

    private static func source(
        _ number: CInt,
        _ handle: @escaping @Sendable () -> Void,
    ) -> any DispatchSourceSignal {
        // The source sees the signal, but the default action would still kill the process.
        _ = signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler(handler: handle)
        source.activate()
        return source
    }
}
