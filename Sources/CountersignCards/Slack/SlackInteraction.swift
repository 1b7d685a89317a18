package import CanonicalJSON
import CountersignCore

/// Who did something in Slack.
package struct SlackUser: Hashable, Sendable {
    /// The user's id, `U…` or `W…`.
    package let id: String
    /// The workspace whose user it is; in a shared channel it may be another than the app's.
    package let team: String
    /// The Enterprise Grid, where there is one.
    package let enterprise: String?

    /// Names a user.
    package init(id: String, team: String, enterprise: String? = nil) {
        self.id = id
        self.team = team
        self.enterprise = enterprise
    }
}

/// A click on a button of one of our messages.
package struct SlackBlockAction: Hashable, Sendable {
    /// Who clicked.
    package let user: SlackUser
    /// The workspace in which the app is installed and the message stands.
    package let team: String
    /// The app that Slack says the button belongs to.
    package let app: String
    /// Which button.
    package let actionID: String
    /// The button's value; `nil` of one that only opens a page.
    package let value: String?
    /// The block in which the button stands.
    package let block: String?
    /// What opens a modal, once and within 3 seconds.
    package let trigger: String
    /// The message's channel, and its time, by which it is updated.
    package let message: SlackMessageReference?

    /// Puts a click together.
    package init(
        user: SlackUser,
        team: String,
        app: String,
        actionID: String,
        value: String?,
        block: String? = nil,
        trigger: String,
        message: SlackMessageReference?,
    ) {
        self.user = user
        self.team = team
        self.app = app
        self.actionID = actionID
        self.value = value
        self.block = block
        self.trigger = trigger
        self.message = message
    }
}

/// The message of a channel, as `chat.update` names it.
package struct SlackMessageReference: Hashable, Sendable {
    /// The channel's id.
    package let channel: String
    /// The message's `ts`.
    package let timestamp: String

    /// Names a message.
    package init(channel: String, timestamp: String) {
        self.channel = channel
        self.timestamp = timestamp
    }
}

/// A modal that was sent.
package struct SlackViewSubmission: Hashable, Sendable {
    /// Who sent it.
    package let user: SlackUser
    /// The workspace in which the app is installed.
    package let team: String
    /// The app that Slack says the modal belongs to.
    package let app: String
    /// The view's id.
    package let view: String
    /// Which modal.
    package let callbackID: String
    /// What we put into it.
    package let metadata: String
    /// What was entered, by block and action.
    package let values: [String: [String: String]]
}

