import CanonicalJSON
import Cedar
import CountersignCore
import CountersignTestKit
import Testing

/// Input schemas of which everything can be typed, and calls that conform to them.
private struct ToolMaker {
    indirect enum Kind {
        case string, integer, boolean
        case array(Kind)
        case object([(name: String, kind: Kind, isRequired: Bool, isNullable: Bool)])
    }

    var random: SeededGenerator
    private var definitions: [(String, JSONValue)] = []

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func object(depth: Int) -> Kind {
        let count = Int.random(in: 1...4, using: &random)
        return .object(
            (0..<count).map { index in
                ("p\(index)", kind(depth: depth), random.chance(1, of: 2), random.chance(1, of: 4))
            }
        )
    }

    private mutating func kind(depth: Int) -> Kind {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 3), using: &random) {
        case 0: .string
        case 1: .integer
        case 2: .boolean
        case 3: .array(kind(depth: depth - 1))
        default: object(depth: depth - 1)
        }
    }

    /// The root of a tool's schema.
    mutating func schema(_ kind: Kind) -> JSONValue {
        definitions = []
        guard case .object(var object) = plain(kind) else { return .null }
        if !definitions.isEmpty { object["$defs"] = .object(JSONObject(definitions)) }
        return .object(object)
    }

    /// One of the ways to write a kind down.
    private mutating func written(_ kind: Kind, isNullable: Bool) -> JSONValue {
        var schema = plain(kind)
        if random.chance(1, of: 4) {
            let name = "d\(definitions.count)"
            definitions.append((name, schema))
            schema = ["$ref": .string("#/$defs/\(name)")]
        }
        if random.chance(1, of: 4) { schema = ["allOf": [schema, ["description": "x"]]] }
        if isNullable { return ["anyOf": [schema, ["type": "null"]]] }
        return random.chance(1, of: 4) ? ["oneOf": [schema]] : schema
    }

    private mutating func plain(_ kind: Kind) -> JSONValue {
        switch kind {
        case .string: return random.chance(1, of: 3) ? ["enum": ["a", "b", "c"]] : ["type": "string"]
        case .integer: return ["type": "integer"]
        case .boolean: return ["type": "boolean"]
        case .array(let element):
            return ["items": written(element, isNullable: random.chance(1, of: 4)), "type": "array"]
        case .object(let members):
            let properties = members.map { ($0.name, written($0.kind, isNullable: $0.isNullable)) }
            return [
                "properties": .object(JSONObject(properties)),
                "required": .array(members.filter(\.isRequired).map { .string($0.name) }), "type": "object",
            ]
        }
    }

    /// A value that conforms.
    mutating func value(_ kind: Kind) -> JSONValue {
        switch kind {
        case .string: return .string(["a", "b", "c"].randomElement(using: &random) ?? "a")
        case .integer: return .integer(Int64.random(in: -3...3, using: &random))
        case .boolean: return .bool(Bool.random(using: &random))
        case .array(let element):
            return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(element) })
        case .object(let members):
            var object = JSONObject()
            for member in members where member.isRequired || random.chance(1, of: 2) {
                object[member.name] = member.isNullable && random.chance(1, of: 3) ? .null : value(member.kind)
            }
            return .object(object)
        }
    }

    /// A condition that may or may not fit, about one of the members.
    mutating func condition(_ kind: Kind) -> String {
        var path = "context.arguments"
        var guards: [String] = []
        var kind = kind
        while case .object(let members) = kind {
            guard let member = members.randomElement(using: &random) else { break }
            let name = random.chance(1, of: 12) ? "none" : member.name
            if random.chance(3, of: 4) { guards.append("\(path) has \(name)") }
            path += "." + name
            kind = member.kind
            if random.chance(1, of: 8) { break }
        }
        let tests = [
            "\(path) == \"a\"", "\(path) like \"a*\"", "\(path) == 1", "\(path) < 2", "\(path) + 1 == 2", path,
            "!\(path)",
            "\(path).contains(\"a\")", "\(path).contains(1)", "\(path).isEmpty()", "\(path).containsAny([1, 2])",
            "\(path) == {p0: 1}", "[\"a\", \"b\"].contains(\(path))", "\(path) has p0", "\(path).p0 == 1",
            "(if \(path) then true else false)", "\(path) == \(path)",
        ]
        return (guards + [tests.randomElement(using: &random) ?? path]).joined(separator: " && ")
    }

    /// What is true of a value, asked so that it cannot fail.
    mutating func truths(_ value: JSONValue, _ path: String, into found: inout [String], given guards: [String] = []) {
        func say(_ test: String) { found.append((guards + [test]).joined(separator: " && ")) }
        switch value {
        case .string(let text): say("\(path) == \"\(text)\"")
        case .integer(let number): say("\(path) == \(number)")
        case .bool(let flag): say("\(path) == \(flag)")
        case .array(let items):
            for item in items {
                switch item {
                case .string(let text): say("\(path).contains(\"\(text)\")")
                case .integer(let number): say("\(path).contains(\(number))")
                case .bool(let flag): say("\(path).contains(\(flag))")
                case .null, .number, .array, .object: continue
                }
            }
        case .object(let object):
            for member in object where !member.value.isNull {
                let more = guards + ["\(path) has \(member.key)"]
                truths(member.value, "\(path).\(member.key)", into: &found, given: more)
            }
        case .null, .number: break
        }
    }
}

