import CountersignCore
import Yams

extension AccessRequestVersion {
    /// Reads `api`; what is not set is not served.
    static func read(_ node: Node?, _ reader: NodeReader) -> AccessRequestVersion? {
        let members = reader.mapping(node, "api", known: ["access_requests"])
        guard let text = reader.text(members["access_requests"], "api.access_requests") else { return nil }
        guard let version = AccessRequestVersion(rawValue: text) else {
            let known = allCases.map(\.rawValue).joined(separator: ", ")
            reader.fail(
                members["access_requests"],
                "api.access_requests",
                "\"\(text)\" is not a version of the access request profile that is known here; known are \(known)",
            )
            return nil
        }
        return version
    }
}
