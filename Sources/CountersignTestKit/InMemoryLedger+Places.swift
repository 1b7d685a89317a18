package import CountersignCore

extension InMemoryLedger: PlaceBook {
    /// The ledger itself.
    package var places: any PlaceBook { self }

    /// What was proven of a place.
    package func place(_ destination: Destination) async throws(LedgerError) -> ProvenPlace? {
        try read { $0.places[destination] }
    }

    /// All places of a channel, ordered by address.
    package func places(of channel: ChannelName) async throws(LedgerError) -> [ProvenPlace] {
        try read { state in
            state.places.values.filter { $0.destination.channel == channel }.sorted {
                $0.destination.address < $1.destination.address
            }
        }
    }

    /// Takes the place of what was known of it.
    package func learnPlace(_ place: ProvenPlace, keeping limit: Int) async throws(LedgerError) {
        try read { state in
            state.places[place.destination] = place
            let channel = state.places.values.filter { $0.destination.channel == place.destination.channel }
            let newest = channel.sorted {
                ($1.learnedAt, $0.destination.address) < ($0.learnedAt, $1.destination.address)
            }
            for old in newest.dropFirst(limit) { state.places[old.destination] = nil }
        }
    }

    /// Nothing is known of it any more.
    package func forgetPlace(_ destination: Destination) async throws(LedgerError) {
        try read { $0.places[destination] = nil }
    }
}
