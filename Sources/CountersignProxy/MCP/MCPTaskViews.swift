import CanonicalJSON
import CountersignCore
import MCPWire

/// One agent's tasks, as the ledger has them: a task is a view of an approval, and its id is the approval's.
struct MCPTaskViews: Sendable {
    let context: GatewayContext
    let connection: MCPConnection
    let agent: AgentID
    /// The era whose shape they have.
    let isModern: Bool

    private var enforcement: Enforcement { context.enforcement }

    /// How often a client should look.
    private static let pollInterval: Int64 = 2000
    /// For how long a result can be fetched after the last moment at which the call may run.
    private static let retention = Duration.seconds(3600)

    /// The approval of a task of this agent's; a task of another's is none.
    func approval(_ params: JSONObject) async throws(LedgerError) -> Approval? {
        guard let id = params["taskId"]?.stringValue.flatMap({ ApprovalID($0) }),
            let approval = try await enforcement.ledger.approval(id), approval.agent == agent,
            approval.connection == connection.name
                || connection.memberNames?.contains(approval.connection) ?? false,
            approval.asynchronous,
            approval.action.utf8.starts(with: "mcp:".utf8)
        else { return nil }
        return approval
    }

    /// What `notifications/tasks` says of one of this agent's tasks; `nil` if it has none of this id.
    func notification(_ id: ApprovalID) async -> JSONObject? {
        do throws(LedgerError) {
            guard let approval = try await approval(JSONObject([("taskId", .string(id.rawValue))])) else { return nil }
            let view = view(of: approval)
            guard approval.status.isFinal else {
                return view.modernNotification(inputRequests: questions(approval).map(MCPRounds.Question.requests))
            }
            switch try await outcome(approval) {
            case .result(let value): return view.modernNotification(result: .object(value), error: nil)
            case .error(let value): return view.modernNotification(result: nil, error: value)
            }
        } catch {
            return nil
        }
    }

    /// What the client of a task is asked by the call that is under way; `nil` if it is nothing.
    func questions(_ approval: Approval) -> [MCPRounds.Question]? {
        guard isModern, approval.status == .redeemed else { return nil }
        let questions = context.rounds.rounds(under: approval.id)?.questions ?? []
        return questions.isEmpty ? nil : questions
    }

    enum Ending {
        case result(JSONObject)
        case error(JSONValue)
    }

    /// What a finished task's request would have been answered with.
    func outcome(_ approval: Approval) async throws(LedgerError) -> Ending {
        if approval.status == .succeeded || approval.status == .failed,
            let kept = try await MCPKept.read(approval.id, context)
        {
            let limits = JSONLimits(maxDepth: 128, maxBytes: 128 << 20, allowsNoncharacters: true)
            switch MCPShapes.cleaned(kept.answer, crosses: isModern) {
            case .result(let bytes):
                if let value = try? JSONParser.parse(bytes, limits: limits), let object = value.objectValue {
                    return .result(object)
                }
            case .error(let bytes):
                if let value = try? JSONParser.parse(bytes, limits: limits) { return .error(value) }
            }
        }
        // `failed` is for errors of the protocol; what people or time have ended is a tool's error (ext-tasks).
        return .result(
            MCPRefusals.held(
                approval,
                now: enforcement.clock.time(),
                publicURL: context.settings.publicURL,
                modern: isModern,
            )
        )
    }

    /// How a task ends whose call was not made, or went wrong: to 2025-11-25 `failed` is also a tool's error, to the
    /// extension only one of the protocol.
    private var unsuccessful: TaskStatus { isModern ? .completed : .failed }

    func view(of approval: Approval) -> TaskView {
        let gates = approval.gates.map(\.policy).joined(separator: ", ")
        let words = UnansweredWords(approval).map { " " + $0.mcpSentence } ?? ""
        let (status, message): (TaskStatus, String) =
            switch approval.status {
            case .pending: (.working, "Waiting for a human's approval (\(gates))." + words)
            case .approved: (.working, "Approved; the call is about to be made.")
            case .redeemed where questions(approval) != nil:
                (.inputRequired, "The server asks for input. Answer with tasks/update.")
            case .redeemed: (.working, "The call is under way.")
            case .succeeded: (.completed, "The call was made.")
            case .failed: (unsuccessful, "The call was made, and failed.")
            case .unknown: (unsuccessful, "The call was sent; whether it took effect is not known.")
            case .denied: (unsuccessful, "The call was denied.")
            case .expired: (unsuccessful, "Nobody decided in time.")
            case .lapsed: (unsuccessful, "It was approved, but did not start in time.")
            case .revoked: (.cancelled, "The approval was taken back before the call was made.")
            case .withdrawn: (.cancelled, "The request was withdrawn.")
            }
        let said = max(
            approval.decisions.last?.time ?? approval.requestedAt,
            approval.comments?.last?.time ?? approval.requestedAt
        )
        let last = approval.settledAt ?? said
        let end = (approval.grantExpiresAt ?? approval.expiresAt.adding(approval.grantDuration)).adding(Self.retention)
        return TaskView(
            id: approval.id.rawValue,
            status: status,
            statusMessage: message,
            createdAt: approval.requestedAt.rfc3339,
            lastUpdatedAt: last.rfc3339,
            ttlMilliseconds: max(0, (end.microseconds - approval.requestedAt.microseconds) / 1000),
            pollIntervalMilliseconds: Self.pollInterval,
        )
    }
}
