import NIOCore
import NIOPosix

/// A server that begins a good answer to everything at once and goes on with a byte now and then, for ever.
struct DribblingPeer {
    private let channel: any Channel

    /// Where it listens.
    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    /// Lends one for as long as `body` runs.
    static func serving(_ body: (DribblingPeer) async throws -> Void) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Dribble()) }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        try await body(DribblingPeer(channel: channel))
        try await channel.close().get()
    }
}

private final class Dribble: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var drops: RepeatedTask?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard drops == nil else { return }
        let channel = context.channel
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 60000\r\n\r\n"
        channel.writeAndFlush(ByteBuffer(string: head), promise: nil)
        drops = context.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(10)) { _ in
            channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        drops?.cancel()
        context.fireChannelInactive()
    }
}
