import Cedar
import CountersignCore
import CountersignServer
import Testing

@Suite("Policy packs", .timeLimit(.minutes(10)))
struct PolicyPackTests {
    static let names = PolicyPack.all.map(\.name)

    static func pack(_ name: String) throws -> PolicyPack { try #require(PolicyPack.find(name).pack) }

    @Test("a pack is valid by the product's schema, without a warning, where its groups have members", arguments: names)
    func loads(name: String) throws {
        let pack = try Self.pack(name)
        let source = PolicySource(name: name + ".cedar", text: pack.policy)
        let set = try GatedPolicySet(parsing: [source], groups: Set(try pack.groups))
        let users = try pack.groups.flatMap { group in
            (1...2).map { User(id: UserID(unchecked: "\(group)\($0)"), groups: [group]) }
        }
        let environment = Connection(
            name: ConnectionName(unchecked: "api"),
            kind: "http",
            labels: ["env": "prod"]
        )
        let warnings = set.warnings(try Directory(agents: [], users: users, connections: [environment]))
        #expect(warnings == [])
    }

    @Test("a pack's first lines name every group that it needs", arguments: names)
    func groups(name: String) throws {
        let pack = try Self.pack(name)
        let head = pack.policy.prefix(upTo: try #require(pack.policy.firstRange(of: "@id")).lowerBound)
        for group in try pack.groups { #expect(head.contains("//   \(group) ")) }
    }

    @Test("no two packs use one policy id, so that all can stand beside each other")
    func ids() throws {
        let sources = PolicyPack.all.map { PolicySource(name: $0.name, text: $0.policy) }
        let set = try PolicySet(parsing: sources, idsFromAnnotations: true)
        #expect(set.policies.allSatisfy { $0.annotation("id") != nil })
    }
}
