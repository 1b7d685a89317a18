import CanonicalJSON

/// Asks the gateway before a coding agent's tool runs, and tells it afterwards what came of it.
///
/// It fails closed: whatever goes wrong is a denial that says what.
package struct CodingHook: Sendable {
    private let client: ControlClient
    private let connection: String
    private let human: String?
    private let wait: Duration
    private let records: HookRecords?

    /// A hook that asks on a connection of the kind `hook` and waits so long for people.
    package init(_ access: GatewayAccess, connection: String, wait: Duration, records: HookRecords?) {
        client = access.client
        human = access.onBehalfOf
        self.connection = connection
        self.wait = wait
        self.records = records
    }

    /// How long a call that runs under the same approval is waited for.
    private static let turn = Duration.seconds(10)
    /// How long one question may take that waits for nobody.
    private static let patience = Duration.seconds(8)

    /// Whether a call may run; when it says yes, its entry is in the log, and a grant that it needed is used.
    package func decide(_ call: HookCall) async -> HookDecision {
        do {
            return try await judge(call)
        } catch {
            return .deny("Not executed, because nobody could be asked: \(error). Nothing has been done.")
        }
    }

    /// Reports what came of a call that people had approved; what went wrong, if something did.
    package func report(_ call: HookCall, succeeded: Bool, interrupted: Bool) async -> String? {
        guard let approval = records?.approval(of: call) else { return nil }
        let detail = interrupted ? "The agent was interrupted." : nil
        do {
            try await report(approval, succeeded ? "succeeded" : "failed", detail)
        } catch {
            return "the outcome of \(approval) could not be reported: \(error)"
        }
        records?.remove(call)
        return nil
    }

    private func judge(_ call: HookCall) async throws -> HookDecision {
        let deadline = ContinuousClock.now + wait
        var body = JSONObject([
            ("arguments", .object(call.arguments)), ("connection", .string(connection)), ("tool", .string(call.tool)),
        ])
        if let folder = call.folder { body["cwd"] = .string(folder) }
        if let human { body["on_behalf_of"] = .string(human) }
        let answer = try await client.send("POST", "/v1/tool-calls", .object(body), timeout: Self.patience)
        let json = answer.json ?? .null
        switch (answer.status, json["decision"]?.stringValue) {
        case (200, "allow"): return .allow("policy allows this call.")
        case (200, "deny"): return .deny(HookWords.refused(json))
        case (202, "pending"):
            guard let approval = json["approval"], let id = approval["id"]?.stringValue else {
                throw StartupError("the gateway's answer has no approval")
            }
            return try await hold(call, id, approval, until: deadline)
        default: throw StartupError(Self.problem(answer))
        }
    }

    private func hold(
        _ call: HookCall,
        _ id: String,
        _ first: JSONValue,
        until deadline: ContinuousClock.Instant,
    ) async throws -> HookDecision {
        var approval = first
        let turn = min(deadline, ContinuousClock.now + Self.turn)
        while true {
            if let words = HookWords.ended(approval) { return .deny(words) }
            let status = approval["status"]?.stringValue
            if status == "approved" { return try await redeem(call, id, approval) }
            let left = ContinuousClock.now.duration(to: status == "redeemed" ? turn : deadline)
            guard left > .zero else { break }
            approval = try await next(id, within: left) ?? approval
        }
        guard approval["status"]?.stringValue == "redeemed" else { return .deny(HookWords.waiting(approval)) }
        // An identical call has the grant; it may be at work still, unless its agent would have told of it by now.
        guard records?.removeEnded(id, asking: call.session) == true else {
            return .deny("Not executed. An identical call is under way; wait for its result.")
        }
        try await report(id, "unknown", "The agent did not report what came of it.")
        return .deny(
            "Not executed. An identical call was approved before, and what came of it was never reported. Look at what state "
                + "things are in; then make exactly the same call again, if it is still needed, to ask anew."
        )
    }

    /// The approval when it changes, or when the time is over; `nil` if the gateway could not be asked just now.
    private func next(_ id: String, within time: Duration) async throws -> JSONValue? {
        let seconds = min(max(Int(time.components.seconds), 1), 30)
        do {
            let path = "/v1/approvals/\(id)?wait=\(seconds)"
            let answer = try await client.send("GET", path, timeout: min(time + .seconds(1), .seconds(35)))
            if answer.isSuccess { return answer.json }
            // What is refused now would be refused again; a gateway that restarts is waited for.
            if answer.status < 500, answer.status > 0 { throw StartupError(Self.problem(answer)) }
        } catch let error as StartupError {
            throw error
        } catch {}
        try await Task.sleep(for: min(time, .milliseconds(500)))
        return nil
    }

    private func redeem(_ call: HookCall, _ id: String, _ approval: JSONValue) async throws -> HookDecision {
        // Noted first: a grant that was used and that nobody knows of would never have an outcome.
        guard let records else { throw StartupError("there is no home folder to keep the approval's id in") }
        try records.keep(id, of: call)
        let body = JSONObject([("action_digest", approval["action_digest"] ?? .null)])
        let answer = try await client.send("POST", "/v1/approvals/\(id)/redeem", .object(body), timeout: Self.patience)
        guard answer.isSuccess else {
            records.remove(call)
            throw StartupError(Self.problem(answer))
        }
        let users =
            approval["decisions"]?.arrayValue?.filter { $0["decision"]?.stringValue == "approve" }
            .compactMap { $0["user"]?.stringValue } ?? []
        return .allow("approved by \(users.joined(separator: ", ")) (\(id)).")
    }

    private func report(_ approval: String, _ result: String, _ detail: String?) async throws {
        var body = JSONObject([("result", .string(result))])
        if let detail { body["detail"] = .string(detail) }
        let path = "/v1/approvals/\(approval)/outcome"
        let answer = try await client.send("POST", path, .object(body), timeout: Self.patience)
        // One that has an outcome already needs none.
        guard answer.isSuccess || answer.status == 409 else { throw StartupError(Self.problem(answer)) }
    }

    private static func problem(_ answer: ControlAnswer) -> String {
        guard answer.status > 0 else { return "the gateway did not answer in time" }
        let code = answer.json?["code"]?.stringValue.map { " (\($0))" } ?? ""
        return "the gateway answered \(answer.status)\(code)"
            + (answer.json?["detail"]?.stringValue.map { ": \($0)" } ?? "")
    }
}
