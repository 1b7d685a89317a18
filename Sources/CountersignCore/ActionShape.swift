import CanonicalJSON

/// What an action is but for its payload and the last part of what it touches: two actions of one shape can be judged
/// on one page.
///
/// Everything else must be the same, byte for byte: who asks and for whom, where, the method, the header fields, the
/// query, the tool and its definition, and the gates. It only decides what is shown together, never what may be done.
package struct ActionShape: Hashable, Sendable {
    private let digest: ActionDigest

    /// The shape of what an approval asks for; `nil` if its document is erased.
    package init?(_ approval: Approval) {
        guard let text = approval.document, var document = StoredJSON.value(text)?.objectValue else { return nil }
        if var context = document["context"]?.objectValue {
            for name in ["path", "raw_path"] {
                guard let path = context[name]?.stringValue else { continue }
                context[name] = .string(Self.withoutLast(path, of: 1))
            }
            // Of the payload and of a tool's arguments, only that there are some, and of which kind.
            if let payload = context["payload"] { context["payload"] = payload["media_type"] ?? .null }
            if context["arguments"] != nil { context["arguments"] = .null }
            if let operations = context["operations"]?.arrayValue {
                context["operations"] = .array(operations.map(Self.kind))
            }
            document["context"] = .object(context)
        }
        let whole: JSONValue = [
            "document": .object(document), "owner": approval.owner.map { .string($0.rawValue) } ?? .null,
            "policy_version": .string(approval.policyVersion),
            "gates": .array(approval.gates.map { .string($0.policy + "\n" + $0.text) }),
        ]
        digest = ActionDigest(of: whole.canonicalBytes())
    }

    /// An operation without the last part of its resource: `api/DELETE /orders/7`, but not `orders-db/public.customers`,
    /// which has one part only.
    private static func kind(_ operation: JSONValue) -> JSONValue {
        guard var object = operation.objectValue, var resource = object["resource"]?.objectValue,
            let id = resource["id"]?.stringValue
        else { return operation }
        resource["id"] = .string(withoutLast(id, of: 2))
        object["resource"] = .object(resource)
        return .object(object)
    }

    /// A path without what stands behind its last slash, if it has at least so many.
    private static func withoutLast(_ path: String, of slashes: Int) -> String {
        let slash = UInt8(ascii: "/")
        guard path.utf8.count(where: { $0 == slash }) >= slashes, let last = path.utf8.lastIndex(of: slash) else {
            return path
        }
        return String(path[...last])
    }
}
