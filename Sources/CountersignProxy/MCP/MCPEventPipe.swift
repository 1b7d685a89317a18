import CountersignCore
import HTTPWire
import MCPWire
import NIOCore

/// One session over HTTP+SSE (2024-11-05): a stream from the server, and a POST for each message to it.
struct MCPEventPipe: Sendable {
    let target: HTTPConnection
    let link: MCPPipeLink
    let pipe: MCPPipe
    let pool: UpstreamPool
    let home: LoopState

    private var http: MCPHTTPLink { MCPHTTPLink(connection: target, pool: pool, maximumAnswer: link.maximumAnswer) }

    /// Runs until the stream ends, or the pipe is closed.
    func run() async {
        var hasStarted = false
        var why = "The MCP server's event stream has ended."
        do throws(MCPFailure) {
            var exchange = try await http.open(nil, ["Accept": "text/event-stream"], method: "GET", on: home, .once)
            let stream = exchange.upstream.stream
            defer { stream.close() }
            // It is too silent only while an answer is due.
            let idle = TimeAmount.nanoseconds(target.idleTimeout.wholeMicroseconds * 1000)
            stream.reprieve = { [pipe] in pipe.silentSince + idle }
            guard exchange.head.status == 200, exchange.isEventStream else {
                let status = exchange.head.status
                throw MCPFailure(
                    .upstreamInvalid,
                    "The MCP server has no event stream (status \(status)).",
                    executed: false
                )
            }
            var parser = EventStreamParser(maximumEvent: link.maximumAnswer)
            var waiting = try await exchange.nextEvents(&parser) ?? []
            guard let first = waiting.first, first.type == "endpoint",
                let path = Self.path(String(decoding: first.data, as: UTF8.self), target)
            else {
                throw MCPFailure(
                    .upstreamInvalid,
                    "The MCP server's stream does not begin with its endpoint.",
                    executed: false
                )
            }
            waiting.removeFirst()
            hasStarted = true
            let failure = await withTaskGroup(of: Void.self) { group -> MCPFailure? in
                group.addTask(executorPreference: home.executor) {
                    await self.write(to: path)
                    // Nothing more is asked: the stream has served its purpose.
                    stream.loop.execute { stream.close() }
                }
                defer { pipe.close() }
                do throws(MCPFailure) {
                    var events: [StreamEvent]? = waiting
                    while let some = events {
                        for event in some where event.type == "message" {
                            link.messageReceived(event.data, from: pipe)
                            await pipe.room()
                        }
                        events = try await exchange.nextEvents(&parser)
                    }
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        } catch {
            why = error.reason.message
        }
        link.ended(pipe, MCPFailure(.upstreamUnavailable, why, executed: hasStarted ? nil : false))
    }

    private func write(to path: String) async {
        for await message in pipe.input {
            do throws(MCPFailure) {
                var exchange = try await http.open(message, HeaderFields(), path: path, on: home, .unrepeated)
                let status = exchange.head.status
                await exchange.finish(target, home)
                pipe.messageWritten(message)
                guard (200..<300).contains(status) else { return }
            } catch {
                return
            }
        }
    }

    /// The path of an endpoint, which must be the server's own: nothing is sent where a stream merely points.
    static func path(_ endpoint: String, _ target: HTTPConnection) -> String? {
        if endpoint.hasPrefix("/"), !endpoint.hasPrefix("//") { return (try? RequestTarget(parsing: endpoint))?.raw }
        let upstream = target.upstream
        let host = upstream.host.contains(":") ? "[\(upstream.host)]" : upstream.host
        let scheme = upstream.isTLS ? "https" : "http"
        let isDefault = upstream.port == (upstream.isTLS ? 443 : 80)
        for origin in ["\(scheme)://\(host):\(upstream.port)"] + (isDefault ? ["\(scheme)://\(host)"] : []) {
            guard endpoint.hasPrefix(origin + "/") else { continue }
            return (try? RequestTarget(parsing: String(endpoint.dropFirst(origin.count))))?.raw
        }
        return nil
    }
}
