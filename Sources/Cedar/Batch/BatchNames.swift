/// How the answers of a batch name policies.
package enum BatchNames: String, Hashable, Sendable, CaseIterable {
    /// By `@id` where a policy has one, else by position.
    ///
    /// A set in which two policies would then have one name is named by position altogether.
    case annotations
    /// By position: `policy0`, `policy1`, … as the official engine names them.
    case positions

    func ids(of policies: [Policy]) -> [String] {
        let positions = policies.map(\.id)
        guard self == .annotations else { return positions }
        let annotated = policies.map { policy in
            policy.annotation("id").flatMap { $0.utf8.isEmpty ? nil : $0 } ?? policy.id
        }
        return Set(annotated.map { CedarString($0) }).count == annotated.count ? annotated : positions
    }
}
