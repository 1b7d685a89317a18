import NIOCore
import NIOTLS

/// The bytes of one TCP or TLS connection, pulled and pushed by one task.
///
/// Reading is off until ``more()`` asks, and ``drained()`` waits until the peer takes what was written: back-pressure is
/// the default, and a held action holds its peer.
///
/// Sendable because everything is confined to the channel's event loop: the handler's callbacks run there, and so does
/// the task, by its `LoopExecutor`. Every entry point checks it in debug builds.
final class ByteStream: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What may lie unread before reading stops.
    ///
    /// Bytes.
    private static let readAhead = 64 * 1024

    /// Why a stream ended that should not have.
    enum Failure: Error {
        case closed
        case timedOut
    }

    /// What has arrived and is not consumed; the task takes from it.
    var input = ByteBuffer()
    /// When the stream is closed unless something happens before; ``LoopState`` looks.
    var deadline: NIODeadline? {
        didSet { if let deadline { home?.note(deadline) } }
    }
    /// Puts off a deadline that has passed: until when; not to a time that is over, or `nil`.
    var reprieve: (@Sendable () -> NIODeadline?)?
    /// Whether nothing is under way, so that a draining gateway may close it.
    var isIdle = true
    private(set) var isClosed = false
    private(set) var hasTimedOut = false
    private var context: ChannelHandlerContext?
    private var hasArrived = false
    private var isDirty = false
    private var reader: CheckedContinuation<Bool, Never>?
    private var drainers: [CheckedContinuation<Void, any Error>] = []
    private var handshake: CheckedContinuation<Bool, Never>?
    private var isSecured = false
    private var onClose: (@Sendable () -> Void)?
    let loop: any EventLoop
    private weak var home: LoopState?

    init(loop: any EventLoop, home: LoopState) {
        self.loop = loop
        self.home = home
    }

    /// The peer's address without port.
    var peerAddress: String? { context?.channel.remoteAddress?.ipAddress }

    /// Waits for more bytes in ``input``; false when the peer has closed.
    func more() async -> Bool {
        loop.preconditionInEventLoop()
        if hasArrived {
            hasArrived = false
            return true
        }
        if isClosed { return false }
        return await withCheckedContinuation { continuation in
            reader = continuation
            context?.read()
        }
    }

    /// Waits for the end of the TLS handshake; false if it failed.
    func secured() async -> Bool {
        loop.preconditionInEventLoop()
        if isSecured || isClosed { return isSecured }
        return await withCheckedContinuation { continuation in
            handshake = continuation
            context?.read()
        }
    }

    /// Asks for bytes without waiting, so that a peer that closes or talks out of turn is noticed.
    func listen() {
        loop.preconditionInEventLoop()
        hasArrived = false
        context?.read()
    }

    /// Whether bytes have arrived that nobody has taken.
    var hasUnreadInput: Bool { input.readableBytes > 0 }

    /// Writes without flushing.
    func write(_ buffer: ByteBuffer) {
        loop.preconditionInEventLoop()
        isDirty = true
        context?.write(wrapOutboundOut(buffer), promise: nil)
    }

    /// Sends what was written.
    func flush() {
        guard isDirty else { return }
        isDirty = false
        context?.flush()
    }

    /// Whether the peer takes more now.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Waits until the peer takes more.
    func drained() async throws {
        loop.preconditionInEventLoop()
        guard !isClosed, let context else { throw Failure.closed }
        if context.channel.isWritable { return }
        try await withCheckedThrowingContinuation { drainers.append($0) }
    }

    /// Waits until everything written has been handed to the operating system.
    func flushed() async throws {
        guard !isClosed, let context else { throw Failure.closed }
        try await context.writeAndFlush(wrapOutboundOut(ByteBuffer())).get()
    }

    /// Calls back once when the stream ends; at once if it has.
    ///
    /// `nil` takes an earlier callback back.
    func whenClosed(_ callback: (@Sendable () -> Void)?) {
        loop.preconditionInEventLoop()
        if isClosed { callback?() } else { onClose = callback }
    }

    /// Closes in both directions.
    func close() {
        loop.preconditionInEventLoop()
        context?.close(promise: nil)
    }

    /// Closes because the deadline has passed, unless it is put off.
    func closeLate() {
        if let later = reprieve?(), later > .now() {
            deadline = later
            return
        }
        hasTimedOut = true
        close()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        home?.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = buffer } else { input.writeBuffer(&buffer) }
        hasArrived = true
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // One read is kept outstanding while little is buffered: registering for each would cost a system call each.
        // TLS may also complete a read without a byte of ours.
        if input.readableBytes < Self.readAhead { context.read() }
        guard hasArrived, let reader else { return }
        hasArrived = false
        self.reader = nil
        reader.resume(returning: true)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        let waiting = drainers
        drainers = []
        for drainer in waiting { drainer.resume() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            isSecured = true
            handshake?.resume(returning: true)
            handshake = nil
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) { ended() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func ended() {
        guard !isClosed else { return }
        isClosed = true
        context = nil
        home?.remove(self)
        let (reader, waiting, callback) = (reader, drainers, onClose)
        self.reader = nil
        drainers = []
        onClose = nil
        for drainer in waiting { drainer.resume(throwing: Failure.closed) }
        reader?.resume(returning: hasArrived)
        handshake?.resume(returning: false)
        handshake = nil
        hasArrived = false
        callback?()
    }
}
