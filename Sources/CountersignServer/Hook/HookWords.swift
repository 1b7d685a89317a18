import CanonicalJSON
import CountersignCore

/// What a model is told of its call, from what the API says.
enum HookWords {
    /// Why policy denies.
    static func refused(_ answer: JSONValue) -> String {
        let reasons = answer["reasons"]?.arrayValue?.compactMap { $0["message"]?.stringValue } ?? []
        return "Not executed. " + reasons.joined(separator: " ") + ending
    }

    /// How a held call stands; `nil` if it may run or people may still decide.
    static func ended(_ approval: JSONValue) -> String? {
        switch approval["status"]?.stringValue {
        case "pending", "approved", "redeemed": return nil
        case "denied":
            let deny = approval["decisions"]?.arrayValue?.last { $0["decision"]?.stringValue == "deny" }
            let who = deny?["user"]?.stringValue ?? "An approver"
            let why = deny?["reason"]?.stringValue.map { $0.isEmpty ? "" : ": \($0)" } ?? ""
            return "Not executed. \(who) denied this call\(why). Do not repeat it unchanged." + ending
        case "expired": return "Not executed. Nobody decided in time. Make exactly the same call again to ask anew."
        case "withdrawn": return "Not executed. The request for approval was withdrawn."
        case "lapsed":
            return "Not executed. It was approved, but did not start in time. Make the same call to ask anew."
        case "revoked": return "Not executed. The approval was taken back before the call was made."
        case "succeeded", "failed", "unknown":
            return
                "Not executed. An identical call has just run; its approval was for one run. Look at its result first, "
                + "and make exactly the same call again if it is meant to run once more."
        default: return "Not executed. The gateway said something that this hook does not know."
        }
    }

    /// That people have not decided yet.
    static func waiting(_ approval: JSONValue) -> String {
        let gates =
            approval["gates"]?.arrayValue?.compactMap { $0["policy"]?.stringValue }.joined(separator: ", ") ?? ""
        let link = approval["links"]?["dashboard"]?.stringValue.map { " (\($0))" } ?? ""
        return
            "Not executed yet, waiting for approval. \(gates) holds this call until a human approves it\(link). Nothing "
            + "has been done. To go on waiting, make exactly the same call again: it attaches to this request, and runs "
            + "once. Do not try to reach the same effect in another way." + asked(approval)
    }

    /// What people have asked and the agent has not answered; nothing if there is nothing.
    private static func asked(_ approval: JSONValue) -> String {
        let comments = approval["comments"]?.arrayValue ?? []
        let words = comments.reversed().prefix { $0["author"]?["type"] == "User" }.reversed().map { comment in
            (user: comment["author"]?["id"]?.stringValue ?? "Somebody", text: comment["text"]?.stringValue ?? "")
        }
        return UnansweredWords(words).map { " " + $0.mcpSentence } ?? ""
    }

    private static let ending =
        " Do not try to reach the same effect in another way; tell the person you work for what you needed."
}
