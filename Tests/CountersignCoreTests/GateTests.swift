import CountersignCore
import Testing

@Suite(.timeLimit(.minutes(10)))
struct GateTests {
    static func vote(_ user: String, _ groups: [String], _ verdict: Decision.Verdict = .approve) -> Decision {
        Decision(
            user: UserID(unchecked: user),
            groups: groups.map { GroupName(unchecked: $0) },
            verdict: verdict,
            reason: "",
            time: Timestamp(microseconds: 0),
            channel: "test",
            actionDigest: ActionDigest(of: []),
            previewDigest: ActionDigest(of: []),
        )
    }

    static func gate(_ groups: [String], quorum: Int) -> Gate {
        Gate(policy: "gate", approvers: groups.map { GroupName(unchecked: $0) }, quorum: quorum)
    }

    /// How many places stay empty in the best seating, found by trying every seating: for each set of taken places,
    /// whether the people so far can take exactly those.
    static func emptyPlaces(_ gate: Gate, _ votes: [Decision]) -> Int {
        let places = gate.approvers.flatMap { Array(repeating: $0, count: gate.quorum) }
        var people = [UserID: Set<GroupName>]()
        for vote in votes where vote.verdict == .approve { people[vote.user, default: []].formUnion(vote.groups) }
        var reachable: Set<Int> = [0]
        for groups in people.values {
            for taken in reachable {
                for (place, group) in places.enumerated() where taken & (1 << place) == 0 && groups.contains(group) {
                    reachable.insert(taken | 1 << place)
                }
            }
        }
        return places.count - (reachable.map(\.nonzeroBitCount).max() ?? 0)
    }

    @Test("the quorum of several groups is met exactly when some seating of people meets it", arguments: 0..<8)
    func quorum(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed + 1)
        let names = ["a", "b", "c", "d"]
        for _ in 0..<400 {
            let groups = Array(names.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
            let gate = Self.gate(groups, quorum: Int.random(in: 1...3, using: &random))
            let votes = (0..<Int.random(in: 0...7, using: &random)).map { number in
                let own = names.filter { _ in random.chance(1, of: 2) }
                return Self.vote("user\(number)", own, random.chance(5, of: 6) ? .approve : .deny)
            }
            let expected = Self.emptyPlaces(gate, votes)
            #expect(
                gate.missing(votes) == expected,
                "\(groups) × \(gate.quorum): \(votes.map { ($0.user, $0.groups) })"
            )
            #expect(gate.isMet(by: votes) == (expected == 0))
            #expect(gate.missing(votes.shuffled(using: &random)) == expected)
        }
    }

    @Test("one person fills one place, however many groups they are in and however often they vote")
    func onePersonOnce() {
        let two = Self.gate(["dba", "sre"], quorum: 1)
        #expect(two.missing([Self.vote("dave", ["dba", "sre"])]) == 1)
        let twice = [Self.vote("dave", ["dba", "sre"]), Self.vote("dave", ["dba", "sre"])]
        #expect(two.missing(twice) == 1)
        #expect(two.missing([Self.vote("dave", ["dba"]), Self.vote("dave", ["sre"])]) == 1)
        #expect(Self.gate(["dba"], quorum: 2).missing(twice) == 1)
    }

    @Test("nobody's vote is wasted on a group that others can fill")
    func augmenting() {
        let gate = Self.gate(["dba", "sre"], quorum: 1)
        #expect(gate.isMet(by: [Self.vote("dave", ["dba", "sre"]), Self.vote("alice", ["dba"])]))
        #expect(gate.isMet(by: [Self.vote("dave", ["dba", "sre"]), Self.vote("carol", ["sre"])]))
        #expect(!gate.isMet(by: [Self.vote("bob", ["dba"]), Self.vote("alice", ["dba"])]))
    }

    @Test("a deny never fills a place, and a stranger's approval neither")
    func denials() {
        let gate = Self.gate(["dba"], quorum: 1)
        #expect(!gate.isMet(by: [Self.vote("alice", ["dba"], .deny)]))
        #expect(!gate.isMet(by: [Self.vote("eve", [])]))
        #expect(!gate.isMet(by: [Self.vote("eve", ["sre"])]))
        #expect(!gate.accepts(groups: [GroupName(unchecked: "sre")]))
    }
}
