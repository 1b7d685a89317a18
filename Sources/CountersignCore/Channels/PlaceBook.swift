/// Where a chat's own servers said that a place can be reached, in a request that was checked.
package struct ProvenPlace: Hashable, Sendable {
    /// The place.
    package let destination: Destination
    /// The base of its servers' addresses: our credentials go there and nowhere else.
    package let service: String
    /// The workspace or tenant that it is in.
    package let tenant: String
    /// When they said so.
    package let learnedAt: Timestamp

    /// Describes a place.
    package init(destination: Destination, service: String, tenant: String, learnedAt: Timestamp) {
        self.destination = destination
        self.service = service
        self.tenant = tenant
        self.learnedAt = learnedAt
    }
}

/// The places that chats proved, kept in the ledger, so that a restart forgets none.
///
/// All writes are on disk when they return.
package protocol PlaceBook: Sendable {
    /// What was proven of a place; `nil` if nothing was.
    func place(_ destination: Destination) async throws(LedgerError) -> ProvenPlace?
    /// All places of a channel, ordered by address.
    func places(of channel: ChannelName) async throws(LedgerError) -> [ProvenPlace]
    /// Takes the place of what was known of it; of a channel, at most `limit` are kept, the newest ones.
    func learnPlace(_ place: ProvenPlace, keeping limit: Int) async throws(LedgerError)
    /// Nothing is known of it any more.
    func forgetPlace(_ destination: Destination) async throws(LedgerError)
}
