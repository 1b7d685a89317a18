import CountersignCards
import NIOCore
import NIOPosix
import NIOSSL

/// The shell of ``SMTPMachine``: one connection for one mail.
struct SMTPConnection: Sendable {
    /// Where, and how long an answer may take.
    let settings: EmailSettings
    /// What TLS trusts; `nil` where there is none.
    let context: NIOSSLContext?

    /// Hands a mail over; whatever happens, it says how it ended.
    func hand(over letter: SMTPLetter) async -> SMTPEnding {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let ending = loop.makePromise(of: SMTPEnding.self)
        let isAddress = (try? SocketAddress(ipAddress: settings.host, port: 0)) != nil
        let (context, name, settings) = (context, isAddress ? nil : settings.host, settings)
        let patience = TimeAmount.nanoseconds(Int64(settings.timeout / .nanoseconds(1)))
        let channel: any NIOCore.Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(patience)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context, settings.terms.security == .tls {
                            try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                        }
                        try pipeline.addHandler(
                            SMTPHandler(
                                SMTPMachine(letter, settings.terms),
                                context: context,
                                name: name,
                                patience: patience,
                                ending: ending,
                            )
                        )
                    }
                }
                .connect(host: settings.host, port: settings.port)
                .get()
        } catch {
            let trouble = "the mail server cannot be reached"
            ending.succeed(.later(isServer: true, trouble: trouble))
            return .later(isServer: true, trouble: trouble)
        }
        return await withTaskCancellationHandler {
            (try? await ending.futureResult.get()) ?? .later(isServer: true, trouble: "the connection failed")
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}

/// Tells the machine what comes, and does what it says.
private final class SMTPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var machine: SMTPMachine
    private let context: NIOSSLContext?
    private let name: String?
    private let patience: TimeAmount
    private let ending: EventLoopPromise<SMTPEnding>
    private var alarm: Scheduled<Void>?

    init(
        _ machine: consuming SMTPMachine,
        context: NIOSSLContext?,
        name: String?,
        patience: TimeAmount,
        ending: EventLoopPromise<SMTPEnding>,
    ) {
        self.machine = machine
        self.context = context
        self.name = name
        self.patience = patience
        self.ending = ending
    }

    func channelActive(context: ChannelHandlerContext) { wait(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        run(machine.received(unwrapInboundIn(data).readableBytesView), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        run(machine.closed(nil), context)
        alarm?.cancel()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isTLS = error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError
        run(machine.closed(isTLS ? "TLS failed: the certificate does not fit" : "the connection failed"), context)
    }

    private func run(_ actions: [SMTPMachine.Action], _ context: ChannelHandlerContext) {
        for action in actions {
            switch action {
            case .send(let bytes):
                context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
                wait(context)
            case .startTLS:
                // What follows goes through TLS or not at all.
                guard startTLS(context) else { return }
            case .finish(let how):
                alarm?.cancel()
                ending.succeed(how)
                context.close(promise: nil)
            }
        }
    }

    /// What is read from here on, TLS has checked.
    private func startTLS(_ context: ChannelHandlerContext) -> Bool {
        do {
            guard let tls = self.context else { throw ChannelError.inappropriateOperationForState }
            let handler = try NIOSSLClientHandler(context: tls, serverHostname: name)
            try context.pipeline.syncOperations.addHandler(handler, position: .first)
            return true
        } catch {
            run(machine.closed("TLS could not begin"), context)
            return false
        }
    }

    private func wait(_ context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: patience) { [self] in
            run(machine.timedOut(), context)
        }
    }
}
