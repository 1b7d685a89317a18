import CanonicalJSON
import CountersignCore

/// One question of AuthZEN's Authorization API 1.0, read as an action document.
///
/// Two forms of a resource are taken: the document of `POST /v1/actions`, whose resource is the connection and whose
/// context has the operations; and the short one, whose resource is the thing itself and which is one operation on it.
struct Evaluation: Sendable {
    /// The document.
    let document: JSONValue
    /// The id of the approval that is presented, `context.approval.id`; it is no part of the action.
    let approval: String?
    /// Why the agent asks, `context.business_justification`; it is no part of the action either.
    let justification: String?

    /// Reads the four members of a question.
    init(_ members: JSONObject) throws(Problem) {
        var context = try Self.object(members, "context") ?? JSONObject()
        approval = try Self.approval(context["approval"])
        justification = try Self.words(context["business_justification"])
        context["approval"] = nil
        context["business_justification"] = nil
        var subject = try Self.needed(members, "subject")
        if var properties = subject["properties"]?.objectValue {
            // The immediate actor is the one that is authenticated; a document names no other.
            properties["act"] = nil
            subject["properties"] = properties.isEmpty ? nil : .object(properties)
        }
        let action = Self.plain(try Self.needed(members, "action"))
        var resource = Self.plain(try Self.needed(members, "resource"))
        if context["operations"] == nil {
            let name = action["name"] ?? .null
            let effect = name.stringValue.map { String($0.drop { $0 != ":" }.dropFirst()) }
            context["operations"] = [
                ["action": name, "effect": .string(effect ?? ""), "resource": .object(resource)]
            ]
            if resource["type"]?.stringValue != "Connection", let id = resource["id"]?.stringValue {
                resource = JSONObject([("id", .string(String(id.prefix { $0 != "/" }))), ("type", "Connection")])
            }
        }
        document = .object(
            JSONObject([
                ("action", .object(action)), ("context", .object(context)), ("resource", .object(resource)),
                ("subject", .object(subject)),
            ])
        )
    }

    /// The members that a question has.
    static let members: Set<String> = ["action", "context", "resource", "subject"]

    private static func needed(_ members: JSONObject, _ name: String) throws(Problem) -> JSONObject {
        guard let object = try object(members, name) else { throw Problem(.badRequest, "\(name) is missing.") }
        return object
    }

    private static func object(_ members: JSONObject, _ name: String) throws(Problem) -> JSONObject? {
        guard let value = members[name] else { return nil }
        guard case .object(let object) = value else { throw Problem(.badRequest, "\(name) must be an object.") }
        return object
    }

    /// Without properties that say nothing; those that say something are refused when the document is read.
    private static func plain(_ object: JSONObject) -> JSONObject {
        var object = object
        if object["properties"]?.objectValue?.isEmpty == true { object["properties"] = nil }
        return object
    }

    private static func approval(_ value: JSONValue?) throws(Problem) -> String? {
        guard let value else { return nil }
        guard let id = value["id"]?.stringValue else {
            throw Problem(.badRequest, "context.approval must be an object with an id, as the task's result has it.")
        }
        return id
    }

    private static func words(_ value: JSONValue?) throws(Problem) -> String? {
        guard let value else { return nil }
        guard let text = value.stringValue, text.unicodeScalars.count <= 1000 else {
            throw Problem(.badRequest, "context.business_justification must be text of at most 1000 characters.")
        }
        return text
    }
}
