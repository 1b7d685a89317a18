import CanonicalJSON
import CountersignCore

/// One entry of the log, on a page.
struct EntryView {
    /// Its place in the log.
    let sequence: Markup
    /// Its page.
    let link: Markup
    /// Its kind.
    let kind: Pill
    /// Who did it.
    let actor: Markup
    /// Through what.
    let via: Markup
    /// What it tells, in a line.
    let summary: Markup
    /// The reason codes.
    let reasons: Markup
    /// The page of its approval.
    let approval: Markup
    /// When.
    let time: Moment

    /// Describes an entry.
    init(_ entry: Entry, now: Timestamp) {
        let json = entry.json
        sequence = Markup(String(entry.sequence))
        link = Markup("/activity/\(entry.sequence)")
        kind = Pill(kind: json["kind"]?.stringValue ?? "")
        actor = VisibleText.line(json["actor"]?["id"]?.stringValue ?? "")
        via = VisibleText.line(json["actor"]?["via"]?.stringValue ?? "")
        summary = Self.summary(json)
        let codes = (json["reasons"]?.arrayValue ?? []).compactMap(\.stringValue)
        reasons = VisibleText.line(codes.joined(separator: ", "))
        let id = json["approval"]?.stringValue.flatMap { ApprovalID(checking: $0) }
        approval = id.map { Markup("/approvals/\($0)") } ?? .none
        time = Moment(json["time"]?.stringValue.flatMap { Timestamp(rfc3339: $0) } ?? now, now: now)
    }

    private static func summary(_ json: JSONValue) -> Markup {
        let parts = [facts(json), words(json), ends(json)].flatMap(\.self)
        return Markup(trusted: parts.map(\.text).joined(separator: " · "))
    }

    /// Somebody's own words, in an element: what quotation marks and points they have cannot end it.
    private static func words(_ json: JSONValue) -> [Markup] {
        [json["reason"]?.stringValue, json["comment"]?["text"]?.stringValue].compactMap(\.self)
            .filter { !$0.isEmpty }
            .map { Markup(trusted: "<q>\(VisibleText.line($0).text)</q>") }
    }

    private static func facts(_ json: JSONValue) -> [Markup] {
        var parts = [String]()
        if let name = json["action"]?["name"]?.stringValue { parts.append(name) }
        if let resource = json["action"]?["resource"]?.stringValue { parts.append(resource) }
        if let decision = json["decision"]?.stringValue {
            parts.append(json["accepted"]?.boolValue ?? true ? decision : decision + " (not counted)")
        }
        return parts.map { VisibleText.line($0) }
    }

    private static func ends(_ json: JSONValue) -> [Markup] {
        var parts = [String]()
        if let status = json["status"]?.stringValue { parts.append(status) }
        if let result = json["outcome"]?["result"]?.stringValue {
            let status = json["outcome"]?["status"]?.integerValue.map { " \($0)" } ?? ""
            parts.append(result + status)
        }
        // The kinds about a set of files say which one is in force; elsewhere the version is beside the point.
        switch json["kind"]?.stringValue {
        case "policy.changed":
            let count =
                json["policy"]?["policies"]?.integerValue.map { $0 == 1 ? "1 policy, " : "\($0) policies, " } ?? ""
            if let version = json["policy"]?["version"]?.stringValue { parts.append("\(count)version \(version)") }
        case "configuration.changed":
            if let file = json["configuration"]?["file"]?.stringValue { parts.append(file) }
            if let tool = json["tool_definition"]?["tool"]?.stringValue {
                let connection = json["tool_definition"]?["connection"]?.stringValue ?? ""
                parts.append("definition of the tool \(connection)/\(tool) accepted")
            }
        case "payload.erased":
            let count = json["erased"]?["count"]?.integerValue ?? 0
            parts.append(count == 1 ? "1 payload" : "\(count) payloads")
            if let cause = json["erased"]?["reason"]?.stringValue { parts.append(cause) }
            if let name = json["erased"]?["connection"]?.stringValue { parts.append(name) }
        default: break
        }
        if let detail = json["detail"]?.stringValue { parts.append(detail) }
        if let change = json["change"]?.stringValue {
            let identity = [json["identity"]?["type"], json["identity"]?["id"]].compactMap { $0?.stringValue }
            parts.append(([change] + identity).joined(separator: " "))
        }
        return parts.map { VisibleText.line($0) }
    }
}
