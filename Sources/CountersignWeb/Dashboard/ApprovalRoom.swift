import CanonicalJSON
import CountersignCore
import HTTPTypes

/// One approval's page: who asks, what exactly it will do, whether it is within policy; and the decision.
enum ApprovalRoom {
    /// The endpoints.
    static let endpoints = [
        Endpoint(page: .get, "/approvals/{id}", .user, run: show),
        Endpoint(page: .post, "/approvals/{id}/comment", .user, run: comment),
        Endpoint(page: .post, "/approvals/{id}/decide", .user, run: decide),
        Endpoint(page: .post, "/approvals/{id}/revoke", .user, run: revoke),
    ]

    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        let user = try exchange.user()
        let approval = try await exchange.approval()
        let snapshot = exchange.parts.enforcement.current.snapshot
        let right = DecisionRight(of: user, on: approval, snapshot, now: exchange.now)
        let query = EntryQuery(approval: approval.id, ascending: true, limit: 100)
        let entries = try await exchange.parts.ledger.entries(query).items
        let told = NoticeQuery(approval: approval.id, limit: 50)
        let notices = try await exchange.parts.ledger.outbox.notices(told).items
        let groups = snapshot.directory.users[user.user.id]?.groups ?? []
        let isApprover = approval.isOwn(of: user.user.id) || approval.gates.contains { $0.accepts(groups: groups) }
        let content = ApprovalPage(
            approval: approval,
            directory: snapshot.directory,
            tools: exchange.parts.enforcement.tools,
            right: right,
            mayRevoke: approval.status == .approved && isApprover,
            entries: entries,
            notices: notices,
            message: message(exchange.query["result"]),
            now: exchange.now,
        )
        let title = "\(approval.action) by \(approval.agent)"
        return try exchange.page("approval", title, content, room: .inbox, isLive: !approval.status.isFinal)
    }

    @Sendable private static func decide(_ exchange: Exchange) async throws -> Reply {
        let form = FormFields(String(decoding: exchange.body, as: UTF8.self)) ?? FormFields()
        let approval = try await exchange.approval()
        let reason = trimmed(form["reason"] ?? "")
        guard let verdict = form["decision"].flatMap({ Decision.Verdict(rawValue: $0) }),
            let digest = form["action_digest"].flatMap({ ActionDigest($0) }),
            let preview = form["preview_digest"].flatMap({ ActionDigest($0) }), reason.unicodeScalars.count <= 2000
        else { throw Problem(.badRequest, "The form is not complete. Reload the page and decide again.") }
        if verdict == .deny, reason.isEmpty { return back(approval.id, "reason-missing") }
        let ballot = Ballot(verdict, reason: reason, actionDigest: digest, previewDigest: preview)
        switch await exchange.parts.enforcement.decide(approval.id, by: try exchange.user(), ballot) {
        case .success(let next):
            switch (verdict, next.status) {
            case (.deny, _): return back(approval.id, "denied")
            case (.approve, .pending): return back(approval.id, "counted")
            case (.approve, _): return back(approval.id, "approved")
            }
        case .failure(let reason) where reason.code.status >= 500: throw Problem(reason)
        case .failure(let reason): return back(approval.id, reason.code.rawValue)
        }
    }

    /// Adds words, and does nothing else, whatever other fields the form has.
    @Sendable private static func comment(_ exchange: Exchange) async throws -> Reply {
        let form = FormFields(String(decoding: exchange.body, as: UTF8.self)) ?? FormFields()
        let approval = try await exchange.approval()
        // Forms send two characters for each break of a line.
        let text = trimmed(form["text"] ?? "").replacing("\r\n", with: "\n")
        switch await exchange.parts.enforcement.comment(approval.id, by: try exchange.user(), text) {
        case .success: return back(approval.id, "commented")
        case .failure(let reason) where reason.code.status >= 500: throw Problem(reason)
        case .failure(let reason): return back(approval.id, "comment-" + reason.code.rawValue)
        }
    }

    @Sendable private static func revoke(_ exchange: Exchange) async throws -> Reply {
        let approval = try await exchange.approval()
        switch await exchange.parts.enforcement.revoke(approval.id, by: try exchange.user()) {
        case .success: return back(approval.id, "revoked")
        case .failure(let reason) where reason.code.status >= 500: throw Problem(reason)
        case .failure(let reason): return back(approval.id, reason.code.rawValue)
        }
    }

    private static func back(_ id: ApprovalID, _ result: String) -> Reply {
        .seeOther("/approvals/\(id)?result=\(result)")
    }

    /// What a result in the query means; only texts of our own are ever shown.
    private static func message(_ result: String?) -> Message? {
        switch result {
        case nil: nil
        case "approved": Message("Approved. The action may run once, while its grant lasts.", "good")
        case "counted": Message("Your approval counts. More are needed.", "info")
        case "denied": Message("Denied. The action will not run.", "info")
        case "revoked": Message("Revoked. The action will not run.", "info")
        case "reason-missing": Message("Say why you deny: the agent and the log get your reason.", "bad")
        case "commented": Message("Your comment is with the approval. It decides nothing.", "info")
        case "comment-bad-request": Message("Not added. A comment must be \(ApprovalComment.Words.demand).", "bad")
        case "comment-already-decided":
            Message("Not added. The action has begun or will not run, so nothing waits for words.", "bad")
        case .some(let code) where code.utf8.starts(with: "comment-".utf8):
            ReasonCode(rawValue: String(code.dropFirst(8))).map { Message("Not added. " + $0.explanation, "bad") }
        case .some(let code):
            ReasonCode(rawValue: code).map { Message("Not counted. " + $0.explanation, "bad") }
        }
    }

    private static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
        var kept = Substring(scalars)
        while let last = kept.unicodeScalars.last, last.properties.isWhitespace { kept.unicodeScalars.removeLast() }
        return String(kept)
    }
}

/// What came of a form.
struct Message {
    /// A sentence.
    let text: Markup
    /// The class of the style sheet.
    let tone: Markup

    /// Makes a message.
    init(_ text: String, _ tone: String) {
        self.text = Markup(text)
        self.tone = Markup(tone)
    }
}
