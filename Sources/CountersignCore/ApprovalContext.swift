package import CanonicalJSON

/// The `context` of an approval's document, with what those must say who show only a part of it.
package struct ApprovalContext: Hashable, Sendable {
    /// The members; none once the document was erased.
    package let members: JSONObject

    /// Reads that of an approval.
    package init(_ approval: Approval) {
        let document = approval.document.flatMap { StoredJSON.value($0) } ?? .null
        members = document["context"]?.objectValue ?? JSONObject()
    }

    /// `2 more operations`: those beside the first, the only one whose resource ``Approval/resource`` names; `nil` if
    /// there are none.
    package var furtherOperations: String? {
        let count = (members["operations"]?.arrayValue?.count ?? 0) - 1
        return switch count {
        case ...0: nil
        case 1: "1 more operation"
        default: "\(count) more operations"
        }
    }

    /// Whether of the payload there is only its beginning, or nothing but its digest.
    package var hasExcerptOnly: Bool {
        guard let payload = members["payload"], payload["text"]?.stringValue == nil else { return false }
        return payload["sha256"] != nil || payload["excerpt"] != nil
    }
}
