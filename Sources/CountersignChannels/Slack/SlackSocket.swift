import CanonicalJSON
import CountersignCards
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import Synchronization

/// Where a socket goes: `wss://HOST[:PORT]/PATH?QUERY`.
struct SlackSocketAddress: Hashable, Sendable {
    let isTLS: Bool
    let host: String
    let port: Int
    /// The path with its query; it holds a ticket, and goes nowhere else.
    let target: String

    init?(_ text: String) {
        var rest = text.utf8[...]
        if rest.starts(with: "wss://".utf8) {
            isTLS = true
            rest = rest.dropFirst(6)
        } else if rest.starts(with: "ws://".utf8) {
            isTLS = false
            rest = rest.dropFirst(5)
        } else {
            return nil
        }
        guard rest.count <= 4096, rest.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            return nil
        }
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        let path = String(Substring(rest[authority.endIndex...]))
        target = path.utf8.first == UInt8(ascii: "/") ? path : "/" + path
        let parts = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2,
            name.allSatisfy({ ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 45 || $0 == 46 })
        else { return nil }
        host = String(Substring(name))
        if parts.count == 2 {
            guard let number = UInt16(String(Substring(parts[1]))), number > 0 else { return nil }
            port = Int(number)
        } else {
            port = isTLS ? 443 : 80
        }
    }

    var isLoopback: Bool { host == "localhost" || host == "127.0.0.1" }
}

/// One WebSocket connection (RFC 6455), as its client.
struct SlackSocket: Sendable {
    let address: SlackSocketAddress
    let tls: NIOSSLContext

    /// The longest message that is taken.
    static let maximumMessage = 1 << 20
    /// How long connecting may take.
    static let patience = TimeAmount.seconds(10)
    /// How often we ask whether the other side is there; after twice as long without a word it is not.
    static let interval = Duration.seconds(15)

    private typealias Frames = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    private enum Upgrade {
        case open(Frames)
        case refused
    }

    /// Connects, and hands on every text message until one of them, or the other side, ends it.
    func converse(
        _ hear: @escaping @Sendable ([UInt8], _ answer: @Sendable (JSONValue) async -> Void) async -> SlackSocketEnd?,
    ) async -> SlackSocketEnd {
        let frames: Frames
        do {
            guard case .open(let open) = try await connect().get() else {
                return .failed("Slack did not open the socket")
            }
            frames = open
        } catch {
            return .failed("the socket to Slack cannot be opened")
        }
        do {
            return try await frames.executeThenClose { inbound, outbound in
                let pulse = Pulse()
                return await withTaskGroup(of: SlackSocketEnd.self) { group in
                    group.addTask { await Self.read(inbound, outbound, pulse, hear) }
                    group.addTask { await Self.ask(outbound, pulse) }
                    let end = await group.next() ?? .lost("the socket was closed")
                    group.cancelAll()
                    return end
                }
            }
        } catch {
            return .lost("the socket broke")
        }
    }

    private func connect() async throws -> EventLoopFuture<Upgrade> {
        let address = address
        let tls = tls
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(Self.patience)
        return try await bootstrap.connect(host: address.host, port: address.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                if address.isTLS {
                    let handler = try NIOSSLClientHandler(context: tls, serverHostname: address.name)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
                // Whoever accepts the connection and then says nothing would hold it for ever.
                let limit = channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
                return try Self.upgrade(channel, address) { limit.cancel() }
            }
        }
    }

