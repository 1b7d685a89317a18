import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Approvals: listing, reading, waiting, deciding, ending.
enum ApprovalEndpoints {
    /// The id in the path.
    static let id = Parameter.path("id", .approval, "An approval's id.")

    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/v1/approvals",
            .caller,
            name: "listApprovals",
            "Lists approvals, newest first; an agent sees its own. A page also ends at 4 MiB; next_cursor goes on.",
            parameters: [
                .query("status", .choice(ApprovalStatus.allCases.map(\.rawValue)), "Only with this status."),
                .query("agent", .identifier(128), "Only of this agent."),
                .query("connection", .identifier(63), "Only on this connection."),
                .query("cursor", .cursor, "The next_cursor of the page before."),
                .query("limit", .integer(1...200), "How many, 1 to 200; 50 if not given."),
            ],
            answers: [.json("ApprovalList", "A page of approvals.")],
            run: list,
        ),
        Endpoint(
            .get,
            "/v1/approvals/{id}",
            .callerOrClient,
            name: "getApproval",
            "Reads an approval; with wait, as soon as it changes. A decision is a change, and so is a comment.",
            parameters: [
                id, .query("wait", .integer(0...60), "Wait so many seconds, 0 to 60, for a change."),
                .query(
                    "after",
                    .integer(0...1_000_000_000),
                    "Wait for a revision after this one, so that nothing is missed between two calls.",
                ),
            ],
            answers: [.json("Approval", "The approval.")],
            problems: [429],
            run: show,
        ),
        Endpoint(
            .post,
            "/v1/approvals/{id}/decisions",
            .callerOrClient,
            name: "decide",
            "A user approves or denies, or a client brings a user's decision. An agent that tries is refused, and the "
                + "attempt recorded.",
            intake: .json("DecisionRequest"),
            parameters: [id],
            answers: [.json("Approval", "The approval after the decision.")],
            run: decide,
        ),
        Endpoint(
            .post,
            "/v1/approvals/{id}/comments",
            .caller,
            name: "comment",
            "The agent that asked, or any user, adds words until the action begins or ends. They decide nothing.",
            intake: .json("CommentRequest"),
            parameters: [id],
            answers: [.json("Approval", "The approval with the comment; the same words again change nothing.")],
            problems: [429],
            run: comment,
        ),
        Endpoint(
            .post,
            "/v1/approvals/{id}/withdraw",
            .agent,
            name: "withdraw",
            "The agent takes its request back.",
            intake: .nothing,
            parameters: [id],
            answers: [.json("Approval", "The approval, withdrawn.")],
            run: withdraw,
        ),
        Endpoint(
            .post,
            "/v1/approvals/{id}/revoke",
            .user,
            name: "revoke",
            "A user takes an approved action's grant back before it is used.",
            intake: .nothing,
            parameters: [id],
            answers: [.json("Approval", "The approval, revoked.")],
            run: revoke,
        ),
        Endpoint(
            .get,
            "/v1/approvals/{id}/receipt",
            .caller,
            name: "getReceipt",
            "The receipt: the approval's entries with proofs that they are in the log.",
            parameters: [id],
            answers: [.json("Receipt", "The receipt.")],
            problems: [503],
            run: receipt,
        ),
        Endpoint(
            .get,
            "/v1/approvals/{id}/attestation",
            .caller,
            name: "getAttestation",
            "How the approval was decided and what came of it, as an in-toto statement in a DSSE envelope.",
            parameters: [id],
            answers: [.json("Attestation", "The envelope, signed with the key of /.well-known/jwks.json.")],
            problems: [409],
            run: attestation,
        ),
    ]

    @Sendable private static func list(_ exchange: Exchange) async throws -> Reply {
        let parameters = exchange.parameters
        var query = ApprovalQuery(
            status: parameters["status"].flatMap { ApprovalStatus(rawValue: $0) },
            agent: parameters["agent"].flatMap { AgentID($0) },
            cursor: parameters["cursor"],
            limit: exchange.integer("limit") ?? 50,
        )
        if let name = parameters["connection"] {
            // No connection has such a name, so nothing is on it.
            guard let connection = ConnectionName(name) else { return .list([]) }
            query.connection = connection
        }
        if let own = exchange.onlyAgent {
            if let asked = query.agent, asked != own { return .list([]) }
            query.agent = own
        }
        let page = try await exchange.parts.ledger.approvals(query)
        let url = exchange.parts.dependencies.publicURL
        return .list(page.items.map { $0.json(publicURL: url) }, next: page.next)
    }

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let seen = try await exchange.approval()
        let after = exchange.integer("after")
        // Whoever names a revision knows how it stands and waits for what comes next, also while it is approved.
        guard let seconds = exchange.integer("wait"), seconds > 0, seen.revision <= after ?? seen.revision,
            after == nil ? seen.isWorthWaiting : !seen.status.isFinal
        else { return answer(seen, exchange) }
        let place = try exchange.parts.waits.enter(.poll, of: exchange.caller)
        defer { withExtendedLifetime(place) {} }
        // Only these two of what was seen, so that whoever waits does not hold the document.
        let (id, revision) = (seen.id, after ?? seen.revision)
        return answer(try await changed(id, after: revision, exchange, within: .seconds(seconds)), exchange)
    }

    /// The approval in a later revision, or as it is when the time is up.
    private static func changed(
        _ id: ApprovalID,
        after revision: Int,
        _ exchange: Exchange,
        within time: Duration,
    ) async throws -> Approval {
        let feed = exchange.parts.ledger.feed
        let deadline = exchange.now.adding(time)
        // Watch, read, wait: a change between any two of them is not missed.
        let watch = feed.watch(id)
        let ticket = exchange.parts.waits.open { feed.cancel(watch) }
        defer {
            exchange.parts.waits.close(ticket)
            feed.end(watch)
        }
        do {
            let current = try await exchange.approval(id)
            guard current.revision <= revision else { return current }
        }
        let next = await withTaskCancellationHandler {
            var next: Approval?
            repeat {
                next = await feed.wait(watch, until: deadline)
            } while next.map { $0.revision <= revision } ?? false
            return next
        } onCancel: {
            feed.cancel(watch)
        }
        guard let next else { return try await exchange.approval(id) }
        return next
    }

    @Sendable private static func decide(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["action_digest", "decision", "on_behalf_of", "preview_digest", "reason"])
        let verdict = try members.required("decision", "approve or deny") { Decision.Verdict(rawValue: $0) }
        let digest = try members.required("action_digest", "the digest of the action") { ActionDigest($0) }
        let preview = try members.parsed("preview_digest", "the digest of what was shown") { ActionDigest($0) }
        let reason = try members.text("reason", atMost: 2000) ?? ""
        if verdict == .deny, reason.isEmpty { throw Problem(.badRequest, "reason is missing: say why you deny.") }
        let human = try members.parsed("on_behalf_of", "the name of a user") { UserID($0) }
        let approval = try await exchange.approval()
        let ballot = Ballot(verdict, reason: reason, actionDigest: digest, previewDigest: preview)
        let user: SignedInUser
        if human != nil, exchange.client == nil {
            throw Problem(.badRequest, "on_behalf_of is for clients. Whoever decides for themselves leaves it out.")
        }
        switch exchange.caller {
        case .anonymous: throw Problem(.unauthenticated)
        case .user(let signedIn): user = signedIn
        case .agent(let agent):
            // Never counts: the machine refuses it as self-approval and records the attempt.
            let own = User(id: UserID(unchecked: agent.rawValue))
            user = SignedInUser(user: own, via: "agent-key", isLocalAdministrator: false)
        case .client(let client):
            // A client alone is nobody.
            guard let human else {
                throw Problem(.badRequest, "on_behalf_of is missing: name the user whom you have authenticated.")
            }
            user = try await exchange.parts.enforcement
                .human(human, of: client, on: approval, verdict, source: exchange.source).orProblem()
        }
        return try answer(await exchange.parts.enforcement.decide(approval.id, by: user, ballot).orProblem(), exchange)
    }

    @Sendable private static func comment(_ exchange: Exchange) async throws -> Reply {
        let members = try exchange.members(["text"])
        let words = try members.required("text", ApprovalComment.Words.demand) { ApprovalComment.Words($0) }
        let approval = try await exchange.approval()
        let result: Result<Approval, Reason>
        switch exchange.caller {
        case .anonymous: throw Problem(.unauthenticated)
        case .agent(let agent): result = await exchange.parts.enforcement.comment(approval.id, words, by: agent)
        case .user(let user):
            result = await exchange.parts.enforcement.comment(approval.id, by: user, words.text)
        case .client: throw Problem(.notAllowed, "A client brings humans' decisions and has no words of its own.")
        }
        return answer(try result.orProblem(), exchange)
    }

    @Sendable private static func withdraw(_ exchange: Exchange) async throws -> Reply {
        let approval = try await exchange.approval()
        let result = await exchange.parts.enforcement.withdraw(approval.id, by: try exchange.agent())
        return answer(try result.orProblem(), exchange)
    }

    @Sendable private static func revoke(_ exchange: Exchange) async throws -> Reply {
        let approval = try await exchange.approval()
        let result = await exchange.parts.enforcement.revoke(approval.id, by: try exchange.user())
        return answer(try result.orProblem(), exchange)
    }

    @Sendable private static func receipt(_ exchange: Exchange) async throws -> Reply {
        let approval = try await exchange.approval()
        guard let receipt = try await exchange.parts.dependencies.log.receipt(for: approval.id) else {
            throw Problem(.notFound)
        }
        return attachment(receipt, name: approval.id.rawValue + ".receipt.json")
    }

    @Sendable private static func attestation(_ exchange: Exchange) async throws -> Reply {
        let approval = try await exchange.approval()
        guard let envelope = try await exchange.parts.dependencies.log.attestation(of: approval) else {
            throw Problem(.wrongState, "Nobody has decided yet; there is nothing to attest.")
        }
        return attachment(envelope, name: approval.id.rawValue + ".intoto.json")
    }

    /// A receipt to keep.
    static func attachment(_ receipt: [UInt8], name: String) -> Reply {
        var reply = Reply(contentType: "application/json", bytes: receipt)
        reply.fields[.contentDisposition] = "attachment; filename=\"\(name)\""
        return reply
    }

    private static func answer(_ approval: Approval, _ exchange: Exchange) -> Reply {
        .json(approval.json(publicURL: exchange.parts.dependencies.publicURL))
    }
}

extension Approval {
    /// Whether the next thing to happen to it is not the caller's to do.
    fileprivate var isWorthWaiting: Bool {
        switch status {
        case .pending, .redeemed: true
        case .approved: asynchronous
        case .succeeded, .failed, .unknown, .denied, .expired, .withdrawn, .lapsed, .revoked: false
        }
    }
}

extension Result where Failure == Reason {
    /// The value, or the reason as a problem.
    func orProblem() throws(Problem) -> Success {
        switch self {
        case .success(let value): return value
        case .failure(let reason): throw Problem(reason)
        }
    }
}
