package import TransparencyLog

/// The witnesses of a log, and how many of them must cosign before a checkpoint counts as cosigned.
package struct WitnessSettings: Sendable {
    /// One witness.
    package struct Peer: Hashable, Sendable {
        /// Its key; its name is the witness's.
        package let key: CosignatureVerifier
        /// Its address without a slash at the end: what comes before `/add-checkpoint`.
        package let url: String
        /// The host of the address, for people.
        package let host: String
        /// A PEM file of the authorities that its certificate may be of; the system's if there is none.
        package let trustRoots: String?

        /// Names a witness.
        package init(key: CosignatureVerifier, url: String, host: String, trustRoots: String? = nil) {
            self.key = key
            self.url = url
            self.host = host
            self.trustRoots = trustRoots
        }

        /// Its name and host, for messages.
        package var description: String { "\(key.name) (\(host))" }
    }

    /// The witnesses, in the order of the configuration; no two have the same key or name.
    package let peers: [Peer]
    /// How many of them must cosign.
    package let quorum: Int

    /// Joins witnesses and quorum; refuses a quorum that cannot be, and a witness named twice.
    package init(peers: [Peer], quorum: Int) throws(PolicyError) {
        _ = try WitnessPolicy(quorum, of: peers.map(\.key))
        self.peers = peers
        self.quorum = quorum
    }
}
