/// Finds the place of something by its hash; who asks compares what stands there, as only equality decides.
///
/// Hashes are spread by Swift's seeded hasher already, so they choose their slots themselves. An entry that is taken by
/// another hash is passed over; half of the slots stay free, so that such runs are short.
struct FingerprintTable: Sendable {
    private struct Slot: Sendable {
        var fingerprint = 0
        /// -1 while the slot is free.
        var place: Int32 = -1
    }

    private let slots: [Slot]
    private let mask: Int

    /// Collects hashes in the order of their places; equal ones keep that order.
    init(_ fingerprints: some Collection<Int>) {
        var capacity = 4
        while capacity < 2 * fingerprints.count { capacity *= 2 }
        var slots = [Slot](repeating: Slot(), count: capacity)
        for (place, fingerprint) in fingerprints.enumerated() {
            var index = fingerprint & (capacity - 1)
            while slots[index].place >= 0 { index = (index + 1) & (capacity - 1) }
            slots[index] = Slot(fingerprint: fingerprint, place: Int32(place))
        }
        self.slots = slots
        self.mask = capacity - 1
    }

    /// The first place of that hash at which `isMatch` says yes.
    @inline(__always)
    func place(of fingerprint: Int, where isMatch: (Int) -> Bool) -> Int? {
        var index = fingerprint & self.mask
        while true {
            let slot = self.slots[index]
            guard slot.place >= 0 else { return nil }
            if slot.fingerprint == fingerprint, isMatch(Int(slot.place)) { return Int(slot.place) }
            index = (index + 1) & self.mask
        }
    }
}