/// What somebody did with one of our messages or modals.
package enum SlackInteraction: Hashable, Sendable {
    /// A button was clicked.
    case blockAction(SlackBlockAction)
    /// A modal was sent.
    case viewSubmission(SlackViewSubmission)
    /// Something that we offer no way to do; it is acknowledged, and nothing else.
    case other(type: String)

    /// Reads the body of a request whose signature was checked: a form with one field, `payload`.
    package init(form body: [UInt8]) throws(ChannelFault) {
        guard let text = String(validating: body, as: UTF8.self), let fields = FormFields(text) else {
            throw ChannelFault(.payloadMalformed, "The body is not application/x-www-form-urlencoded in UTF-8.")
        }
        guard fields.count == 1, let payload = fields["payload"] else {
            throw ChannelFault(.payloadMalformed, "The form does not have exactly one field, `payload`.")
        }
        guard let json = try? JSONParser.parse(payload, limits: SlackJSON.limits) else {
            throw ChannelFault(.payloadMalformed, "The field `payload` is not JSON that every reader takes alike.")
        }
        try self.init(json)
    }

    /// Reads the payload itself, as Socket Mode carries it.
    package init(_ json: JSONValue) throws(ChannelFault) {
        let payload = SlackJSON(json)
        switch try payload.text("type") {
        case "block_actions": self = .blockAction(try Self.blockAction(payload))
        case "view_submission": self = .viewSubmission(try Self.viewSubmission(payload))
        case let type: self = .other(type: type)
        }
    }

    private static func blockAction(_ payload: SlackJSON) throws(ChannelFault) -> SlackBlockAction {
        let team = try team(payload)
        guard let actions = payload.json["actions"]?.arrayValue, actions.count == 1 else {
            throw ChannelFault(.payloadMalformed, "`actions` does not have exactly one action.")
        }
        let action = SlackJSON(actions[0], at: "actions[0].")
        let container = SlackJSON(payload.json["container"] ?? .null, at: "container.")
        var message: SlackMessageReference?
        if let channel = try container.textIfPresent("channel_id"),
            let timestamp = try container.textIfPresent("message_ts")
        {
            message = SlackMessageReference(channel: channel, timestamp: timestamp)
        }
        return SlackBlockAction(
            user: try user(payload, team),
            team: team,
            app: try payload.text("api_app_id"),
            actionID: try action.text("action_id"),
            value: try action.textIfPresent("value"),
            block: try action.textIfPresent("block_id"),
            trigger: try payload.text("trigger_id"),
            message: message,
        )
    }

    private static func viewSubmission(_ payload: SlackJSON) throws(ChannelFault) -> SlackViewSubmission {
        let team = try team(payload)
        let view = SlackJSON(payload.json["view"] ?? .null, at: "view.")
        var values: [String: [String: String]] = [:]
        for block in view.json["state"]?["values"]?.objectValue ?? JSONObject() {
            guard let elements = block.value.objectValue else {
                throw ChannelFault(.payloadMalformed, "`view.state.values` has a block that is no object.")
            }
            for element in elements {
                guard let text = try SlackJSON(element.value, at: "view.state.values.").textIfPresent("value") else {
                    continue
                }
                values[block.key, default: [:]][element.key] = text
            }
        }
        return SlackViewSubmission(
            user: try user(payload, team),
            team: team,
            app: try payload.text("api_app_id"),
            view: try view.text("id"),
            callbackID: try view.text("callback_id"),
            metadata: try view.textIfPresent("private_metadata") ?? "",
            values: values,
        )
    }

    /// The workspace; an app of a whole organisation has none, and then the user's.
    private static func team(_ payload: SlackJSON) throws(ChannelFault) -> String {
        guard let team = payload.json["team"], !team.isNull else {
            return try SlackJSON(payload.json["user"] ?? .null, at: "user.").text("team_id")
        }
        return try SlackJSON(team, at: "team.").text("id")
    }

    private static func user(_ payload: SlackJSON, _ team: String) throws(ChannelFault) -> SlackUser {
        let user = SlackJSON(payload.json["user"] ?? .null, at: "user.")
        var enterprise: String?
        if let grid = payload.json["enterprise"], !grid.isNull {
            enterprise = try SlackJSON(grid, at: "enterprise.").text("id")
        }
        // Who is of no team could be of any: only Slack's own word counts.
        return SlackUser(id: try user.text("id"), team: try user.text("team_id"), enterprise: enterprise)
    }
}

/// A command that somebody typed: `/countersign`.
package struct SlackCommand: Hashable, Sendable {
    /// Who.
    package let user: SlackUser
    /// The app.
    package let app: String
    /// The command, with its slash.
    package let command: String
    /// What stood after it.
    package let text: String
    /// Where.
    package let channel: String
    /// What opens a modal, once and within 3 seconds.
    package let trigger: String

    /// Reads the body of a request whose signature was checked.
    package init(form body: [UInt8]) throws(ChannelFault) {
        guard let text = String(validating: body, as: UTF8.self), let fields = FormFields(text) else {
            throw ChannelFault(.payloadMalformed, "The body is not application/x-www-form-urlencoded in UTF-8.")
        }
        try self.init { name throws(ChannelFault) in
            let values = fields[all: name]
            guard values.count <= 1 else {
                throw ChannelFault(.payloadMalformed, "The field `\(name)` stands in the form twice.")
            }
            return values.first
        }
    }

    /// Reads the payload of Socket Mode, an object with the same members.
    package init(_ json: JSONValue) throws(ChannelFault) {
        let payload = SlackJSON(json)
        try self.init { name throws(ChannelFault) in try payload.textIfPresent(name) }
    }

    private init(_ field: (String) throws(ChannelFault) -> String?) throws(ChannelFault) {
        func needed(_ name: String) throws(ChannelFault) -> String {
            guard let text = try field(name), !text.isEmpty else {
                throw ChannelFault(.payloadMalformed, "The command has no `\(name)`.")
            }
            return text
        }
        user = SlackUser(
            id: try needed("user_id"),
            team: try needed("team_id"),
            enterprise: try field("enterprise_id"),
        )
        app = try needed("api_app_id")
        command = try needed("command")
        text = try field("text") ?? ""
        channel = try needed("channel_id")
        trigger = try needed("trigger_id")
    }
}
