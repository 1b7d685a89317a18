import CountersignCards
import CountersignCore

/// A method of Slack's Web API that is called here.
package enum SlackMethod: String, Hashable, Sendable, CaseIterable {
    /// Who the token belongs to.
    case authTest = "auth.test"
    /// Opens a socket.
    case connectionsOpen = "apps.connections.open"
    /// Lists the messages of a conversation.
    case history = "conversations.history"
    /// Opens the conversation with a person.
    case conversationsOpen = "conversations.open"
    /// Shows words to one person.
    case postEphemeral = "chat.postEphemeral"
    /// Posts a message.
    case postMessage = "chat.postMessage"
    /// Lists the replies below a message.
    case replies = "conversations.replies"
    /// Changes a message.
    case update = "chat.update"
    /// Tells of an account.
    case usersInfo = "users.info"
    /// Opens a window.
    case viewsOpen = "views.open"

    /// What a limit of it is about: messages are counted in each conversation, everything else for the whole app.
    var scope: Delivery.Scope {
        switch self {
        case .postMessage, .postEphemeral: .address
        case .authTest, .connectionsOpen, .history, .conversationsOpen, .replies, .update, .usersInfo, .viewsOpen:
            .whole
        }
    }
}

/// Why a call of Slack's Web API did not do what it should.
package struct SlackFailure: Error, Hashable, Sendable {
    /// The kinds.
    enum Kind: Hashable, Sendable {
        /// Too much was asked; again after that time.
        case limited(Duration?)
        /// No answer, or none that can be read: it may have happened.
        case unavailable
        /// Slack refused with a code.
        case refused(String)
    }

    let method: SlackMethod
    let kind: Kind
    /// What happened, for operators: our own words, and Slack's code.
    let trouble: String

    init(_ method: SlackMethod, _ kind: Kind, _ trouble: String) {
        self.method = method
        self.kind = kind
        self.trouble = trouble
    }

    /// Slack's code, if it refused.
    var code: String? {
        guard case .refused(let code) = kind else { return nil }
        return code
    }

    /// How long Slack asks to wait, if it does.
    var wait: Duration? {
        guard case .limited(let after) = kind else { return nil }
        return after
    }

    /// Whether the message that was to be changed is not there any more.
    var isOfGoneMessage: Bool { method == .update && code == "message_not_found" }

    /// Whether the message stays as it is: the workspace, or another installation of the app, keeps it so.
    var isOfFixedMessage: Bool {
        method == .update && (code == "cant_update_message" || code == "edit_window_closed")
    }

    /// Whether it is the thread below a message that takes no reply; the message itself stands.
    var isOfThread: Bool { code.map { Self.threadTroubles.contains($0) } ?? false }

    /// What the worker does about it.
    var delivery: Delivery {
        switch kind {
        case .limited(let after): .retry(after: after, scope: method.scope, trouble: trouble)
        case .unavailable: .retry(after: nil, scope: .whole, trouble: trouble)
        case .refused(let code):
            if Self.tokenTroubles[code] != nil {
                .retry(after: .seconds(10), scope: .whole, trouble: trouble)
            } else if Self.addressTroubles[code] != nil || Self.messageTroubles.contains(code) {
                .refused(trouble: trouble)
            } else {
                .retry(after: nil, scope: .notice, trouble: trouble)
            }
        }
    }

    /// Slack answered `ok: false`.
    static func refused(_ method: SlackMethod, _ code: String, retryAfter: Duration?) -> SlackFailure {
        let code = isCode(code) ? code : "unreadable"
        switch code {
        case "ratelimited", "rate_limited", "message_limit_exceeded":
            return SlackFailure(method, .limited(retryAfter), "\(method.rawValue): Slack asks for time (\(code))")
        case "fatal_error", "internal_error", "request_timeout", "service_unavailable", "accesslimited",
            "team_added_to_org":
            return SlackFailure(method, .unavailable, "\(method.rawValue): Slack has trouble (\(code))")
        default:
            let advice = tokenTroubles[code] ?? addressTroubles[code]
            let words = advice.map { ": \($0)" } ?? ""
            return SlackFailure(method, .refused(code), "\(method.rawValue) was refused (\(code))\(words)")
        }
    }

    /// Whether a text has the form of Slack's codes, and so can be shown to operators.
    static func isCode(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }

    /// What is wrong with the token or the app, and what an operator does about it; nothing goes out before that.
    private static let tokenTroubles = [
        "account_inactive": "the app was removed from the workspace, or the workspace closed; install it again",
        "access_denied": "install the app again and take its new token",
        "ekm_access_denied": "the workspace's administrators have suspended access",
        "enterprise_is_restricted": "the organisation does not let the app in",
        "invalid_auth": "the token is none of this app's; copy the bot token (xoxb-) from OAuth & Permissions",
        "missing_scope": "the app lacks a right; update its manifest and install it again",
        "no_permission": "the app lacks a right; update its manifest and install it again",
        "not_allowed_token_type":
            "the token is of another kind; token is the bot's (xoxb-), app_token the app's (xapp-)",
        "not_authed": "the token is missing",
        "org_login_required": "the workspace is being moved; wait until that is over",
        "team_access_not_granted": "grant the app access to the workspace",
        "token_expired": "the token has expired; turn token rotation off and install the app again",
        "token_revoked": "the token was revoked; install the app again and take its new token",
    ]

    /// What is wrong with one place, and what to do; its notices are given up.
    private static let addressTroubles = [
        "cannot_dm_bot": "a bot cannot decide; name a person",
        "channel_not_found": "there is no such conversation, or the app is not in it: /invite @Countersign there",
        "is_archived": "the conversation is archived; route to another",
        "not_in_channel": "the app is not in the conversation: /invite @Countersign there",
        "restricted_action": "the workspace lets only some people post there; route to another conversation",
        "restricted_action_read_only_channel": "nobody may post there; route to another conversation",
        "restricted_action_thread_only_channel": "only threads are allowed there; route to another conversation",
        "user_disabled": "the account is closed; route to another person",
        "user_not_found": "there is no such person in the workspace",
        "users_not_found": "there is no such person in the workspace",
        "user_not_visible": "the app may not see this person",
    ]

    /// Why nothing can be written below a message.
    private static let threadTroubles: Set = [
        "cannot_reply_to_message", "restricted_action_non_threadable_channel", "restricted_action_thread_locked",
        "thread_locked", "thread_not_found",
    ]

    /// What is wrong with a message as such: it would be refused again.
    private static let messageTroubles: Set = [
        "invalid_arguments", "invalid_blocks", "invalid_blocks_format", "invalid_json", "msg_too_long", "no_text",
        "metadata_too_large", "msg_blocks_too_long", "too_many_attachments",
    ]
}