    private static func upgrade(
        _ channel: any NIOCore.Channel,
        _ address: SlackSocketAddress,
        opened: @escaping @Sendable () -> Void,
    ) throws -> EventLoopFuture<Upgrade> {
        let upgrader = NIOTypedWebSocketClientUpgrader<Upgrade>(
            maxFrameSize: maximumMessage,
            upgradePipelineHandler: { channel, _ in
                opened()
                return channel.eventLoop.makeCompletedFuture {
                    let whole = NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0,
                        maxAccumulatedFrameCount: 1024,
                        maxAccumulatedFrameSize: maximumMessage,
                    )
                    try channel.pipeline.syncOperations.addHandler(whole)
                    return .open(try Frames(wrappingChannelSynchronously: channel))
                }
            },
        )
        var fields = HTTPHeaders()
        let isStandard = address.port == (address.isTLS ? 443 : 80)
        fields.add(name: "Host", value: isStandard ? address.host : "\(address.host):\(address.port)")
        fields.add(name: "User-Agent", value: "Countersign")
        fields.add(name: "Content-Length", value: "0")
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.target, headers: fields)
        let configuration = NIOTypedHTTPClientUpgradeConfiguration(
            upgradeRequestHead: head,
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.close(promise: nil)
                return channel.eventLoop.makeSucceededFuture(.refused)
            },
        )
        var pipeline = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: configuration)
        // The first frames can come with the answer.
        pipeline.leftOverBytesStrategy = .forwardBytes
        return try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: pipeline)
    }

    private static func read(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>,
        _ pulse: Pulse,
        _ hear: @escaping @Sendable ([UInt8], @Sendable (JSONValue) async -> Void) async -> SlackSocketEnd?,
    ) async -> SlackSocketEnd {
        let (ends, end) = AsyncStream<SlackSocketEnd>.makeStream(bufferingPolicy: .bufferingOldest(1))
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { messages in
                    do {
                        for try await frame in inbound {
                            pulse.beat()
                            switch frame.opcode {
                            case .text:
                                let bytes = Array(frame.unmaskedData.readableBytesView)
                                messages.addTask {
                                    let last = await hear(bytes) { json in
                                        try? await outbound.write(Self.frame(.text, json.canonicalBytes()))
                                    }
                                    if let last { end.yield(last) }
                                }
                            case .ping:
                                let bytes = Array(frame.unmaskedData.readableBytesView)
                                try await outbound.write(Self.frame(.pong, bytes))
                            case .connectionClose:
                                try? await outbound.write(Self.frame(.connectionClose, [0x03, 0xE8]))
                                end.yield(.lost("Slack closed the socket"))
                            case .pong, .binary, .continuation: break
                            default: end.yield(.lost("Slack sent a frame that nobody knows"))
                            }
                        }
                        end.yield(.lost("Slack closed the socket"))
                    } catch {
                        end.yield(.lost("the socket broke"))
                    }
                }
            }
            var last = SlackSocketEnd.lost("the socket was closed")
            for await each in ends {
                last = each
                break
            }
            group.cancelAll()
            return last
        }
    }

    /// Asks now and then whether the other side is there.
    private static func ask(
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>,
        _ pulse: Pulse,
    ) async -> SlackSocketEnd {
        while !Task.isCancelled {
            let before = pulse.count
            try? await Task.sleep(for: interval)
            do {
                try await outbound.write(frame(.ping, Array("countersign".utf8)))
            } catch {
                return .lost("the socket broke")
            }
            try? await Task.sleep(for: interval)
            if pulse.count == before, !Task.isCancelled { return .lost("Slack says nothing on the socket any more") }
        }
        return .lost("the socket was closed")
    }

    private static func frame(_ opcode: WebSocketOpcode, _ bytes: [UInt8]) -> WebSocketFrame {
        WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: ByteBuffer(bytes: bytes))
    }
}

/// Whether something was heard; the mutex guards the count.
private final class Pulse: Sendable {
    private let beats = Mutex(0)

    var count: Int { beats.withLock { $0 } }

    func beat() { beats.withLock { $0 &+= 1 } }
}

extension SlackSocketAddress {
    /// The name for TLS; `nil` of an address of four numbers, which has none.
    fileprivate var name: String? {
        host.utf8.allSatisfy { $0 &- 0x30 < 10 || $0 == UInt8(ascii: ".") } ? nil : host
    }
}
