import NIOCore
import Synchronization

/// How many connections each party has open; the mutex guards the counts.
///
/// All connections together are limited, too, so that without this one stranger could have them all.
final class ConnectionCounts: Sendable {
    /// A gateway needs one; a proxy, or a building, in front of many gateways has room.
    static let maximum = 100

    private let counts = Mutex<[String: Int]>([:])

    /// Whether the party may have one more; if so, it has.
    func enter(_ party: String) -> Bool {
        counts.withLock { counts in
            guard counts[party, default: 0] < Self.maximum else { return false }
            counts[party, default: 0] += 1
            return true
        }
    }

    /// One of its connections has ended.
    func leave(_ party: String) {
        counts.withLock { counts in
            let left = counts[party, default: 1] - 1
            counts[party] = left > 0 ? left : nil
        }
    }

    /// Whom an address belongs to: itself, or for IPv6 its first 64 bits, of which anybody has all the rest.
    static func party(of address: String) -> String {
        guard address.utf8.contains(UInt8(ascii: ":")), !address.utf8.contains(UInt8(ascii: ".")) else {
            return address
        }
        let halves = address.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
            .map { half in half.split(separator: ":").map { String($0) } }
        var groups = halves.first ?? []
        if halves.count == 2 {
            groups += [String](repeating: "0", count: max(0, 8 - halves[0].count - halves[1].count)) + halves[1]
        }
        return groups.prefix(4).joined(separator: ":") + "::/64"
    }
}

/// Closes a connection whose party has as many as it may have.
final class ConnectionLimit: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let counts: ConnectionCounts
    /// The party, while the connection is counted.
    private var party: String?

    init(_ counts: ConnectionCounts) { self.counts = counts }

    func channelActive(context: ChannelHandlerContext) {
        let party = ConnectionCounts.party(of: context.channel.remoteAddress?.ipAddress ?? "")
        guard counts.enter(party) else {
            context.close(promise: nil)
            return
        }
        self.party = party
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    private func leave() {
        if let party { counts.leave(party) }
        party = nil
    }
}
