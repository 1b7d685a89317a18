import CanonicalJSON
import CountersignCore
import MCPWire
import NIOCore

extension MCPUpstream {
    /// Finds out the era and shakes hands (agent-protocols B.1).
    func greet(on home: LoopState) async throws(MCPFailure) -> MCPPeer {
        var wasSilent = false
        if connection.era != .legacy {
            do throws(MCPFailure) {
                if let peer = try await discover(on: home) { return peer }
            } catch  where error.reason.code == .upstreamInvalid && connection.era == .auto {
                // A legacy server may do anything with a request that it does not know.
                wasSilent = true
            }
            if connection.era == .modern {
                throw MCPFailure(
                    .upstreamInvalid,
                    "The MCP server does not speak \(MCPRevision.newest.rawValue), and protocol: modern is set.",
                    executed: false,
                )
            }
        }
        do throws(MCPFailure) {
            return try await initialize(on: home)
        } catch  where wasSilent && error.reason.code == .upstreamInvalid {
            // It was not asked in vain because it is legacy, but because it had not started yet.
            guard let peer = try? await discover(on: home) else { throw error }
            return peer
        }
    }

    private func discover(on home: LoopState) async throws(MCPFailure) -> MCPPeer? {
        let probe = MCPPeer(
            revision: .newest,
            sessionID: nil,
            capabilities: JSONObject(),
            info: nil,
            instructions: nil,
        )
        var answer: MCPAnswer?
        try await link.exchange(
            MCPOutgoing(
                id: begin(),
                method: "server/discover",
                params: modern(JSONObject(), probe),
                peer: probe,
                fields: [],
                care: .repeatable,
                isOwn: true,
                // Where nothing else would be tried, there is no reason not to let it start.
                patience: connection.era == .modern ? .start : .probe,
            ),
            on: home,
            cancelled: nil,
        ) { news in
            if case .answer(let got) = news { answer = got }
        }
        guard case .result? = answer, let result = try answer?.value() else { return nil }
        let versions = result["supportedVersions"]?.arrayValue?.compactMap { $0.stringValue.flatMap(MCPRevision.init) }
        guard let newest = versions?.filter(\.isModern).max() else { return nil }
        return MCPPeer(
            revision: newest,
            sessionID: nil,
            capabilities: result["capabilities"]?.objectValue ?? JSONObject(),
            info: result["serverInfo"] ?? result["_meta"]?[MetaKey.serverInfo],
            instructions: result["instructions"]?.stringValue,
        )
    }

    private func initialize(on home: LoopState) async throws(MCPFailure) -> MCPPeer {
        let params = JSONObject([
            ("capabilities", .object(declared)), ("clientInfo", .object(Self.info)),
            ("protocolVersion", .string(MCPRevision.newestLegacy.rawValue)),
        ])
        var answer: MCPAnswer?
        let session = try await link.exchange(
            MCPOutgoing(
                id: begin(),
                method: "initialize",
                params: params,
                peer: nil,
                fields: [],
                care: .repeatable,
                isOwn: true,
                patience: .start,
            ),
            on: home,
            cancelled: nil,
        ) { news in
            if case .answer(let got) = news { answer = got }
        }
        guard let result = try answer?.value() else {
            throw MCPFailure(.upstreamInvalid, "The MCP server did not answer initialize.", executed: false)
        }
        guard let version = result["protocolVersion"]?.stringValue.flatMap(MCPRevision.init), !version.isModern else {
            let message = "The MCP server wants a protocol version that this gateway does not speak."
            throw MCPFailure(.upstreamInvalid, message, executed: false)
        }
        let peer = MCPPeer(
            revision: version,
            sessionID: session,
            capabilities: result["capabilities"]?.objectValue ?? JSONObject(),
            info: result["serverInfo"],
            instructions: result["instructions"]?.stringValue,
        )
        let ready = RPCWriter.notification(method: "notifications/initialized", params: nil)
        try await link.send(ready, peer: peer, on: home)
        return peer
    }
}
