import CanonicalJSON
import Cedar
import CountersignCore
import CountersignTestKit
import Testing

/// A policy text and the verdict on the fixture's deletion.
struct VerdictLine: CustomStringConvertible {
    let description: String
    let policies: String
    let answer: String

    init(_ description: String, _ policies: String, _ answer: String) {
        self.description = description
        self.policies = policies
        self.answer = answer
    }
}

@Suite(.timeLimit(.minutes(10)))
struct PolicyVerdictTests {
    private static let permit = "@id(\"p\") permit (principal, action, resource);\n"
    private static let forbid = "@id(\"f\") forbid (principal, action, resource);\n"
    private static let gate = "@id(\"g\") @approvers(\"dba\") forbid (principal, action, resource);\n"
    private static let other =
        "@id(\"h\") @approvers(\"sre\") forbid (principal, action in Action::\"delete\", resource);\n"
    private static let brokenForbid =
        "@id(\"b\") forbid (principal, action, resource) when { 9223372036854775807 + 1 == 1 };\n"
    private static let brokenGate =
        "@id(\"bg\") @approvers(\"dba\") forbid (principal, action, resource) when { 9223372036854775807 + 1 == 1 };\n"
    private static let brokenPermit =
        "@id(\"bp\") permit (principal, action, resource) when { 9223372036854775807 + 1 == 1 };\n"

    static let lines = [
        VerdictLine("nothing permits", "", "deny no-permit"),
        VerdictLine("a permit allows", permit, "allow"),
        VerdictLine("a forbid denies", permit + forbid, "deny forbidden"),
        VerdictLine("a forbid denies without a permit, too", forbid, "deny forbidden"),
        VerdictLine("a gate gates", permit + gate, "gated g"),
        VerdictLine("a gate permits nothing", gate, "deny no-permit"),
        VerdictLine("gates add up", permit + gate + other, "gated g+h"),
        VerdictLine("a forbid is stronger than gates", permit + gate + other + forbid, "deny forbidden"),
        VerdictLine("a forbid that cannot be evaluated denies", permit + brokenForbid, "deny policy-error"),
        VerdictLine("a gate that cannot be evaluated denies", permit + brokenGate, "deny policy-error"),
        VerdictLine("a gate does not lift a broken forbid", permit + gate + brokenForbid, "deny policy-error"),
        VerdictLine(
            "forbidden and broken are both told",
            permit + forbid + brokenForbid,
            "deny forbidden+policy-error"
        ),
        VerdictLine("a permit that cannot be evaluated is skipped", brokenPermit, "deny no-permit"),
        VerdictLine("another permit makes up for it", brokenPermit + permit, "allow"),
        VerdictLine(
            "a gate of another effect is silent",
            permit + "@approvers(\"dba\") forbid (principal, action in Action::\"read\", resource);",
            "allow"
        ),
        VerdictLine(
            "an action is in its protocol's group",
            permit + "@id(\"x\") forbid (principal, action in Action::\"http\", resource);",
            "deny forbidden"
        ),
        VerdictLine(
            "an action is itself",
            permit + "@id(\"x\") forbid (principal, action == Action::\"http:delete\", resource);",
            "deny forbidden"
        ),
        VerdictLine(
            "a resource is in its connection and environment",
            "permit (principal in Group::\"agents\", action, resource in Environment::\"prod\") "
                + "when { resource in Connection::\"orders-api\" && resource is Endpoint };",
            "allow"
        ),
        VerdictLine(
            "labels are tags of the connection",
            "permit (principal, action, resource) when { Connection::\"orders-api\".hasTag(\"env\") "
                + "&& Connection::\"orders-api\".getTag(\"env\") == \"prod\" };",
            "allow"
        ),
        VerdictLine(
            "labels are tags of everything in the connection",
            "permit (principal, action, resource) when { resource.hasTag(\"env\") && resource.getTag(\"env\") == \"prod\" };",
            "allow"
        ),
        VerdictLine(
            "a label that the connection does not have is no tag",
            Self.permit + "@id(\"f\") forbid (principal, action, resource) when { resource.hasTag(\"data\") };",
            "allow"
        ),
        VerdictLine(
            "an agent has its owner",
            "permit (principal is Agent, action, resource) "
                + "when { principal has owner && principal.owner == User::\"olga@example.com\" };",
            "allow"
        ),
    ]

    @Test("strictest wins, gates add up, and an error in a forbid denies", arguments: lines)
    func verdicts(_ line: VerdictLine) throws {
        let verdict = try Self.judge(line.policies, Fixtures.action())
        #expect(Stage.name(verdict.answer) == line.answer)
    }

    @Test("the verdict names the policies that brought it about, and every policy that failed")
    func provenance() throws {
        let action = Fixtures.action()
        #expect(try Self.judge(Self.permit + Self.brokenPermit, action).policies == ["p"])
        #expect(try Self.judge(Self.permit + Self.brokenPermit, action).errors.first?.hasPrefix("bp: ") == true)
        #expect(try Self.judge(Self.permit + Self.gate, action).policies == ["g"])
        #expect(try Self.judge(Self.permit + Self.forbid + Self.brokenForbid, action).policies == ["f", "b"])
        let reasons = try Self.judge(Self.permit + Self.forbid, action).answer
        #expect(reasons == .deny([Reason(.forbidden, "The policy f forbids this action.", policy: "f")]))
    }

