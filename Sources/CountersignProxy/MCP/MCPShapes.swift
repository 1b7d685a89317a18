import CanonicalJSON
import CountersignCore
import MCPWire

/// Brings a server's answer into the shape that the client's era has.
enum MCPShapes {
    /// The message for the agent; the server's bytes stay as they are but for what the era wants.
    static func message(
        _ answer: MCPAnswer,
        id: RequestID,
        for caller: MCPCaller,
        from upstream: MCPUpstream?,
    ) -> [UInt8] {
        let modern = caller.revision.isModern
        let crosses = modern && !(upstream?.knownPeer?.revision.isModern ?? true)
        return switch cleaned(answer, crosses: crosses) {
        case .result(let bytes): RPCWriter.result(id: id, raw: result(bytes, modern: modern))
        case .error(let bytes): RPCWriter.error(id: id, raw: bytes)
        }
    }

    /// An answer without what only the gateway may say; of one that `crosses` from a legacy server to a modern client, also
    /// without a code that the client's era has not.
    static func cleaned(_ answer: MCPAnswer, crosses: Bool) -> MCPAnswer {
        switch answer {
        case .result(let bytes): own(bytes)
        case .error(let bytes): .error(ownError(bytes, crosses: crosses))
        }
    }

    /// A result without what only the gateway may say: a server that has acted must not say that the call waits.
    ///
    /// What readers do not understand alike, one of them may understand so.
    private static func own(_ bytes: [UInt8]) -> MCPAnswer {
        guard isObject(bytes) else { return .result(bytes) }
        guard let members = try? ObjectScan.members(bytes, in: bytes.indices) else { return .error(unreadable) }
        guard let range = members.first(where: { $0.name == "_meta" })?.value else { return .result(bytes) }
        let meta = ObjectScan.value(bytes, in: range)
        if let meta, meta.objectValue?.contains(where: { isOurs($0.key) }) != true { return .result(bytes) }
        let kept = (meta?.objectValue?.members ?? []).filter { !isOurs($0.key) }
        var cleaned = Array(bytes[..<range.lowerBound])
        JSONValue.object(JSONObject(kept.map { ($0.key, $0.value) })).appendCanonical(to: &cleaned, exactly: true)
        return .result(cleaned + bytes[range.upperBound...])
    }

    private static func isObject(_ bytes: [UInt8]) -> Bool {
        bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
    }

    private static let unreadable: [UInt8] = {
        let message =
            "The server has answered, and what it says cannot be passed on: it can be read in more than one way. Look what "
            + "state things are in before you call again."
        return JSONValue.object(RPCError(code: RPCCode.internalError, message: message).json).canonicalBytes()
    }()

    /// An error as a value, with its code; `nil` for one that readers do not understand alike.
    static func error(_ bytes: [UInt8]) -> (code: Int64, value: JSONObject)? {
        guard let error = ObjectScan.value(bytes, in: bytes.indices)?.objectValue else { return nil }
        // To most readers, `-32042.0` is an integer.
        let code = error["code"]?.integerValue ?? error["code"]?.doubleValue.flatMap { Int64(exactly: $0) }
        return (code ?? RPCCode.internalError, error)
    }

    private static func ownError(_ bytes: [UInt8], crosses: Bool) -> [UInt8] {
        guard var (code, error) = error(bytes) else { return unreadable }
        if MCPWords.own.contains(code) { code = RPCCode.internalError }
        if crosses, let other = MCPWords.legacyCodes[code] { code = other }
        var isChanged = error["code"] != .integer(code)
        error["code"] = .integer(code)
        if let data = error["data"]?.objectValue, data.contains(where: { isOurs($0.key) }) {
            error["data"] = .object(JSONObject(data.members.filter { !isOurs($0.key) }.map { ($0.key, $0.value) }))
            isChanged = true
        }
        guard isChanged else { return bytes }
        var changed = [UInt8]()
        JSONValue.object(error).appendCanonical(to: &changed, exactly: true)
        return changed
    }

    private static func isOurs(_ key: String) -> Bool { key.utf8.starts(with: "dev.countersign/".utf8) }

    /// A result's `resultType`, if it has one.
    static func kind(of bytes: [UInt8]) -> String? {
        guard let members = try? ObjectScan.members(bytes, in: bytes.indices),
            let range = members.first(where: { $0.name == "resultType" })?.value
        else { return nil }
        return (try? JSONParser.parse(bytes[range]))?.stringValue
    }

    /// The HTTP status that an answer has in the modern era, where nothing was streamed before it.
    static func status(_ answer: MCPAnswer, for caller: MCPCaller) -> Int {
        guard caller.revision.isModern, case .error(let bytes) = answer,
            let code = (try? JSONParser.parse(bytes))?["code"]?.integerValue
        else { return 200 }
        return RPCError(code: code, message: "").httpStatus
    }

    static func result(_ bytes: [UInt8], modern: Bool) -> [UInt8] {
        guard modern, let members = try? ObjectScan.members(bytes, in: bytes.indices) else { return bytes }
        let names = Set(members.map(\.name))
        return RawObject.adding([("resultType", "complete")], to: bytes[...], existing: names)
    }

