/// What is above one entity; small sets are scanned, large ones searched, by hash.
package struct AncestorSet: Sendable {
    private static let searchedFrom = 16

    /// The set without members.
    package static let empty = AncestorSet([])

    /// Ascending, and in the order of `uids`.
    private let fingerprints: [Int]
    private let uids: [EntityUID]

    /// Collects entities.
    package init(_ uids: some Collection<EntityUID>) {
        self.uids = uids.sorted { $0.fingerprint < $1.fingerprint }
        self.fingerprints = self.uids.map(\.fingerprint)
    }

    /// All members, in no order that means anything.
    package var all: [EntityUID] { self.uids }

    /// The set with one more member.
    func inserting(_ uid: EntityUID) -> AncestorSet {
        let place = self.fingerprints.firstIndex { $0 >= uid.fingerprint } ?? self.fingerprints.count
        var fingerprints: [Int] = []
        fingerprints.reserveCapacity(self.fingerprints.count + 1)
        fingerprints += self.fingerprints[..<place]
        fingerprints.append(uid.fingerprint)
        fingerprints += self.fingerprints[place...]
        var uids: [EntityUID] = []
        uids.reserveCapacity(self.uids.count + 1)
        uids += self.uids[..<place]
        uids.append(uid)
        uids += self.uids[place...]
        return AncestorSet(fingerprints: fingerprints, uids: uids)
    }

    private init(fingerprints: [Int], uids: [EntityUID]) {
        self.fingerprints = fingerprints
        self.uids = uids
    }

    /// Whether an entity is a member.
    package func contains(_ uid: EntityUID) -> Bool {
        guard let place = self.firstPlace(of: uid.fingerprint) else { return false }
        return self.contains(uid, from: place)
    }

    /// The first place at which a member of that hash stands.
    func firstPlace(of fingerprint: Int) -> Int? {
        let count = self.fingerprints.count
        var index = 0
        if count >= Self.searchedFrom {
            var high = count
            while index < high {
                let middle = (index + high) / 2
                if self.fingerprints[middle] < fingerprint { index = middle + 1 } else { high = middle }
            }
        } else {
            while index < count, self.fingerprints[index] < fingerprint { index += 1 }
        }
        return index < count && self.fingerprints[index] == fingerprint ? index : nil
    }

    /// Whether an entity stands among those of one hash that start at a place.
    func contains(_ uid: EntityUID, from place: Int) -> Bool {
        var index = place
        while index < self.uids.count, self.fingerprints[index] == uid.fingerprint {
            if self.uids[index] == uid { return true }
            index += 1
        }
        return false
    }
}