@Suite("Policies against the arguments of tools: what holds of any schema and call", .timeLimit(.minutes(10)))
struct ToolPolicyPropertyTests {
    private static let connection = ConnectionName(unchecked: "files")

    /// Whether policies are warned of for a tool with that schema, and what comes of a call.
    private static func ask(_ condition: String, _ schema: JSONValue, _ arguments: JSONValue) throws -> (
        warnings: [PolicyWarning], verdict: PolicyVerdict
    ) {
        let text =
            "@id(\"p\") permit (principal, action == Action::\"mcp:read\", resource == Tool::\"files/t\") when { \(condition) };"
        let set = try GatedPolicySet(parsing: [PolicySource(name: "p", text: text)], groups: [])
        let tool = KnownTool(name: ToolName(connection, "t"), effect: .read, inputSchema: schema)
        let action = Action(
            agent: Fixtures.agent,
            onBehalfOf: nil,
            protocol: "mcp",
            connection: connection,
            operations: [
                Operation(protocol: "mcp", effect: .read, resource: ResourceReference(type: "Tool", id: "files/t"))
            ],
            details: JSONObject([("arguments", arguments), ("method", "tools/call"), ("tool", "t")]),
        )
        let directory = try Directory(
            agents: [Agent(id: Fixtures.agent, owner: nil)],
            users: [],
            connections: [Connection(name: connection, kind: "mcp")],
        )
        let verdict = set.judge(
            action,
            Circumstances(sourceAddress: "192.0.2.1"),
            directory: directory,
            now: Timestamp(microseconds: 0),
        )
        return (set.warnings(nil, tools: [tool]).filter { [.toolArguments, .neverApplies].contains($0.code) }, verdict)
    }

    @Test("a policy that is not warned of has no error in any call that conforms", arguments: UInt64(1)...12)
    func noErrors(_ seed: UInt64) throws {
        var maker = ToolMaker(seed: seed)
        var (fitting, misfitting) = (0, 0)
        for _ in 0..<12 {
            let kind = maker.object(depth: 2)
            let schema = maker.schema(kind)
            for _ in 0..<12 {
                let condition = maker.condition(kind)
                guard try Self.ask(condition, schema, maker.value(kind)).warnings.isEmpty else {
                    misfitting += 1
                    continue
                }
                fitting += 1
                for _ in 0..<4 {
                    let arguments = maker.value(kind)
                    let verdict = try Self.ask(condition, schema, arguments).verdict
                    #expect(verdict.errors.isEmpty, "\(schema) \(condition) \(arguments)")
                }
            }
        }
        #expect(fitting > 5 && misfitting > 5)
    }

    @Test("a policy that a conforming call satisfies is not warned of", arguments: UInt64(101)...112)
    func noFalseWarnings(_ seed: UInt64) throws {
        var maker = ToolMaker(seed: seed)
        var count = 0
        for _ in 0..<20 {
            let kind = maker.object(depth: 2)
            let schema = maker.schema(kind)
            let arguments = maker.value(kind)
            var truths: [String] = []
            maker.truths(arguments, "context.arguments", into: &truths)
            for condition in truths {
                let (warnings, verdict) = try Self.ask(condition, schema, arguments)
                #expect(verdict.answer == .allow, "\(condition) \(arguments)")
                #expect(warnings.isEmpty, "\(schema) \(condition) \(warnings)")
                count += 1
            }
        }
        #expect(count > 20)
    }
}