    @Test("of several operations one that is denied denies all, and gates are united")
    func operations() throws {
        let text =
            Self.permit
            + "@id(\"no\") forbid (principal, action in Action::\"privilege\", resource);"
            + "@id(\"d\") @approvers(\"dba\") forbid (principal, action in Action::\"delete\", resource);"
            + "@id(\"w\") @approvers(\"sre\") forbid (principal, action in Action::\"write\", resource);"
        let lines: [([CountersignCore.Effect], String)] = [
            ([.read], "allow"), ([.read, .read], "allow"), ([.read, .delete], "gated d"),
            ([.delete, .read], "gated d"),
            ([.write, .delete], "gated w+d"), ([.delete, .write], "gated d+w"), ([.delete, .delete], "gated d"),
            ([.delete, .privilege], "deny forbidden"),
            ([.privilege, .read], "deny forbidden"),
        ]
        for (effects, answer) in lines {
            let verdict = try Self.judge(text, Self.action(effects))
            #expect(Stage.name(verdict.answer) == answer, "\(effects)")
        }
        let narrow = "@id(\"r\") permit (principal, action in Action::\"read\", resource);"
        #expect(Stage.name(try Self.judge(narrow, Self.action([.read, .write])).answer) == "deny no-permit")
    }

    @Test("another Cedar engine never allows what is denied or gated here")
    func plainCedar() throws {
        var random = SeededGenerator(seed: 11)
        let scopes = [
            "principal, action, resource", "principal is Agent, action in Action::\"delete\", resource",
            "principal, action in Action::\"read\", resource", "principal, action, resource in Environment::\"prod\"",
            "principal == Agent::\"other\", action, resource",
        ]
        let conditions = [
            "", " when { 9223372036854775807 + 1 == 1 }", " when { context.method == \"DELETE\" }",
            " unless { context has query }",
        ]
        for _ in 0..<300 {
            var text = ""
            for number in 0..<Int.random(in: 1...5, using: &random) {
                let scope = scopes[Int.random(in: 0..<scopes.count, using: &random)]
                let condition = conditions[Int.random(in: 0..<conditions.count, using: &random)]
                let head = ["permit", "permit", "forbid", "@approvers(\"dba\") forbid"][
                    Int.random(in: 0..<4, using: &random)
                ]
                text += "@id(\"\(number)\") \(head) (\(scope))\(condition);\n"
            }
            let action = Fixtures.action(effect: random.chance(1, of: 2) ? .delete : .read)
            let snapshot = try Stage.snapshot(text)
            let verdict = try Self.judge(text, action)
            let operation = try #require(action.operations.first)
            let uid = EntityUID(type: operation.resource.type, id: operation.resource.id)
            let request = Request(
                principal: .agent(action.agent),
                action: EntityUID(type: "Action", id: operation.action),
                resource: uid,
                context: Record([("method", Value(action.details["method"]?.stringValue ?? ""))]),
            )
            let entities = LayeredEntities(
                base: snapshot.directory.entities,
                overlay: [Entity(uid: uid, parents: [.connection(action.connection)])],
            )
            let plain = snapshot.policy.policies.authorize(request, entities)
            // Only an error in a forbid, which plain Cedar skips, may make the answer here the stricter one.
            if plain.decision == .allow { #expect(verdict.answer == .allow || verdict.answer.isErring, "\(text)") }
            if verdict.answer == .allow { #expect(plain.decision == .allow, "\(text)") }
        }
    }

    @Test(
        "a plain forbid narrows who may approve; gates and permits do not",
        arguments: [
            ("", true), (permit, true), (permit + gate, true), (forbid, false), (brokenForbid, false),
            (brokenPermit, true),
            ("forbid (principal, action == Action::\"approve\", resource);", false),
            ("forbid (principal == User::\"alice@example.com\", action == Action::\"approve\", resource);", false),
            ("forbid (principal == User::\"bob@example.com\", action == Action::\"approve\", resource);", true),
            (
                "forbid (principal in Group::\"dba\", action == Action::\"approve\", resource in Environment::\"prod\");",
                false
            ),
            ("forbid (principal in Group::\"sre\", action == Action::\"approve\", resource);", true),
            ("forbid (principal is Agent, action, resource);", true),
            (
                "forbid (principal, action == Action::\"approve\", resource) when { resource.agent == Agent::\"reporting-bot\" };",
                false
            ),
            (
                "forbid (principal, action == Action::\"approve\", resource) when { context.method == \"DELETE\" };",
                false
            ),
            (
                "forbid (principal, action == Action::\"approve\", resource) when { resource.action == \"http:read\" };",
                true
            ),
        ],
    )
    func approving(_ policies: String, _ answer: Bool) throws {
        let snapshot = try Stage.snapshot(policies)
        let approval = try Fixtures.approval(at: ApprovalMachineTests.start)
        let alice = try #require(snapshot.directory.users[Fixtures.alice])
        let may = snapshot.policy.mayApprove(
            alice,
            approval,
            Fixtures.action(),
            directory: snapshot.directory,
            now: ApprovalMachineTests.start
        )
        #expect(may == answer)
    }

    static func action(_ effects: [CountersignCore.Effect]) -> Action {
        Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "postgres",
            connection: Fixtures.connection,
            operations: effects.map {
                Operation(
                    protocol: "postgres",
                    effect: $0,
                    resource: ResourceReference(type: "Table", id: "orders-api/t")
                )
            },
            details: JSONObject(),
        )
    }

    static func judge(
        _ policies: String,
        _ action: Action,
        _ circumstances: Circumstances = Circumstances(),
        ownVocabulary: Bool = true,
    ) throws -> PolicyVerdict {
        let snapshot = try Stage.snapshot(policies, ownVocabulary: ownVocabulary)
        return snapshot.policy.judge(
            action,
            circumstances,
            directory: snapshot.directory,
            now: ApprovalMachineTests.start
        )
    }
}

extension PolicyVerdict.Answer {
    fileprivate var isErring: Bool {
        guard case .deny(let reasons) = self else { return false }
        return reasons.contains { $0.code == .policyError }
    }
}
