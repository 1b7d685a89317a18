import CanonicalJSON
import CountersignCore

/// What exactly an action will do, on a page; everything in it came from the agent and is shown visibly.
struct ActionView {
    let connection: Markup
    let kind: Markup
    let environment: EnvironmentLabel
    let labels: [NamedText]
    let operations: [OperationView]
    let method: Markup
    let path: Markup
    let query: [NamedText]
    let hasQuery: Bool
    let headers: [NamedText]
    let hasHeaders: Bool
    let payload: PayloadView?
    let call: ToolCallView?
    let rest: Markup
    let document: Markup
    let isErased: Bool
    /// The page of the entry that tells of the erasure.
    let erasure: Markup

    init(_ approval: Approval, _ connection: Connection?, _ tools: ToolBook) {
        self.connection = Markup(approval.connection.rawValue)
        kind = connection.map { Markup($0.kind) } ?? .none
        environment = EnvironmentLabel(connection?.labels["env"])
        labels = (connection?.labels ?? [:]).filter { $0.key != "env" }.sorted { $0.key < $1.key }
            .map { NamedText(name: VisibleText.line($0.key), text: VisibleText.line($0.value)) }
        let parsed = approval.document.flatMap { StoredJSON.value($0) } ?? .null
        document = VisibleText.block(parsed.prettyText())
        isErased = approval.document == nil
        erasure = approval.erasedBy.map { Markup("/activity/\($0)") } ?? .none
        operations = (parsed["context"]?["operations"]?.arrayValue ?? []).map { OperationView($0) }
        var context = parsed["context"]?.objectValue ?? JSONObject()
        context["operations"] = nil
        call = ToolCallView(approval, &context, tools)
        method = Self.take("method", from: &context).map { VisibleText.line($0) } ?? .none
        path = Self.take("path", from: &context).map { VisibleText.line($0) } ?? .none
        query = NamedText.parameters(Self.take("query", from: &context) ?? "")
        hasQuery = !query.isEmpty
        headers = NamedText.fields(context["headers"])
        hasHeaders = !headers.isEmpty
        if hasHeaders || context["headers"]?.objectValue?.isEmpty ?? false { context["headers"] = nil }
        payload = context["payload"].flatMap { PayloadView($0) }
        if payload != nil { context["payload"] = nil }
        // Nothing of the document is left out: what has no place of its own is shown as it is.
        rest = context.isEmpty ? .none : VisibleText.block(JSONValue.object(context).prettyText())
    }

    private static func take(_ name: String, from context: inout JSONObject) -> String? {
        guard let text = context[name]?.stringValue else { return nil }
        context[name] = nil
        return text
    }
}

/// One operation of an action.
struct OperationView {
    /// Its effect.
    let effect: Pill
    /// The type of what it touches.
    let type: Markup
    /// What it touches.
    let resource: Markup

    /// Describes an operation of the document.
    init(_ operation: JSONValue) {
        effect = Pill(operation["effect"]?.stringValue.flatMap { Effect(rawValue: $0) } ?? .unknown)
        type = VisibleText.line(operation["resource"]?["type"]?.stringValue ?? "")
        resource = VisibleText.line(operation["resource"]?["id"]?.stringValue ?? "")
    }
}

/// A name and its text.
struct NamedText {
    /// The name.
    let name: Markup
    /// The text.
    let text: Markup

    /// The header fields of a document; none if they are in a form that we do not know.
    static func fields(_ value: JSONValue?) -> [NamedText] {
        guard case .object(let object)? = value else { return [] }
        var fields = [NamedText]()
        for member in object.members {
            let values = member.value.arrayValue ?? [member.value]
            for value in values {
                guard let text = value.stringValue else { return [] }
                fields.append(NamedText(name: VisibleText.line(member.key), text: VisibleText.line(text)))
            }
        }
        return fields
    }

    /// The parameters of a query or a form, decoded; the encoded text where that is not possible.
    static func parameters(_ text: String) -> [NamedText] {
        FormFields.split(text).map { name, value in
            NamedText(
                name: VisibleText.line(PercentCoding.decode(name, plusIsSpace: true) ?? String(name)),
                text: VisibleText.line(PercentCoding.decode(value, plusIsSpace: true) ?? String(value)),
            )
        }
    }
}

/// The payload of an action.
struct PayloadView {
    let mediaType: Markup
    let size: Markup
    let note: Markup
    let pretty: Markup
    let form: [NamedText]
    let isForm: Bool
    let raw: Markup
    let parameters: Markup
    let sha256: Markup

    /// Describes a payload; `nil` for one in a form that we do not know.
    init?(_ value: JSONValue) {
        guard case .object(let object) = value, let type = object["media_type"]?.stringValue else { return nil }
        let known = ["bytes", "excerpt", "media_type", "parameters", "sha256", "text"]
        guard object.members.allSatisfy({ known.contains($0.key) }) else { return nil }
        mediaType = VisibleText.line(type)
        parameters = object["parameters"].map { VisibleText.block($0.prettyText()) } ?? .none
        sha256 = object["sha256"]?.stringValue.map { VisibleText.line($0) } ?? .none
        let essence = type.prefix { $0 != ";" && $0 != " " }.lowercased()
        if let text = object["text"]?.stringValue {
            size = Markup(Self.size(Int64(text.utf8.count)))
            raw = VisibleText.block(text)
            isForm = essence == "application/x-www-form-urlencoded"
            form = isForm ? NamedText.parameters(text) : []
            if essence.hasSuffix("/json") || essence.hasSuffix("+json") {
                // Only what every reader understands alike is laid out anew; the rest is shown byte for byte.
                let limits = JSONLimits(allowsNoncharacters: true)
                let parsed = try? JSONParser.parse(text, limits: limits)
                pretty = parsed.map { VisibleText.block($0.prettyText()) } ?? .none
                note =
                    parsed == nil
                    ? Markup("Readers may understand this JSON differently, so it is shown only as it is.") : .none
            } else {
                pretty = .none
                note = .none
            }
        } else {
            size = object["bytes"]?.integerValue.map { Markup(Self.size($0)) } ?? .none
            let excerpt = object["excerpt"]?.stringValue ?? ""
            raw = excerpt.isEmpty ? .none : VisibleText.block(excerpt)
            (pretty, form, isForm) = (.none, [], false)
            note = Markup(
                excerpt.isEmpty
                    ? "The body is not text that can be shown. Its digest is part of what you approve."
                    : "Only the beginning is shown. The digest of the whole body is part of what you approve."
            )
        }
    }

    private static func size(_ bytes: Int64) -> String {
        switch bytes {
        case ..<1024: "\(bytes) bytes"
        case ..<1_048_576: "\(bytes / 1024) KiB"
        default: "\(bytes / 1_048_576) MiB"
        }
    }
}
