import CountersignCore
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Sends batches as RFC 5424 messages over TLS (RFC 5425).
///
/// The protocol has no acknowledgement. A batch counts as delivered when it was written, when the receiver's machine has
/// acknowledged every byte (where the system can tell), and when the connection is whole a moment later. What a receiver
/// loses after that, it loses. The actor guards the connection.
package actor SyslogSink: ExportSink {
    private let host: String
    private let port: Int
    private let settings: ExportSettings
    private let origin: String
    private let timeout: TimeAmount
    private let context: NIOSSLContext
    private var channel: (any Channel)?
    private var first = FirstError()

    /// How long a connection must stay whole after a batch.
    static let grace = TimeAmount.milliseconds(50)

    /// Will connect to a receiver.
    package init(host: String, port: Int, settings: ExportSettings, origin: String) throws(ExportFailure) {
        self.host = host
        self.port = port
        self.settings = settings
        self.origin = origin
        timeout = .nanoseconds(settings.timeout.wholeMicroseconds * 1000)
        do {
            context = try NIOSSLContext(configuration: ExportTLS.configuration(trustRoots: settings.trustRoots))
        } catch {
            throw ExportFailure(.refused, "the authorities in tls.ca cannot be used: \(error)")
        }
    }

    /// Sends a batch, connecting first if need be.
    package func deliver(_ batch: ExportBatch) async throws(ExportFailure) {
        var buffer = ByteBuffer()
        for record in batch.records {
            let message = SyslogMessage(record, origin: origin, enterprise: settings.enterprise)
            buffer.writeBytes(message.frame)
        }
        do {
            let channel = try await connected()
            // A receiver that takes nothing more must not hold this for ever.
            let alarm = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
            defer { alarm.cancel() }
            try await withTaskCancellationHandler {
                try await channel.writeAndFlush(buffer).get()
                try await Self.settle(channel)
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            channel?.close(promise: nil)
            channel = nil
            if error is CancellationError || Task.isCancelled {
                throw ExportFailure(.stopped, "the process is stopping")
            }
            let why = first.description ?? ExportTLS.describe(error)
            throw ExportFailure(.unreachable, "\(settings.destination) failed: \(why)")
        }
    }

    /// Ends the connection.
    package func close() async {
        try? await channel?.close().get()
        channel = nil
    }

    private func connected() async throws -> any Channel {
        if let channel, channel.isActive { return channel }
        let (context, name, first) = (context, Self.isAddress(host) ? nil : host, FirstError())
        self.first = first
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: name)
                    )
                    try channel.pipeline.syncOperations.addHandler(first)
                }
            }
            .connect(host: host, port: port)
            .get()
        self.channel = channel
        return channel
    }

    private static func isAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }

    /// Waits until the receiver's machine has every byte, and a moment more; throws if the connection ends before.
    private static func settle(_ channel: any Channel) async throws {
        #if os(Linux)
            if let options = channel as? any SocketOptionProvider {
                while try await options.getTCPInfo().get().tcpi_unacked > 0 {
                    try await stays(channel, .milliseconds(2))
                }
            }
        #endif
        try await stays(channel, grace)
    }

    /// Waits, and throws if the connection has ended by then.
    private static func stays(_ channel: any Channel, _ time: TimeAmount) async throws {
        try await channel.eventLoop.scheduleTask(in: time) {}.futureResult.get()
        guard channel.isActive else { throw ChannelError.eof }
    }
}

/// Ends the connection at the first error, so that whoever waits for bytes to leave is told; the mutex guards which.
private final class FirstError: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let error = Mutex<String?>(nil)

    /// The first error in words.
    var description: String? { error.withLock { $0 } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.error.withLock { $0 = $0 ?? ExportTLS.describe(error) }
        context.close(promise: nil)
    }
}
