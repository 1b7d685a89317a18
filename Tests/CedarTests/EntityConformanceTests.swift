import CanonicalJSON
import Cedar
import Testing

@Suite("Entities by a schema", .timeLimit(.minutes(10)))
struct EntityConformanceTests {
    static let schemaText = """
        entity U in [G] {
            n: Long, s?: String, e?: U, d?: decimal, i?: ipaddr, t?: datetime, u?: duration, q?: Set<Long>,
            r?: {a: Long, b?: String}, c?: Color, cs?: Set<Color>,
        } tags Long;
        entity G in [H];
        entity H;
        entity Color enum ["red", "green"];
        entity K tags Color;
        action g;
        action h in [g];
        action a in [h] appliesTo { principal: [U, Color], resource: [G], context: {x?: Color, y: Long, z?: ipaddr} };
        """

    static func schema() throws -> Schema { try Schema(parsing: [PolicySource(name: "schema", text: Self.schemaText)]) }

    /// The entity `U::"a"` with one attribute beside the one that it must have.
    static func entity(_ attribute: String) -> String {
        #"{"uid": {"type": "U", "id": "a"}, "attrs": {"n": 1\#(attribute.isEmpty ? "" : ", " + attribute)}, "parents": []}"#
    }

    @Test(
        "an attribute is read as its type says, as the official engine reads it",
        arguments: [
            (#""e": {"type": "U", "id": "b"}"#, "e", Value.entity(EntityUID(type: "U", id: "b"))),
            (#""e": {"__entity": {"type": "U", "id": "b"}}"#, "e", .entity(EntityUID(type: "U", id: "b"))),
            (#""e": {"type": "U", "id": "b", "x": 1}"#, "e", .entity(EntityUID(type: "U", id: "b"))),
            (#""e": {"__entity": 1, "type": "U", "id": "b"}"#, "e", .entity(EntityUID(type: "U", id: "b"))),
            (#""d": "1.0""#, "d", .decimal(Decimal(tenThousandths: 10_000))),
            (#""d": {"fn": "decimal", "arg": "1.0"}"#, "d", .decimal(Decimal(tenThousandths: 10_000))),
            (#""d": {"fn": "decimal", "args": ["1.0"], "x": 1}"#, "d", .decimal(Decimal(tenThousandths: 10_000))),
            (
                #""d": {"__extn": {"fn": "decimal", "arg": "1.0"}, "x": 1}"#, "d",
                .decimal(Decimal(tenThousandths: 10_000))
            ),
            (#""t": "1970-01-02""#, "t", .datetime(Datetime(milliseconds: 86_400_000))),
            (
                #""t": {"fn": "offset", "args": [{"fn": "datetime", "arg": "1970-01-01"}, "1ms"]}"#, "t",
                .datetime(Datetime(milliseconds: 1))
            ),
            (
                #""t": {"__extn": {"fn": "toDate", "arg": "1970-01-02"}}"#, "t",
                .datetime(Datetime(milliseconds: 86_400_000))
            ),
            (#""u": "1s""#, "u", .duration(TimeSpan(milliseconds: 1_000))),
            (#""q": []"#, "q", .set(ValueSet([]))),
            (#""r": {"a": 1}"#, "r", .record(Record([("a", .long(1))]))),
            (#""c": {"type": "Color", "id": "red"}"#, "c", .entity(EntityUID(type: "Color", id: "red"))),
        ]
    )
    func attributes(json: String, name: String, value: Value) throws {
        let json = try JSONValue(cedar: "[\(Self.entity(json))]")
        let entities = try Entities(json: json, schema: try Self.schema())
        #expect(entities.entity(EntityUID(type: "U", id: "a"))?.attributes[name] == value)
    }

    @Test(
        "what does not conform is refused with its class, as the official engine refuses it",
        arguments: [
            (entity(#""z": 1"#), "the schema gives `U::\"a\"` no attribute `z`"),
            (entity(#""s": 1"#), "the attribute `s` of `U::\"a\"`: expected string, got long"),
            (entity(#""s": null"#), "[0].attrs.s: `null` is not a Cedar value"),
            (
                entity(#""s": {"__entity": {"type": "U", "id": "x"}}"#),
                "the attribute `s` of `U::\"a\"`: expected string, got (entity of type `U`)"
            ),
            (entity(#""s": {"__expr": "x"}"#), "[0].attrs.s: the `__expr` escape is not supported"),
            (
                entity(#""e": {"type": "G", "id": "b"}"#),
                "the attribute `e` of `U::\"a\"`: expected an entity of type `U`, got (entity of type `G`)"
            ),
            (
                entity(#""e": "U::\"b\"""#),
                "[0].attrs.e: expected an entity such as {\"type\": \"User\", \"id\": \"alice\"}"
            ),
            (
                entity(#""e": {"__expr": "x", "type": "U", "id": "b"}"#),
                "[0].attrs.e: the `__expr` escape is not supported"
            ),
            (entity(#""d": 1"#), "[0].attrs.d: type error: expected string, got long"),
            (
                entity(#""d": {"fn": "ip", "arg": "::1"}"#),
                "the attribute `d` of `U::\"a\"`: expected decimal, got ipaddr"
            ),
            (entity(#""d": {"fn": "foo", "arg": "1.0"}"#), "[0].attrs.d: `foo` is not a function of an extension type"),
            (entity(#""d": {"fn": "decimal"}"#), "[0].attrs.d: type error: expected string, got record"),
            (
                entity(#""i": {"fn": "isIpv4", "arg": "::1"}"#),
                "the attribute `i` of `U::\"a\"`: expected ipaddr, got bool"
            ),
            (entity(#""q": [1, "a"]"#), "the attribute `q` of `U::\"a\"`: []: expected long, got string"),
            (entity(#""q": 1"#), "[0].attrs.q: expected a set"),
            (entity(#""r": {}"#), "the attribute `r` of `U::\"a\"`: the attribute `a` is missing"),
            (entity(#""r": {"a": 1, "c": 1}"#), "[0].attrs.r: there is no attribute `c`"),
            (entity(#""r": {"a": "x"}"#), "the attribute `r` of `U::\"a\"`: a: expected long, got string"),
            (
                entity(#""c": {"type": "Color", "id": "blue"}"#),
                "`U::\"a\"` mentions `Color::\"blue\"`, an id that its type does not list"
            ),
            (
                entity(#""cs": [{"type": "Color", "id": "blue"}]"#),
                "`U::\"a\"` mentions `Color::\"blue\"`, an id that its type does not list"
            ),
            (#"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": []}"#, "`U::\"a\"` lacks the attribute `n`"),
            (
                #"{"uid": "H::\"a\"", "attrs": {}, "parents": []}"#,
                "[0].uid: expected an entity such as {\"type\": \"User\", \"id\": \"alice\"}"
            ),
            (#"{"uid": {"type": "H", "id": "a"}, "parents": []}"#, "[0].attrs: expected an object"),
            (#"{"uid": {"type": "H", "id": "a"}, "attrs": {}}"#, "[0].parents: expected an array of entities"),
            (
                #"{"uid": {"type": "H", "id": "a"}, "attrs": {}, "parents": [], "tags": {"x": 1}}"#,
                "the schema gives `H::\"a\"` no tags, yet it has `x`"
            ),
            (
                #"{"uid": {"type": "K", "id": "a"}, "attrs": {}, "parents": [], "tags": {"x": {"type": "H", "id": "a"}}}"#,
                "the tag `x` of `K::\"a\"`: expected an entity of type `Color`, got (entity of type `H`)"
            ),
            (
                #"{"uid": {"type": "K", "id": "a"}, "attrs": {}, "parents": [], "tags": {"x": {"type": "Color", "id": "a"}}}"#,
                "`K::\"a\"` mentions `Color::\"a\"`, an id that its type does not list"
            ),
            (
                #"{"uid": {"type": "Z", "id": "a"}, "attrs": {}, "parents": []}"#,
                "the type of `Z::\"a\"` is not declared in the schema"
            ),
            (
                #"{"uid": {"type": "Color", "id": "blue"}, "attrs": {}, "parents": []}"#,
                "`Color::\"blue\"` mentions `Color::\"blue\"`, an id that its type does not list"
            ),
            (
                #"{"uid": {"type": "Color", "id": "red"}, "attrs": {"a": 1}, "parents": []}"#,
                "the schema gives `Color::\"red\"` no attribute `a`"
            ),
            (
                #"{"uid": {"type": "H", "id": "a"}, "attrs": {}, "parents": [{"type": "G", "id": "a"}]}"#,
                "the schema lets `H::\"a\"` be in no entity of type `G`"
            ),
            (
                #"{"uid": {"type": "G", "id": "a"}, "attrs": {}, "parents": [{"type": "Action", "id": "g"}]}"#,
                "the schema lets `G::\"a\"` be in no entity of type `Action`"
            ),
            (
                #"{"uid": {"type": "Action", "id": "z"}, "attrs": {}, "parents": []}"#,
                "the action `Action::\"z\"` is not declared in the schema"
            ),
            (
                #"{"uid": {"type": "Action", "id": "a"}, "attrs": {}, "parents": []}"#,
                "the action `Action::\"a\"` is described otherwise than the schema declares it"
            ),
            (
                #"{"uid": {"type": "Action", "id": "a"}, "attrs": {}, "parents": [{"type": "Action", "id": "h"}]}"#,
                "the action `Action::\"a\"` is described otherwise than the schema declares it"
            ),
            (
                #"{"uid": {"type": "Action", "id": "g"}, "attrs": {"x": 1}, "parents": []}"#,
                "the action `Action::\"g\"` is described otherwise than the schema declares it"
            ),
            (
                #"{"uid": {"type": "Action", "id": "g"}, "attrs": {}, "parents": [], "tags": {"x": 1}}"#,
                "the action `Action::\"g\"` is described otherwise than the schema declares it"
            ),
        ]
    )
    func refused(json: String, message: String) throws {
        let json = try JSONValue(cedar: "[\(json)]")
        let schema = try Self.schema()
        do {
            _ = try Entities(json: json, schema: schema)
            Issue.record("the entities were read")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test(
        "the schema's actions are added, and may be described as it does",
        arguments: [
            "[]",
            #"[{"uid": {"type": "Action", "id": "g"}, "attrs": {}, "parents": []}]"#,
            #"[{"uid": {"type": "Action", "id": "a"}, "attrs": {}, "parents": [{"type": "Action", "id": "h"}, {"type": "Action", "id": "g"}]}]"#,
            #"""
            [{"uid": {"type": "Action", "id": "a"}, "attrs": {}, "parents": [{"type": "Action", "id": "h"}]},
             {"uid": {"type": "Action", "id": "h"}, "attrs": {}, "parents": [{"type": "Action", "id": "g"}]}]
            """#,
        ]
    )
    func actions(json: String) throws {
        let entities = try Entities(json: try JSONValue(cedar: json), schema: try Self.schema())
        #expect(entities.count == 3)
        let (a, g) = (EntityUID(type: "Action", id: "a"), EntityUID(type: "Action", id: "g"))
        #expect(entities.isAncestor(g, of: a))
        #expect(!entities.isAncestor(a, of: g))
    }

    @Test("an entity may be directly in what its type may be in over several steps")
    func ancestors() throws {
        let json = try JSONValue(
            cedar: #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"n": 1}, "parents": [{"type": "H", "id": "b"}]}]"#
        )
        let entities = try Entities(json: json, schema: try Self.schema())
        #expect(entities.isAncestor(EntityUID(type: "H", id: "b"), of: EntityUID(type: "U", id: "a")))
    }

    @Test("entities that were made by a program are checked alike")
    func programs() throws {
        let schema = try Self.schema()
        let uid = EntityUID(type: "U", id: "a")
        try schema.validate(Entity(uid: uid, attributes: Record([("n", .long(1))]), tags: Record([("t", .long(1))])))
        #expect(throws: EntityConformanceError.missingAttribute(uid, "n")) { try schema.validate(Entity(uid: uid)) }
        let action = EntityUID(type: "Action", id: "a")
        #expect(throws: EntityConformanceError.actionMismatch(action)) { try schema.validate(Entity(uid: action)) }
        let groups = ["g", "h"].map { EntityUID(type: "Action", id: $0) }
        try schema.validate(Entity(uid: action, parents: groups))
    }
}
