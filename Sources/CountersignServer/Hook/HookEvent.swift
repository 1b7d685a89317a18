package import CanonicalJSON

/// A call of a tool, as a coding agent tells its hook of it.
package struct HookCall: Hashable, Sendable {
    /// The agent's session; that of a subagent is a part of it.
    let session: String
    /// What tells this call from all others of the session.
    let id: String
    /// The tool.
    let tool: String
    /// What the tool is given.
    let arguments: JSONObject
    /// The folder that the agent works in.
    let folder: String?
}

/// What Claude Code tells its hook.
package enum HookEvent: Hashable, Sendable {
    /// A tool is about to run.
    case before(HookCall)
    /// It has run.
    case after(HookCall, succeeded: Bool, interrupted: Bool)
    /// Something that is no call of a tool.
    case other

    /// Reads an event; nil of what is none, or of a call that lacks something.
    package init?(_ bytes: [UInt8]) {
        let limits = JSONLimits(maxBytes: 64 << 20, allowsNoncharacters: true)
        guard let json = try? JSONParser.parse(bytes, limits: limits), let name = json["hook_event_name"]?.stringValue
        else { return nil }
        guard ["PreToolUse", "PostToolUse", "PostToolUseFailure"].contains(name) else {
            self = .other
            return
        }
        guard let session = json["session_id"]?.stringValue, let tool = json["tool_name"]?.stringValue,
            let arguments = json["tool_input"]?.objectValue
        else { return nil }
        let call = HookCall(
            // Subagents are at work beside each other, and share the session's id.
            session: json["agent_id"]?.stringValue.map { "\(session)/\($0)" } ?? session,
            // Older versions have none; the call itself is then what it is known by.
            id: json["tool_use_id"]?.stringValue ?? json["tool_input"]?.canonicalText ?? "",
            tool: tool,
            arguments: arguments,
            folder: json["cwd"]?.stringValue,
        )
        switch name {
        case "PreToolUse": self = .before(call)
        default:
            let interrupted = json["is_interrupt"]?.boolValue ?? false
            self = .after(call, succeeded: name == "PostToolUse", interrupted: interrupted)
        }
    }
}

/// What the hook says of a call; there is nothing in between, so that nobody runs what nobody decided.
package enum HookDecision: Hashable, Sendable {
    /// Run it.
    case allow(String)
    /// Do not, and tell the model why.
    case deny(String)

    /// The decision in Claude Code's words.
    package var json: JSONValue {
        let (word, reason) =
            switch self {
            case .allow(let reason): ("allow", reason)
            case .deny(let reason): ("deny", reason)
            }
        return [
            "hookSpecificOutput": [
                "hookEventName": "PreToolUse", "permissionDecision": .string(word),
                "permissionDecisionReason": .string("Countersign: " + reason),
            ]
        ]
    }
}
