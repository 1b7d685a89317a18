/// How the gateway tells the control plane, on this machine, from where an agent's call came that it passes on.
///
/// Both sides have a secret that is made anew at each start; without it nobody's word on another address counts.
package struct RelayedSource: Sendable {
    /// The header field; the gateway takes every `Countersign-…` of an agent's away.
    package static let field = "Countersign-Relay"
    private let secret: String

    /// Makes the secret.
    package init(chance: Chance) { secret = chance.secret() }

    /// What the gateway writes: the secret, and the peer's address if it is known.
    package func value(_ address: String?) -> String { secret + " " + (address ?? "") }

    /// What the control plane reads: the address (empty where the gateway did not know it), or `nil` for a value that is
    /// not the gateway's.
    package func address(_ value: String?) -> String? {
        guard let value, value.utf8.count > secret.utf8.count else { return nil }
        // In the same time for every wrong value.
        let isOurs = zip(value.utf8, (secret + " ").utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
        return isOurs ? String(decoding: value.utf8.dropFirst(secret.utf8.count + 1), as: UTF8.self) : nil
    }
}
