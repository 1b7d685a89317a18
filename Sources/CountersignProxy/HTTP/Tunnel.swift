import HTTPWire
import NIOCore

/// Passes bytes both ways after an upgrade, each way no faster than the other side takes them.
struct Tunnel {
    let agent: ByteStream
    let upstream: ByteStream

    /// Sends the 101 and runs until either side closes.
    func run(_ response: ResponseHead, initial: ByteBuffer?) async {
        var fields = response.fields
        let upgrade = fields.first("upgrade")
        fields.removeHopByHop()
        fields.append(name: "Connection", value: "upgrade")
        if let upgrade { fields.append(name: "Upgrade", value: upgrade) }
        let head = ResponseHead(status: 101, reason: "Switching Protocols", fields: fields, framing: .none)
        var buffer = ByteBuffer()
        guard (try? HTTPSerializer.write(response: head, toMethod: "GET", into: &buffer)) != nil else {
            return close()
        }
        agent.write(buffer)
        agent.flush()
        agent.deadline = nil
        upstream.deadline = nil
        // The end of one direction must end the other, which may be waiting for bytes.
        let (agent, upstream) = (agent, upstream)
        agent.whenClosed { upstream.close() }
        upstream.whenClosed { agent.close() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await Self.pass(agent, upstream) }
            group.addTask { await Self.pass(upstream, agent) }
        }
        close()
    }

    private func close() {
        agent.close()
        upstream.close()
    }

    private static func pass(_ source: ByteStream, _ sink: ByteStream) async {
        while true {
            if source.input.readableBytes > 0 {
                let bytes = source.input
                source.input = ByteBuffer()
                sink.write(bytes)
                sink.flush()
                do { try await sink.drained() } catch { break }
            }
            guard await source.more() else { break }
        }
        source.close()
        sink.close()
    }
}
