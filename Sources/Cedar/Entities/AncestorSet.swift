/// What is above one entity; small sets are scanned, large ones searched, by hash.
package struct AncestorSet: Sendable {
    private static let searchedFrom = 16

    /// The set without members.
    package static let empty = AncestorSet([])

    private let storage: Storage
    /// A member that is not in the storage, so that a set with one more costs nothing to make.
    private let added: EntityUID?

    private final class Storage: Sendable {
        /// Each once, by their hashes.
        let uids: [EntityUID]
        /// Ascending, in the order of `uids`.
        let fingerprints: [Int]

        init(_ uids: [EntityUID]) {
            self.uids = uids
            self.fingerprints = uids.map(\.fingerprint)
        }
    }

    /// Collects entities.
    package init(_ uids: some Collection<EntityUID>) {
        let sorted = uids.sorted { $0.fingerprint < $1.fingerprint }
        var distinct: [EntityUID] = []
        distinct.reserveCapacity(sorted.count)
        // The run of equal hashes, nearly always one long.
        var run = 0
        for uid in sorted {
            if run < distinct.count, distinct[run].fingerprint != uid.fingerprint { run = distinct.count }
            if !distinct[run...].contains(uid) { distinct.append(uid) }
        }
        self.init(Storage(distinct), added: nil)
    }

    private init(_ storage: Storage, added: EntityUID?) {
        self.storage = storage
        self.added = added
    }

    /// The number of members.
    package var count: Int { self.storage.uids.count + (self.added == nil ? 0 : 1) }

    /// All members, in no order that means anything.
    package var all: [EntityUID] { self.storage.uids + (self.added.map { [$0] } ?? []) }

    /// A member, in the order of `all`.
    subscript(_ index: Int) -> EntityUID {
        if index == self.storage.uids.count, let added { return added }
        return self.storage.uids[index]
    }

    /// The hash of a member, in the order of `all`.
    func fingerprint(_ index: Int) -> Int {
        if index == self.storage.fingerprints.count, let added { return added.fingerprint }
        return self.storage.fingerprints[index]
    }

    /// The set with one more member.
    func inserting(_ uid: EntityUID) -> AncestorSet {
        if self.contains(uid) { return self }
        if self.added == nil { return AncestorSet(self.storage, added: uid) }
        return AncestorSet(self.all + [uid])
    }

    /// Whether an entity is a member.
    package func contains(_ uid: EntityUID) -> Bool {
        if let added, added == uid { return true }
        let count = self.storage.fingerprints.count
        let fingerprint = uid.fingerprint
        var index = 0
        if count >= Self.searchedFrom {
            var high = count
            while index < high {
                let middle = (index + high) / 2
                if self.storage.fingerprints[middle] < fingerprint { index = middle + 1 } else { high = middle }
            }
        } else {
            while index < count, self.storage.fingerprints[index] < fingerprint { index += 1 }
        }
        while index < count, self.storage.fingerprints[index] == fingerprint {
            if self.storage.uids[index] == uid { return true }
            index += 1
        }
        return false
    }
}
