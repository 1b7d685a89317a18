import CanonicalJSON
import CountersignCore
import MCPWire

extension MCPJoined {
    /// Serves a modern client's subscription: one at each member that it asks of.
    ///
    /// Each is judged as the member's own. What policy refuses, or would have people decide, is not acknowledged, and
    /// neither is what a member cannot tell.
    func listen(_ id: RequestID, _ params: JSONObject) async -> Bool {
        let asked = params["notifications"]?.objectValue ?? JSONObject()
        let caller = exchange.caller
        do throws(RPCError) {
            _ = try MCPTranslator(connection: exchange.connection)
                .action(.listen, params, agent: caller.agent, onBehalfOf: caller.onBehalfOf)
        } catch {
            return await exchange.fail(id, error)
        }
        let tasks = (asked["taskIds"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap { ApprovalID($0) } }
        guard tasks.isEmpty || caller.takesTasks else { return await exchange.fail(id, MCPTasks.undeclared) }
        let speakers = await speakers { member, upstream, peer in
            let wanted = MCPListening.possible(Self.asked(asked, of: member), peer)
            guard !wanted.isEmpty, await part(member).refusesListening(wanted) == nil else { return nil }
            return MCPSpeaker(
                part(member),
                upstream,
                wanted: wanted,
                isModern: peer.revision.isModern,
                prefix: Self.prefix(member),
            )
        }
        return await MCPStreaming(exchange: exchange, speakers: speakers.found).subscribe(id, tasks: tasks)
    }

    /// Streams what the members say outside of calls to a legacy client; why policy refuses it, if none of them may be
    /// heard.
    ///
    /// Each is judged as the member's own.
    func stream() async throws(MCPFailure) -> [Reason]? {
        var peers = [MCPPeer]()
        var refusal: [Reason]?
        let speakers = await speakers { member, upstream, peer in
            if let reasons = await part(member).refusesListening() {
                refusal = reasons
                return nil
            }
            peers.append(peer)
            return MCPSpeaker(part(member), upstream, prefix: Self.prefix(member))
        }
        if speakers.found.isEmpty {
            if let failure = speakers.failure { throw failure }
            if let refusal { return refusal }
        }
        let failure = await MCPStreaming(exchange: exchange, speakers: speakers.found)
            .run { [peers] speaker, sources in await sources.hearEverything(peers[speaker]) }
        if let failure { throw failure }
        return nil
    }

    private static func prefix(_ member: MCPConnection) -> String { member.name.rawValue + "+" }

    /// The members that can be reached and that the agent may use something of.
    private func speakers(
        _ make: (MCPConnection, MCPUpstream, MCPPeer) async -> MCPSpeaker?,
    ) async -> (found: [MCPSpeaker], failure: MCPFailure?) {
        var found = [MCPSpeaker]()
        var failure: MCPFailure?
        for member in members where part(member).mayUseAnything {
            do throws(MCPFailure) {
                guard let upstream = try part(member).upstream() else { continue }
                let peer = try await upstream.peer(on: exchange.home)
                if let speaker = await make(member, upstream, peer) { found.append(speaker) }
            } catch {
                failure = error
            }
        }
        return (found, failure)
    }

    /// What of the things asked for is a member's to tell, in its own words.
    private static func asked(_ asked: JSONObject, of member: MCPConnection) -> JSONObject {
        var own = asked
        let prefix = prefix(member)
        let uris = (asked["resourceSubscriptions"]?.arrayValue ?? []).compactMap(\.stringValue)
        let named = uris.filter { $0.utf8.count > prefix.utf8.count && $0.utf8.starts(with: prefix.utf8) }
            .map { JSONValue.string(String(Substring($0.utf8.dropFirst(prefix.utf8.count)))) }
        own["resourceSubscriptions"] = named.isEmpty ? nil : .array(named)
        own["taskIds"] = nil
        return own
    }
}
