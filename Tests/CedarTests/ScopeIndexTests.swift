import Testing

@testable import Cedar

@Suite("Scope index", .timeLimit(.minutes(10)))
struct ScopeIndexTests {
    @Test("the index finds what a scan of all policies finds, errors too", arguments: 0..<60)
    func scan(seed: Int) throws {
        var world = RandomWorld(seed: UInt64(seed))
        let entities = try world.entities()
        let base = entities.filter { _ in Bool.random(using: &world.generator) }
        let whole = try Entities(entities)
        let layered = LayeredEntities(
            base: try Entities(base),
            overlay: entities.filter { !base.contains($0) },
        )
        var disagreements = 0
        for count in [0, 1, 2, 7, 40, 150] {
            let policies = (0..<count).map { _ in world.policy() }
            let scan = try Scan(policies)
            for _ in 0..<12 {
                let request = world.request()
                if !scan.agrees(on: request, whole) { disagreements += 1 }
                if !scan.agrees(on: request, layered) { disagreements += 1 }
            }
        }
        #expect(disagreements == 0)
    }

    @Test("thousands of ancestors and thousands of policies about them are matched exactly")
    func manyAncestors() throws {
        let groups = (0..<3_000).map { EntityUID(type: "Group", id: "g\($0)") }
        let user = EntityUID(type: "User", id: "u")
        let entities = try Entities([Entity(uid: user, parents: groups)])
        let texts = (0..<2_500).map { number in
            let group = "Group::\"g\(number * 2)\""
            return number % 2 == 0
                ? "permit (principal in \(group), action, resource);"
                : "forbid (principal, action, resource is User in \(group)) when { context.missing };"
        }
        let set = try PolicySet(text: texts.joined(separator: "\n"))
        let request = Request(principal: user, action: EntityUID(type: "Action", id: "x"), resource: user)
        let evaluation = set.evaluate(request, entities)
        #expect(Array(evaluation.satisfied) == Array(stride(from: 0, to: 1_500, by: 2)))
        #expect(evaluation.errors.map(\.policy) == Array(stride(from: 1, to: 1_500, by: 2)))
    }

    @Test("a policy is found once, however many of its actions the request is within")
    func once() throws {
        let parents = ["a", "b", "c"].map { EntityUID(type: "Action", id: $0) }
        let entities = try Entities([Entity(uid: Request.sample.action, parents: parents)])
        let text = #"permit (principal, action in [Action::"a", Action::"x", Action::"a", Action::"c"], resource);"#
        let evaluation = try PolicySet(text: text).evaluate(.sample, entities)
        #expect(Array(evaluation.satisfied) == [0])
    }

    @Test("things whose hashes collide are told apart")
    func collisions() {
        let words = ["a", "b", "c", "d", "e"]
        for hash in [0, 1, -1, Int.max, Int.min] {
            let table = FingerprintTable(words.map { _ in hash })
            for (place, word) in words.enumerated() {
                #expect(table.place(of: hash) { words[$0] == word } == place)
            }
            #expect(table.place(of: hash) { _ in false } == nil)
            #expect(table.place(of: hash &+ 1) { _ in true } == nil)
        }
    }

    @Test("an ancestor given twice is one member", arguments: [1, 5, 40])
    func repeated(count: Int) {
        let uids = (0..<count).map { EntityUID(type: "Group", id: "\($0)") }
        let set = AncestorSet(uids + uids)
        #expect(set.count == count)
        #expect(set.inserting(uids[0]).count == count)
        let more = set.inserting(EntityUID(type: "Group", id: "x")).inserting(EntityUID(type: "Group", id: "y"))
        #expect(more.count == count + 2)
        #expect(Set(more.all).count == count + 2)
        #expect(more.all.allSatisfy(more.contains))
    }
}

/// A policy set beside the same policies one by one, for a comparison of the index with looking at every policy.
private struct Scan {
    let set: PolicySet
    /// Each policy's conditions behind a scope without constraints.
    let conditions: [PolicySet]

    init(_ policies: [RandomWorld.PolicyText]) throws {
        self.set = try PolicySet(text: policies.map(\.text).joined(separator: "\n"))
        self.conditions = try policies.map { try PolicySet(text: $0.unscoped) }
    }

    func agrees(on request: Request, _ entities: some EntitySource) -> Bool {
        let found = self.set.evaluate(request, entities)
        let response = self.set.authorize(request, entities)
        var satisfied: [Int] = []
        var errors: [Evaluation.Failure] = []
        for (index, policy) in self.set.policies.enumerated() where self.matches(policy.scope, request, entities) {
            let single = self.conditions[index].evaluate(request, entities)
            if !single.satisfied.isEmpty { satisfied.append(index) }
            errors += single.errors.map { Evaluation.Failure(policy: index, error: $0.error) }
        }
        let forbids = satisfied.filter { self.set.policies[$0].effect == .forbid }
        let reasons = forbids.isEmpty ? satisfied : forbids
        return Array(found.satisfied) == satisfied && found.errors == errors
            && response.decision == (forbids.isEmpty && !satisfied.isEmpty ? .allow : .deny)
            && response.reasons == reasons.map { "policy\($0)" }
            && response.errors.map(\.id) == errors.map { "policy\($0.policy)" }
    }

    private func matches(_ scope: Scope, _ request: Request, _ entities: some EntitySource) -> Bool {
        self.matches(scope.principal, request.principal, entities)
            && self.matches(scope.action, request.action, entities)
            && self.matches(scope.resource, request.resource, entities)
    }

    private func matches(
        _ constraint: Scope.EntityConstraint,
        _ uid: EntityUID,
        _ entities: some EntitySource,
    ) -> Bool {
        switch constraint {
        case .any: true
        case .equal(let other): uid == other
        case .within(let other): uid == other || entities.isAncestor(other, of: uid)
        case .isType(let type): uid.type == type
        case .isTypeWithin(let type, let other):
            uid.type == type && (uid == other || entities.isAncestor(other, of: uid))
        }
    }

    private func matches(
        _ constraint: Scope.ActionConstraint,
        _ uid: EntityUID,
        _ entities: some EntitySource,
    ) -> Bool {
        switch constraint {
        case .any: true
        case .equal(let other): uid == other
        case .within(let other): uid == other || entities.isAncestor(other, of: uid)
        case .withinAny(let others): others.contains { uid == $0 || entities.isAncestor($0, of: uid) }
        }
    }
}
