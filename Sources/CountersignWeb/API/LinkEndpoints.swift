import CanonicalJSON
import CountersignCore
import HTTPTypes

/// The accounts in chats that are users: users may look, the local administrator may change.
enum LinkEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/v1/links",
            .user,
            name: "listLinks",
            "Lists the accounts in chats that are users, and those that were unlinked.",
            answers: [.json("LinkList", "All of them.")],
            run: list,
        ),
        Endpoint(
            .post,
            "/v1/links",
            .localAdministrator,
            name: "putLink",
            "Says that an account in a chat is a user; it takes the place of what the account was.",
            intake: .json("LinkRequest"),
            answers: [.json("Link", status: 201, "The link.")],
            run: put,
        ),
        Endpoint(
            .delete,
            "/v1/links/{account}",
            .localAdministrator,
            name: "removeLink",
            "Says that an account in a chat is nobody any more, until somebody links it anew.",
            parameters: [.path("account", .text(300), "The account; percent-encode the slash in it.")],
            answers: [.other(nil, status: 204, "It is nobody's.")],
            run: remove,
        ),
    ]

    @Sendable private static func list(_ exchange: Exchange) async throws -> Reply {
        .list(exchange.parts.dependencies.identities.links().map(\.json))
    }

    @Sendable private static func put(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["account", "user"])
        let account = try members.required("account", ChannelIdentity.demand) { ChannelIdentity($0) }
        let user = try members.required("user", "a user's id") { UserID($0) }
        let result = await exchange.parts.dependencies.identities.link(account, to: user, by: try actor(exchange))
        return .json(try result.orProblem().json, status: 201)
    }

    @Sendable private static func remove(_ exchange: Exchange) async throws -> Reply {
        guard let account = exchange.parameters["account"].flatMap({ ChannelIdentity($0) }) else {
            throw Problem(.notFound)
        }
        _ = try await exchange.parts.dependencies.identities.unlink(account, by: actor(exchange)).orProblem()
        return Reply(status: 204, bytes: [])
    }

    private static func actor(_ exchange: Exchange) throws(Problem) -> Actor {
        let user = try exchange.user()
        return .user(user.user.id, via: user.via)
    }
}

extension ChannelLink {
    /// The link as the API shows it.
    fileprivate var json: JSONValue {
        .object(
            JSONObject([
                ("account", .string(identity.description)),
                ("by", .string(by)),
                ("made_at", isDeclared ? .null : .string(madeAt.rfc3339)),
                ("unlinked_from", unlinkedFrom.map { .string($0.rawValue) } ?? .null),
                ("user", user.map { .string($0.rawValue) } ?? .null),
            ])
        )
    }
}
