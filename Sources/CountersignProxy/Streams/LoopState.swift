import NIOCore

/// What belongs to one event loop: its executor, its live streams, its idle upstream connections.
///
/// Sendable because everything but the executor is confined to the loop.
final class LoopState: @unchecked Sendable {
    let loop: any EventLoop
    let executor: LoopExecutor
    private var streams: [ObjectIdentifier: ByteStream] = [:]
    private var idle: [UpstreamKey: [UpstreamConnection]] = [:]
    private var ticker: RepeatedTask?
    /// No stream's deadline is before this; thousands of held streams, which have none, are only walked through when one
    /// may be due.
    private var earliest = NIODeadline.distantFuture
    private(set) var isDraining = false
    private var isStopped = false

    /// Idle upstream connections kept for each upstream and loop.
    private static let maximumIdle = 256

    init(_ loop: any EventLoop) {
        self.loop = loop
        executor = LoopExecutor(loop)
    }

    /// Starts to look after deadlines.
    func start() {
        loop.execute {
            self.ticker = self.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                self.sweep()
            }
        }
    }

    /// Closes what is idle and lets the rest finish.
    func drain() {
        loop.execute {
            self.isDraining = true
            for stream in self.streams.values where stream.isIdle { stream.close() }
            self.idle = [:]
        }
    }

    /// Closes everything.
    func stop() {
        loop.execute {
            self.isStopped = true
            self.ticker?.cancel()
            for stream in self.streams.values { stream.close() }
        }
    }

    func add(_ stream: ByteStream) {
        streams[ObjectIdentifier(stream)] = stream
        // What is tried once more while everything ends must not begin anything.
        if isStopped { loop.execute { stream.close() } }
    }

    func remove(_ stream: ByteStream) { streams[ObjectIdentifier(stream)] = nil }

    /// A connection to the upstream that is open and silent, or `nil`.
    func takeIdle(_ key: UpstreamKey) -> UpstreamConnection? {
        while let connection = idle[key]?.popLast() {
            if !connection.stream.isClosed, !connection.stream.hasUnreadInput { return connection }
            connection.stream.close()
        }
        return nil
    }

    /// Keeps a connection for the next request.
    ///
    /// What the upstream sends before that closes it.
    func putIdle(_ connection: UpstreamConnection, _ key: UpstreamKey) {
        let stream = connection.stream
        guard !isDraining, !stream.isClosed, !stream.hasUnreadInput, idle[key]?.count ?? 0 < Self.maximumIdle else {
            return stream.close()
        }
        stream.isIdle = true
        stream.deadline = .now() + .seconds(60)
        stream.listen()
        idle[key, default: []].append(connection)
    }

    /// Hears of a stream's new deadline.
    func note(_ deadline: NIODeadline) { earliest = min(earliest, deadline) }

    private func sweep() {
        for (key, connections) in idle {
            let open = connections.filter { !$0.stream.isClosed }
            idle[key] = open.isEmpty ? nil : open
        }
        let now = NIODeadline.now()
        guard earliest < now else { return }
        earliest = .distantFuture
        for stream in streams.values {
            guard let deadline = stream.deadline else { continue }
            // One that is late is looked at again until it has gone.
            note(deadline)
            if deadline < now { stream.closeLate() }
        }
    }
}
