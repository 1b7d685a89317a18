import CountersignCore

extension LedgerContract {
    /// What chats proved of places.
    static let placing: [LedgerRule] = [
        LedgerRule("a place is what was learned last, until it is forgotten") { ledger, clock in
            let place = place("19:a", "https://one.example.com/", clock)
            try expect(try await ledger.places.place(place.destination), is: nil)
            try await ledger.places.learnPlace(place, keeping: 10)
            try expect(try await ledger.places.place(place.destination), is: place)
            clock.advance(by: .seconds(1))
            let moved = Self.place("19:a", "https://two.example.com/", clock)
            try await ledger.places.learnPlace(moved, keeping: 10)
            try expect(try await ledger.places.places(of: channel), is: [moved])
            try await ledger.places.forgetPlace(moved.destination)
            try expect(try await ledger.places.place(moved.destination), is: nil)
        },
        LedgerRule("of one channel's places only the newest are kept, and no other channel's go") { ledger, clock in
            let other = Destination(channel: ChannelName(unchecked: "other"), address: "19:a")
            let foreign = ProvenPlace(destination: other, service: "s", tenant: "t", learnedAt: clock.time())
            try await ledger.places.learnPlace(foreign, keeping: 2)
            for name in ["19:b", "19:a", "19:c"] {
                clock.advance(by: .seconds(1))
                try await ledger.places.learnPlace(place(name, "https://one.example.com/", clock), keeping: 2)
            }
            let kept = try await ledger.places.places(of: channel)
            try expect(kept.map(\.destination.address), is: ["19:a", "19:c"])
            try expect(try await ledger.places.place(other), is: foreign)
        },
    ]

    private static let channel = ChannelName(unchecked: "teams")

    private static func place(_ address: String, _ service: String, _ clock: ManualClock) -> ProvenPlace {
        ProvenPlace(
            destination: Destination(channel: channel, address: address),
            service: service,
            tenant: "t",
            learnedAt: clock.time(),
        )
    }
}
