import CanonicalJSON
import CountersignCore

/// Places in what a server has or says, by which a client goes on: cursors of lists, ids of events.
extension MCPExchange {
    /// A server's word for a place as the agent gets it: what comes back must be the server's own, and no message to it.
    func sealed(_ place: String, of whole: String) -> String {
        context.sessionKey.seal(
            .object(
                JSONObject([
                    ("agent", .string(caller.agent.rawValue)), ("connection", .string(connection.name.rawValue)),
                    ("of", .string(whole)), ("place", .string(place)),
                ])
            )
        )
    }

    /// The server's word; `nil` if the agent was not given it for this.
    func opened(_ text: String, of whole: String) -> String? {
        guard let value = context.sessionKey.open(text), value["agent"]?.stringValue == caller.agent.rawValue,
            value["connection"]?.stringValue == connection.name.rawValue, value["of"]?.stringValue == whole
        else { return nil }
        return value["place"]?.stringValue
    }
}
