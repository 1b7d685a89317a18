import Cedar
import CountersignCore
import Testing

@Suite("Warnings about policies", .timeLimit(.minutes(10)))
struct PolicyWarningTests {
    static let permit = #"@id("all") permit (principal, action, resource);"#
    static let groups: Set<GroupName> = [GroupName(unchecked: "dba"), GroupName(unchecked: "security")]

    static func warnings(_ text: String, users: [User]? = nil) throws -> [String] {
        let set = try GatedPolicySet(parsing: [PolicySource(name: "p", text: text)], groups: groups)
        let directory = try users.map { try Directory(agents: [], users: $0, connections: []) }
        return set.warnings(directory).map { "\($0.code.rawValue) \($0.policy)" }
    }

    static func user(_ name: String, _ groups: String...) -> User {
        User(id: UserID(unchecked: name), groups: groups.map { GroupName(unchecked: $0) })
    }

    @Test(
        "what is surely not meant is warned of",
        arguments: [
            (permit + #"@id("p") forbid (principal, action, resource) when { 1 == 2 };"#, ["never-applies p"]),
            (
                permit
                    + #"@id("p") forbid (principal is Agent, action, resource) when { context.time.toTime() < duration("8h") } when { context.time.toTime() > duration("9h") };"#,
                ["never-applies p"]
            ),
            // The validator finds out that users approve and agents act.
            (
                permit
                    + #"@id("p") forbid (principal, action in Action::"read", resource) when { principal is User };"#,
                ["never-applies p"]
            ),
            (
                permit + #"@id("p") permit (principal, action, resource);"#, ["duplicate p"]
            ),
            (
                permit + #"@id("p") permit (principal is Agent, action, resource);"#, ["redundant p"]
            ),
            (
                permit + #"@id("p") permit (principal, action, resource) when { principal has owner };"#,
                ["redundant p"]
            ),
            (
                permit + #"@id("f") forbid (principal is Agent, action in Action::"delete", resource);"#
                    + #"@id("g") @approvers("dba") forbid (principal is Agent, action == Action::"http:delete", resource);"#,
                ["shadowed g"]
            ),
            (
                #"@id("f") forbid (principal, action in Action::"delete", resource);"#
                    + #"@id("p") permit (principal, action == Action::"http:delete", resource);"#
                    + #"@id("q") permit (principal, action in Action::"read", resource);"#,
                ["shadowed p"]
            ),
            (
                permit + #"@id("f") forbid (principal, action in Action::"delete", resource);"#
                    + #"@id("p") forbid (principal is Agent, action == Action::"http:delete", resource);"#,
                ["redundant p"]
            ),
            (
                permit
                    + #"@id("f") @approvers("dba") @quorum("2") forbid (principal is Agent, action in Action::"delete", resource);"#
                    + #"@id("p") @approvers("dba") forbid (principal is Agent, action == Action::"http:delete", resource);"#,
                ["redundant p"]
            ),
            (
                #"@id("r") permit (principal, action in Action::"read", resource);"#
                    + #"@id("g") @approvers("dba") forbid (principal is Agent, action in Action::"http:delete", resource);"#,
                ["nothing-permitted g"]
            ),
            (#"@id("f") forbid (principal, action, resource);"#, ["nothing-permitted "]),
            (
                permit + #"@id("p") permit (principal is User, action == Action::"approve", resource);"#,
                ["approving-needs-none p"]
            ),
            (
                permit
                    + #"@id("g") @approvers("dba") forbid (principal is User, action == Action::"approve", resource);"#,
                ["approving-needs-none g"]
            ),
        ]
    )
    func found(text: String, expected: [String]) throws {
        #expect(try Self.warnings(text) == expected)
    }

    @Test(
        "what may be meant is not",
        arguments: [
            permit,
            permit + #"@id("p") forbid (principal, action, resource) when { context has path };"#,
            // A wider gate that asks for less does not replace a narrower one that asks for more.
            permit + #"@id("f") @approvers("dba") forbid (principal is Agent, action in Action::"delete", resource);"#
                + #"@id("p") @approvers("dba") @quorum("2") forbid (principal is Agent, action == Action::"http:delete", resource);"#,
            permit + #"@id("f") @approvers("dba") forbid (principal is Agent, action in Action::"delete", resource);"#
                + #"@id("p") @approvers("security") forbid (principal is Agent, action == Action::"http:delete", resource);"#,
            permit
                + #"@id("f") @approvers("dba") @grant("10m") forbid (principal is Agent, action in Action::"delete", resource);"#
                + #"@id("p") @approvers("dba") @grant("1m") forbid (principal is Agent, action == Action::"http:delete", resource);"#,
            // A forbid under a condition denies not all that a permit is about.
            permit + #"@id("p") forbid (principal, action, resource) when { principal is Agent };"#,
            // A narrower plain forbid leaves the wider gate something to hold.
            permit + #"@id("f") forbid (principal is Agent, action == Action::"http:delete", resource);"#
                + #"@id("g") @approvers("dba") forbid (principal is Agent, action in Action::"delete", resource);"#,
            // Where only the condition of the narrower one can fail, it denies.
            permit
                + #"@id("f") forbid (principal is Agent, action, resource) when { context.time.toTime() < duration("1h") };"#
                + #"@id("p") forbid (principal is Agent, action in Action::"delete", resource) when { context.time.toTime() < duration("1h") && context has body && context.body.x == 1 };"#,
            permit
                + #"@id("a") forbid (principal is User, action == Action::"approve", resource) when { resource.action like "*:export" };"#,
        ]
    )
    func notFound(text: String) throws {
        #expect(try Self.warnings(text) == [])
    }

    @Test("a gate that too few of the declared users could lift is warned of, one person filling one place")
    func tooFew() throws {
        let gate = #"@id("g") @approvers("dba,security") forbid (principal is Agent, action, resource);"#
        let (alice, bob) = (Self.user("alice", "dba", "security"), Self.user("bob", "dba"))
        #expect(try Self.warnings(Self.permit + gate, users: [alice, bob]) == [])
        #expect(try Self.warnings(Self.permit + gate, users: [alice]) == ["too-few-approvers g"])
        #expect(try Self.warnings(Self.permit + gate, users: nil) == [])
        let two = #"@id("g") @approvers("dba") @quorum("2") forbid (principal is Agent, action, resource);"#
        #expect(try Self.warnings(Self.permit + two, users: [alice, bob]) == [])
        #expect(try Self.warnings(Self.permit + two, users: [bob]) == ["too-few-approvers g"])
    }

    @Test("a name that is not there is warned of, wherever it stands; types and actions are the schema's")
    func unknownNames() throws {
        let text = #"""
            @id("p") permit (principal in Group::"dbaa", action, resource);
            @id("q") forbid (principal == Agent::"bott", action in Action::"read", resource in Environment::"prd")
            when { resource in Connection::"ordrs" || context has on_behalf_of && context.on_behalf_of == User::"bob" }
            unless { principal in [Group::"dba", Group::"dbaa"] || principal == Agent::"bot" };
            """#
        let set = try GatedPolicySet(parsing: [PolicySource(name: "p", text: text)], groups: Self.groups)
        let directory = try Directory(
            agents: [Agent(id: AgentID(unchecked: "bot"), owner: nil)],
            users: [Self.user("alice", "dba")],
            connections: [Connection(name: ConnectionName(unchecked: "orders"), kind: "http", labels: ["env": "prod"])],
        )
        let named = set.warnings(directory).filter { $0.code == .unknownName }.map { warning in
            warning.policy + " " + (warning.message.split(separator: " ").dropFirst(4).first ?? "")
        }
        let expected = [
            "p Group::\"dbaa\",", "q Agent::\"bott\",", "q Environment::\"prd\",", "q Connection::\"ordrs\",",
            "q User::\"bob\",", "q Group::\"dbaa\",",
        ]
        #expect(named == expected)
        #expect(set.warnings(nil).allSatisfy { $0.code != .unknownName })
    }

    @Test("no policies at all are warned of")
    func none() throws {
        #expect(try Self.warnings("") == ["nothing-permitted "])
    }

    @Test("a warning says where the policy stands")
    func position() throws {
        let text = Self.permit + "\n" + #"@id("p") permit (principal, action, resource);"#
        let set = try GatedPolicySet(parsing: [PolicySource(name: "p.cedar", text: text)], groups: [])
        let warning = try #require(set.warnings(nil).first)
        #expect(warning.description == "p.cedar:2:1: warning: the policy p says what all says already, at p.cedar:1:1")
    }
}
