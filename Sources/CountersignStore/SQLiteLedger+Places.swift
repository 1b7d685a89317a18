package import CountersignCore

extension SQLiteLedger: PlaceBook {
    /// The ledger itself.
    package var places: any PlaceBook { self }

    /// What was proven of a place.
    package func place(_ destination: Destination) async throws(LedgerError) -> ProvenPlace? {
        try await read { db in
            try db.first(
                "SELECT channel, address, service, tenant, learned_at FROM place WHERE channel = ?1 AND address = ?2",
                [.text(destination.channel.rawValue), .text(destination.address)]
            ) { try Self.place($0) }
        }
    }

    /// All places of a channel, ordered by address.
    package func places(of channel: ChannelName) async throws(LedgerError) -> [ProvenPlace] {
        try await read { db in
            try db.rows(
                "SELECT channel, address, service, tenant, learned_at FROM place WHERE channel = ?1 ORDER BY address",
                [.text(channel.rawValue)]
            ) { try Self.place($0) }
        }
    }

    /// Takes the place of what was known of it.
    package func learnPlace(_ place: ProvenPlace, keeping limit: Int) async throws(LedgerError) {
        let channel = StoreValue.text(place.destination.channel.rawValue)
        try await writer.chore { db in
            try db.run(
                """
                INSERT INTO place (channel, address, service, tenant, learned_at) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (channel, address) DO UPDATE SET service = ?3, tenant = ?4, learned_at = ?5
                """,
                [
                    channel, .text(place.destination.address), .text(place.service), .text(place.tenant),
                    .integer(place.learnedAt.microseconds),
                ],
            )
            try db.run(
                """
                DELETE FROM place WHERE channel = ?1 AND address IN (
                    SELECT address FROM place WHERE channel = ?1 ORDER BY learned_at DESC, address LIMIT -1 OFFSET ?2
                )
                """,
                [channel, .integer(Int64(limit))],
            )
        }.get()
    }

    /// Nothing is known of it any more.
    package func forgetPlace(_ destination: Destination) async throws(LedgerError) {
        try await writer.chore { db in
            try db.run(
                "DELETE FROM place WHERE channel = ?1 AND address = ?2",
                [.text(destination.channel.rawValue), .text(destination.address)],
            )
        }.get()
    }

    private static func place(_ row: StoreRow) throws -> ProvenPlace {
        guard let channel = ChannelName(row.text(0)) else {
            throw LedgerError(.corrupt, "a place of a channel cannot be read")
        }
        return ProvenPlace(
            destination: Destination(channel: channel, address: row.text(1)),
            service: row.text(2),
            tenant: row.text(3),
            learnedAt: Timestamp(microseconds: row.integer(4)),
        )
    }
}
