import Testing

@testable import Cedar

@Suite("Three answers", .timeLimit(.minutes(10)))
struct ThreeWayAuthorizerTests {
    private static let permit = "permit (principal, action, resource);"
    private static let hard = "forbid (principal, action, resource);"
    private static let gate = #"@approvers("dba") forbid (principal, action, resource);"#
    private static let never = #"@approvers("dba") forbid (principal, action, resource) when { false };"#
    private static let broken = "forbid (principal, action, resource) when { context.missing };"
    private static let brokenGate = #"@approvers("dba") forbid (principal, action, resource) when { context.missing };"#
    private static let brokenPermit = "permit (principal, action, resource) when { context.missing };"

    @Test(
        "a hard forbid denies, what nothing permits is denied, then gates are to be lifted, else allowed",
        arguments: [
            ([], "deny", [], []),
            ([Self.permit], "allow", [0], []),
            ([Self.permit, Self.never, Self.permit], "allow", [0, 2], []),
            ([Self.permit, Self.gate], "liftable", [1], []),
            ([Self.gate, Self.permit, Self.never, Self.gate], "liftable", [0, 3], []),
            ([Self.gate], "deny", [], []),
            ([Self.permit, Self.gate, Self.hard], "deny", [2], []),
            ([Self.hard, Self.hard], "deny", [0, 1], []),
            ([Self.permit, Self.broken], "allow", [0], [1]),
            ([Self.permit, Self.gate, Self.brokenGate], "liftable", [1], [2]),
            ([Self.brokenPermit], "deny", [], []),
            ([Self.permit, Self.brokenPermit], "allow", [0], []),
        ] as [([String], String, [Int], [Int])]
    )
    func answers(texts: [String], answer: String, determining: [Int], broken: [Int]) throws {
        let set = try PolicySet(text: texts.joined(separator: "\n"))
        let authorizer = ThreeWayAuthorizer(set) { $0.annotation("approvers") != nil }
        let ruling = authorizer.rule(.sample, Entities.empty)
        #expect(ruling.answer.rawValue == answer)
        #expect(Array(ruling.determining) == determining)
        #expect(Array(ruling.brokenForbids) == broken)
        #expect(ruling.strictAnswer == (broken.isEmpty ? ruling.answer : .deny))
        #expect(ruling.errors.count == texts.filter { $0.contains("missing") }.count)
    }

    @Test("it allows exactly what plain Cedar allows, and is liftable exactly where Cedar without the gates allows")
    func beside() throws {
        for seed in 0..<40 {
            var world = RandomWorld(seed: UInt64(1_000 + seed))
            let entities = try Entities(world.entities())
            let policies = (0..<12).map { _ in world.policy() }
            let set = try PolicySet(text: policies.map(\.text).joined(separator: "\n"))
            let gates = set.policies.filter { $0.effect == .forbid }.enumerated().filter { $0.offset % 2 == 0 }
            let liftable = Set(gates.map(\.element.id))
            let kept = zip(policies, set.policies).filter { !liftable.contains($1.id) }.map(\.0.text)
            let without = try PolicySet(text: kept.joined(separator: "\n"))
            let authorizer = ThreeWayAuthorizer(set) { liftable.contains($0.id) }
            for _ in 0..<20 {
                let request = world.request()
                let ruling = authorizer.rule(request, entities)
                let plain = set.authorize(request, entities)
                let lifted = without.authorize(request, entities)
                #expect((ruling.answer == .allow) == (plain.decision == .allow))
                #expect((ruling.answer == .deny) == (lifted.decision == .deny))
                let ids = ruling.determining.map { set.policies[$0].id }
                if ruling.answer == .allow { #expect(ids == plain.reasons) }
                if ruling.answer == .liftable { #expect(ids == plain.reasons) }
                #expect(ruling.errors.map { set.policies[$0.policy].id } == plain.errors.map(\.id))
            }
        }
    }

    @Test("indices of policies behave as an array does, few or many", arguments: [0, 1, 7, 8, 9, 40])
    func indices(count: Int) {
        var generator = SeededGenerator(state: UInt64(count))
        let numbers = (0..<count).shuffled(using: &generator)
        var indices = PolicyIndices()
        for number in numbers { indices.append(number) }
        #expect(Array(indices) == numbers)
        indices.sort()
        #expect(Array(indices) == Array(0..<count))
        #expect(indices.count == count)
    }
}
