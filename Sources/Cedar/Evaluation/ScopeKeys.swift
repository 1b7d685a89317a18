/// The constraints that the policies of a set put on one part of a request, numbered.
///
/// Policies with equal constraints share a number, so that whether a scope matches is whether its number is among those
/// that hold for the request.
final class ScopeKeys: Sendable {
    /// The number of the constraint that holds for everything.
    static let any: Int32 = 0

    /// A constraint, of whatever part of a request.
    enum Constraint: Hashable, Sendable {
        case any
        case equal(EntityUID)
        case within([EntityUID])
        case isType(EntityTypeName)
        case isTypeWithin(EntityTypeName, EntityUID)
    }

    /// What constraints say of one entity.
    private struct Mention: Sendable {
        /// The constraint that takes the entity itself; -1 if there is none.
        var equal: Int32 = -1
        /// Those that take what is within it: a range of `within`.
        var first: Int32 = 0
        var end: Int32 = 0
    }

    private struct Within: Sendable {
        let key: Int32
        /// The type that it must also be of, a place in `types`; -1 if there is none.
        let type: Int32
    }

    /// How many constraints there are.
    let count: Int
    private let uids: [EntityUID]
    private let mentions: [Mention]
    private let table: FingerprintTable
    private let within: [Within]
    private let mostWithin: Int
    private let types: [EntityTypeName]
    /// The constraint that takes a type as such; -1 if there is none.
    private let typeKeys: [Int32]
    private let typeTable: FingerprintTable

    /// Numbers constraints in the order in which they are given.
    init(_ constraints: [Constraint]) {
        var equal: [EntityUID: Int32] = [:]
        var within: [EntityUID: [Within]] = [:]
        var uids: [EntityUID] = []
        var types: [EntityTypeName] = []
        var typeKeys: [Int32] = []
        var places: [EntityTypeName: Int] = [:]
        func place(_ type: EntityTypeName) -> Int {
            if let place = places[type] { return place }
            places[type] = types.count
            types.append(type)
            typeKeys.append(-1)
            return types.count - 1
        }
        for (number, constraint) in constraints.enumerated() {
            let key = Int32(number)
            switch constraint {
            case .any: break
            case .equal(let uid):
                equal[uid] = key
                uids.append(uid)
            case .within(let ancestors):
                for uid in ancestors { within[uid, default: []].append(Within(key: key, type: -1)) }
                uids += ancestors
            case .isType(let type): typeKeys[place(type)] = key
            case .isTypeWithin(let type, let uid):
                within[uid, default: []].append(Within(key: key, type: Int32(place(type))))
                uids.append(uid)
            }
        }
        var seen = Set<EntityUID>()
        self.uids = uids.filter { seen.insert($0).inserted }
        var flat: [Within] = []
        self.mentions = self.uids.map { uid in
            let first = flat.count
            flat += within[uid] ?? []
            return Mention(equal: equal[uid] ?? -1, first: Int32(first), end: Int32(flat.count))
        }
        self.count = constraints.count
        self.table = FingerprintTable(self.uids.map(\.fingerprint))
        self.within = flat
        self.mostWithin = within.values.reduce(0) { max($0, $1.count) }
        self.types = types
        self.typeKeys = typeKeys
        self.typeTable = FingerprintTable(types.map(\.fingerprint))
    }

    /// How many constraints can hold at once for something with that many ancestors, counted with repetitions.
    func most(ancestors: Int) -> Int {
        let mentioned = min(ancestors + 1, self.uids.count)
        return min(3 + mentioned * self.mostWithin, 3 + self.within.count)
    }

    /// Lends the numbers of the constraints that hold for a part of a request, ascending, each once.
    @inline(__always)
    func withActive(_ subject: Evaluator.Subject, _ body: (ActiveKeys) -> Void) {
        let most = self.most(ancestors: subject.ancestors.count)
        unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: most) { memory in
            var active = unsafe ActiveKeys(memory)
            self.collect(subject.uid, subject.ancestors, into: &active)
            body(active)
        }
    }

    private func collect(_ uid: EntityUID, _ ancestors: AncestorSet, into active: inout ActiveKeys) {
        active.append(Self.any)
        let type = self.typeTable.place(of: uid.typeFingerprint) { self.types[$0] == uid.type } ?? -1
        if type >= 0, self.typeKeys[type] >= 0 { active.append(self.typeKeys[type]) }
        let own = self.table.place(of: uid.fingerprint) { self.uids[$0] == uid } ?? -1
        if own >= 0 {
            if self.mentions[own].equal >= 0 { active.append(self.mentions[own].equal) }
            self.append(own, type, to: &active)
        }
        // Whichever are fewer: what the subject is within, or what the policies mention.
        if ancestors.count <= self.uids.count {
            for index in 0..<ancestors.count {
                let found = self.table.place(of: ancestors.fingerprint(index)) { self.uids[$0] == ancestors[index] }
                if let place = found, place != own { self.append(place, type, to: &active) }
            }
        } else {
            for place in self.uids.indices where place != own && ancestors.contains(self.uids[place]) {
                self.append(place, type, to: &active)
            }
        }
        active.sort()
    }

    private func append(_ place: Int, _ type: Int, to active: inout ActiveKeys) {
        let mention = self.mentions[place]
        for index in mention.first..<mention.end {
            let within = self.within[Int(index)]
            if within.type < 0 || Int(within.type) == type { active.append(within.key) }
        }
    }
}
