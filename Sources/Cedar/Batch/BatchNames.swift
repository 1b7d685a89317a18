/// How the answers of a batch name policies.
package enum BatchNames: String, Hashable, Sendable, CaseIterable {
    /// By `@id` where a policy has one, else by position; a link, by its own id.
    ///
    /// A set in which two policies would then have one name is named by position altogether.
    case annotations
    /// By position: `policy0`, `policy1`, … as the official engine names them.
    case positions

    func ids(of set: PolicySet) -> [String] {
        let positions = set.policies.map(\.id)
        guard self == .annotations else { return positions }
        // The set's last policies are its links; the `@id` of those is their template's.
        let annotated = set.policies.dropLast(set.links.count).map { policy in
            policy.annotation("id").flatMap { $0.utf8.isEmpty ? nil : $0 } ?? policy.id
        }
        let names = annotated + positions.suffix(set.links.count)
        return Set(names.map { CedarString($0) }).count == names.count ? names : positions
    }
}
