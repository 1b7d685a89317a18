import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Channels and what they have to tell: how they stand, which notices there are, sending one again.
enum NoticeEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/v1/channels",
            .user,
            name: "listChannels",
            "Lists the configured channels, how each stands and what waits for it; and channels that are not configured "
                + "any more and that notices are still kept for.",
            answers: [.json("ChannelList", "The channels.")],
            run: listChannels,
        ),
        Endpoint(
            .get,
            "/v1/notices",
            .user,
            name: "listNotices",
            "Lists notices, newest first: who was, or will be, told of an approval, where, when and why.",
            parameters: [
                .query("channel", .identifier(63), "Only of this channel."),
                .query("approval", .approval, "Only about this approval."),
                .query("state", .choice(Notice.State.allCases.map(\.rawValue)), "Only in this state."),
                .query("cursor", .cursor, "The next_cursor of the page before."),
                .query("limit", .integer(1...200), "How many, 1 to 200; 50 if not given."),
            ],
            answers: [.json("NoticeList", "A page of notices.")],
            run: listNotices,
        ),
        Endpoint(
            .post,
            "/v1/notices/{number}/replay",
            .user,
            name: "replayNotice",
            "Sends a notice again that was delivered or has failed. The local administrator and the groups of "
                + "notices.replayers may.",
            intake: .nothing,
            parameters: [.path("number", .sequence, "The notice's number.")],
            answers: [.json("Notice", "The notice, which waits again.")],
            run: replay,
        ),
    ]

    @Sendable private static func listChannels(_ exchange: Exchange) async throws -> Reply {
        .list(try await exchange.channelStandings().map(\.json))
    }

    @Sendable private static func listNotices(_ exchange: Exchange) async throws -> Reply {
        let parameters = exchange.parameters
        var query = NoticeQuery(
            approval: parameters["approval"].flatMap { ApprovalID(checking: $0) },
            state: parameters["state"].flatMap { Notice.State(rawValue: $0) },
            cursor: parameters["cursor"],
            limit: exchange.integer("limit") ?? 50,
        )
        if let name = parameters["channel"] {
            // No channel has such a name, so nothing was told by it.
            guard let channel = ChannelName(name) else { return .list([]) }
            query.channel = channel
        }
        let page = try await exchange.parts.ledger.outbox.notices(query)
        return .list(page.items.map(\.json), next: page.next)
    }

    @Sendable private static func replay(_ exchange: Exchange) async throws -> Reply {
        guard let number = exchange.parameters["number"].flatMap({ Int64(strict: $0) }) else {
            throw Problem(.notFound)
        }
        return .json(try await exchange.replay(number).orProblem().json)
    }
}

extension Exchange {
    /// How every channel stands now.
    func channelStandings() async throws(LedgerError) -> [ChannelStanding] {
        let counts = try await parts.ledger.outbox.outboxCounts(now: now)
        return ChannelStanding.all(parts.dependencies.channelActivity(), counts)
    }

    /// Has a notice sent again, and wakes up who sends it.
    func replay(_ number: Int64) async throws -> Result<Notice, Reason> {
        let user = try user()
        if parts.enforcement.mayReplay(user), let notice = try await parts.ledger.outbox.notice(number),
            !parts.dependencies.channelActivity().contains(where: { $0.name == notice.destination.channel })
        {
            let channel = notice.destination.channel
            return .failure(
                Reason(.wrongState, "No channel \(channel) is configured, so nothing would deliver the notice.")
            )
        }
        let result = await parts.enforcement.replay(number, by: user)
        if case .success = result { parts.dependencies.channels.look() }
        return result
    }
}

extension ChannelStanding {
    /// The channel as the API shows it.
    var json: JSONValue {
        func seconds(_ duration: Duration?) -> JSONValue {
            duration.map { .number(Double($0.wholeMicroseconds) / 1_000_000) } ?? .null
        }
        return .object(
            JSONObject([
                ("delivered", .integer(Int64(clamping: activity?.delivered ?? 0))),
                ("due", .integer(Int64(count.due))),
                ("failed", .integer(Int64(count.failed))),
                ("failures", .integer(Int64(clamping: activity?.failures ?? 0))),
                ("kind", .text(activity?.kind.rawValue)),
                ("lateness_seconds", seconds(activity?.lateness)),
                ("lateness_total_seconds", seconds(activity?.totalLateness)),
                ("name", .string(name.rawValue)),
                ("oldest_due_at", .time(count.oldestDue)),
                ("scheduled", .integer(Int64(count.scheduled))),
                ("state", .string(state.rawValue)),
                ("trouble", .text(trouble)),
            ])
        )
    }
}

extension Notice {
    /// The notice as the API shows it.
    var json: JSONValue {
        .object(
            JSONObject([
                ("address", .string(destination.address)),
                ("approval", .string(approval.rawValue)),
                ("batch", .text(batch?.rawValue)),
                ("cause", .string(cause.rawValue)),
                ("channel", .string(destination.channel.rawValue)),
                ("due_at", .string(dueAt.rfc3339)),
                ("ended_at", .time(endedAt)),
                ("event", .string(event.rawValue)),
                ("id", .string(id)),
                ("made_at", .string(madeAt.rfc3339)),
                ("number", .integer(number)),
                ("revision", .integer(Int64(revision))),
                ("state", .string(state.rawValue)),
                ("status", .string(status.rawValue)),
                ("tries", .integer(Int64(tries))),
                ("trouble", .text(trouble)),
                ("try_at", .string(tryAt.rfc3339)),
            ])
        )
    }
}