    /// What came of a call: a tool's own error and a protocol error are failures.
    static func outcome(_ answer: MCPAnswer) -> Outcome {
        switch answer {
        case .error(let bytes):
            let error = try? JSONParser.parse(bytes)
            let code = error?["code"]?.integerValue.map { Int(clamping: $0) }
            let message = error?["message"]?.stringValue?.cut(to: 200)
            return Outcome(.failed, status: code, detail: message)
        case .result(let bytes):
            let members = (try? ObjectScan.members(bytes, in: bytes.indices)) ?? []
            // One that asks for more, or goes on as a task that nobody agreed on, has not come to an end.
            if let range = members.first(where: { $0.name == "resultType" })?.value,
                !bytes[range].elementsEqual("\"complete\"".utf8)
            {
                return Outcome(.unknown, detail: "The server's answer is not the end of the call.")
            }
            let isError = members.contains { $0.name == "isError" && bytes[$0.value].elementsEqual("true".utf8) }
            return Outcome(isError ? .failed : .succeeded, detail: isError ? "The tool answered with an error." : nil)
        }
    }
}

/// Words for refusals and waits, for a model and for a program.
enum MCPRefusals {
    /// A tool result that says why the call was not made.
    static func refused(_ reasons: [Reason], modern: Bool) -> JSONObject {
        let text =
            "Not executed. " + reasons.map(\.message).joined(separator: " ")
            + " Do not try to reach the same effect in another way; tell the person you work for what you needed."
        let meta = JSONObject([(MCPWords.refusal, .object(JSONObject([("reasons", list(reasons))])))])
        return ToolResults.text(text, isError: true, meta: meta, modern: modern)
    }

    /// A tool result that says how a held call stands.
    static func held(
        _ approval: Approval,
        now: Timestamp,
        publicURL: String,
        modern: Bool,
        isGoingDown: Bool = false,
    ) -> JSONObject {
        let gates = approval.gates.map(\.policy).joined(separator: ", ")
        let link = "\(publicURL)/approvals/\(approval.id)"
        let text: String
        switch approval.status {
        case .redeemed:
            text =
                "Approved, and under way: the call was made, and its result is not here yet."
                + (isGoingDown ? " The gateway is going down." : "")
                + " To get the result, call the same tool again with identical arguments; nothing runs a second time while "
                + "it is under way. Different arguments are a new request."
        case .pending, .approved:
            let why =
                isGoingDown
                ? "The gateway is going down." : "\(gates) holds this call until a human approves it (\(link))."
            text =
                "Not executed yet, waiting for approval. \(why) Nothing has been done. To go on waiting, call the same tool "
                + "again with identical arguments; it runs once, however often you ask. Different arguments are a new "
                + "request." + (UnansweredWords(approval).map { " " + $0.mcpSentence } ?? "")
        case .denied:
            let deny = approval.decisions.last { $0.verdict == .deny }
            let who = deny.map { "\($0.user) denied this call: \($0.reason)." } ?? "This call was denied."
            text =
                "Not executed. \(who) Do not repeat it unchanged, and do not try to reach the same effect in another way. "
                + "Tell the person you work for, and ask what to do instead."
        case .expired:
            text = "Not executed. Nobody decided in time (\(gates)). Call again with identical arguments to ask anew."
        case .withdrawn: text = "Not executed. The request for approval was withdrawn."
        case .lapsed: text = "Not executed. It was approved, but did not start in time. Call again to ask anew."
        case .revoked: text = "Not executed. The approval was taken back before the call was made."
        case .unknown:
            text =
                "The call was sent, and whether it took effect is not known. Do not call again before you have looked what "
                + "state things are in."
        case .succeeded, .failed:
            text = "The call was made (outcome: \(approval.status.rawValue)), but its result is no longer kept."
        }
        return ToolResults.text(
            text,
            isError: true,
            meta: JSONObject([(MCPWords.approval, state(approval, now: now, publicURL: publicURL))]),
            modern: modern,
        )
    }

    /// The state of an approval, for a program.
    static func state(_ approval: Approval, now: Timestamp, publicURL: String) -> JSONValue {
        var state: [(String, JSONValue)] = [
            ("actionDigest", .string(approval.digest.rawValue)), ("approvalId", .string(approval.id.rawValue)),
            ("expiresAt", .string((approval.grantExpiresAt ?? approval.expiresAt).rfc3339)),
            ("status", .string(approval.status.rawValue)),
            ("statusUrl", .string("\(publicURL)/v1/approvals/\(approval.id)")),
        ]
        if !approval.status.isFinal { state.append(("retryAfterMs", 2000)) }
        return .object(JSONObject(state))
    }

    /// An error of the protocol, for what is no tool's call.
    static func error(_ reasons: [Reason], code: Int64, executed: Bool?) -> RPCError {
        RPCError(
            code: code,
            message: reasons.map(\.message).joined(separator: " "),
            data: .object(
                JSONObject([
                    (
                        MCPWords.refusal,
                        .object(
                            JSONObject([("executed", executed.map { .bool($0) } ?? .null), ("reasons", list(reasons))])
                        )
                    )
                ])
            ),
        )
    }

    private static func list(_ reasons: [Reason]) -> JSONValue {
        .array(
            reasons.map { reason in
                var object = JSONObject([
                    ("code", .string(reason.code.rawValue)), ("message", .string(reason.message)),
                ])
                if let policy = reason.policy { object["policy"] = .string(policy) }
                return .object(object)
            }
        )
    }
}
