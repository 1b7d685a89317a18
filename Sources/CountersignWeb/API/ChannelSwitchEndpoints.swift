import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Using a channel again that its receiver switched off.
enum ChannelSwitchEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .post,
            "/v1/channels/{name}/enable",
            .localAdministrator,
            name: "enableChannel",
            "Uses a channel again that its receiver switched off; it has an entry channel.changed.",
            intake: .nothing,
            parameters: [.path("name", .identifier(63), "A channel's name.")],
            answers: [.json("ChannelSwitch", "The channel, switched on.")],
            run: enable,
        )
    ]

    @Sendable private static func enable(_ exchange: Exchange) async throws -> Reply {
        guard let name = ChannelName(exchange.parameters["name"] ?? "") else { throw Problem(.notFound) }
        let actor = Actor.user(try exchange.user().user.id, via: try exchange.user().via)
        try await exchange.parts.enforcement.enableChannel(name, by: actor).orProblem()
        return .json(["name": .string(name.rawValue), "state": .string(ChannelSwitch.State.enabled.rawValue)])
    }
}
