import CountersignCore
import MCPWire
import NIOCore

/// Where an event stream of a legacy server goes on that ended before its time.
struct StreamPlace {
    /// The id of the last event that had one.
    let id: String
    /// How long to wait before asking for the rest.
    let wait: TimeAmount

    /// `nil` if the server never gave an id: then the stream cannot be taken up again.
    init?(_ parser: EventStreamParser, after place: StreamPlace?) {
        guard let id = parser.lastEventID ?? place?.id, !id.isEmpty, Self.fitsField(id) else { return nil }
        self.id = id
        let asked = parser.reconnectionTime.map { TimeAmount.milliseconds(min(max($0, 10), 30_000)) }
        let wait = asked ?? place?.wait ?? .seconds(1)
        // Where nothing new comes, nobody is in a hurry.
        self.wait = id == place?.id ? max(wait, .seconds(1)) : wait
    }

    /// Whether it can be sent back in a header field.
    static func fitsField(_ id: String) -> Bool {
        id.utf8.count <= 4096 && id.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    }

    static let lost = MCPFailure(
        .upstreamInvalid,
        "The MCP server's event stream ended without an answer. Whether it acted is not known.",
        executed: nil,
    )
}
