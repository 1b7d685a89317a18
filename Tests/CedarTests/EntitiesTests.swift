import CanonicalJSON
import Cedar
import Testing

@Suite("Entities", .timeLimit(.minutes(10)))
struct EntitiesTests {
    @Test(
        "an entity's JSON is read as the official engine reads it",
        arguments: [
            #"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": []}"#,
            #"{"uid": {"__entity": {"type": "U", "id": "a"}}, "attrs": {}, "parents": []}"#,
            #"{"uid": {"type": "U", "id": "a", "more": 1}, "attrs": {}, "parents": []}"#,
            #"{"uid": {"type": "A::B::U", "id": ""}, "attrs": {}, "parents": []}"#,
            #"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": [], "more": 1}"#,
            #"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": [], "tags": {"a": 1}}"#,
            #"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": [{"__entity": {"type": "U", "id": "b"}}]}"#,
            #"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": [{"type": "U", "id": "b"}, {"type": "U", "id": "b"}]}"#,
            #"{"uid": {"type": "U", "id": "a"}, "attrs": {"a": -9223372036854775808}, "parents": []}"#,
            #"{"uid": {"type": "U", "id": "a"}, "attrs": {"a": {"__extn": {"fn": "ip", "args": ["1.2.3.4"]}}}, "parents": []}"#,
        ]
    )
    func accepted(json: String) throws {
        #expect(try Entities(json: JSONValue(cedar: "[\(json)]")).count == 1)
    }

    @Test(
        "what is no entity is refused, with its place",
        arguments: [
            (#"{"uid": {"type": "U::", "id": "a"}, "attrs": {}, "parents": []}"#, "[0].uid: `U::` is not a type name"),
            (#"{"uid": {"type": "if", "id": "a"}, "attrs": {}, "parents": []}"#, "[0].uid: `if` is not a type name"),
            (#"{"uid": {"type": " U", "id": "a"}, "attrs": {}, "parents": []}"#, "[0].uid: ` U` is not a type name"),
            (
                #"{"uid": {"type": "__cedar::U", "id": "a"}, "attrs": {}, "parents": []}"#,
                "[0].uid: `__cedar::U` is not a type name"
            ),
            (
                #"{"uid": {"type": "A :: U", "id": "a"}, "attrs": {}, "parents": []}"#,
                "[0].uid: `A :: U` is not a type name"
            ),
            (#"{"uid": {"type": "", "id": "a"}, "attrs": {}, "parents": []}"#, "[0].uid: `` is not a type name"),
            (
                #"{"uid": {"__expr": "x", "type": "U", "id": "a"}, "attrs": {}, "parents": []}"#,
                "[0].uid: the `__expr` escape is not supported"
            ),
            (#"{"uid": {"type": "U", "id": "a"}, "parents": []}"#, "[0]: `attrs` is missing"),
            (#"{"uid": {"type": "U", "id": "a"}, "attrs": {}}"#, "[0]: `parents` is missing"),
            (#"{"attrs": {}, "parents": []}"#, "[0]: `uid` is missing"),
            (
                #"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": [], "tags": null}"#,
                "[0].tags: expected an object"
            ),
            (
                #"{"uid": {"type": "U", "id": "a"}, "attrs": {"a": [1, {"b": null}]}, "parents": []}"#,
                "[0].attrs.a[1].b: `null` is not a Cedar value"
            ),
            (
                #"{"uid": {"type": "U", "id": "a"}, "attrs": {"a": 1.5}, "parents": []}"#,
                "[0].attrs.a: `1.5` is not an integer of 64 bits"
            ),
            (
                #"{"uid": {"type": "U", "id": "a"}, "attrs": {"a": {"__expr": "1"}}, "parents": []}"#,
                "[0].attrs.a: the `__expr` escape is not supported"
            ),
            (
                #"{"uid": {"type": "U", "id": "a"}, "attrs": {"a": {"__extn": {"fn": "foo", "arg": "1"}}}, "parents": []}"#,
                "[0].attrs.a: `foo` is not a function of an extension type"
            ),
            (
                #"{"uid": {"type": "U", "id": "a"}, "attrs": {"a": {"__extn": {"fn": "decimal", "arg": 1}}}, "parents": []}"#,
                "[0].attrs.a: type error: expected string, got long"
            ),
            (
                #"{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": [{"type": "U", "id": "a"}]}"#,
                #"the entity `U::"a"` is its own ancestor"#
            ),
            (
                #"{"uid": {"type": "Action", "id": "a"}, "attrs": {}, "parents": [{"type": "U", "id": "a"}]}"#,
                #"the action `Action::"a"` is in `U::"a"`, which is no action"#
            ),
        ]
    )
    func refused(json: String, message: String) throws {
        let json = try JSONValue(cedar: "[\(json)]")
        do {
            _ = try Entities(json: json)
            Issue.record("the entity was read")
        } catch {
            #expect(error.description == message)
        }
    }

    @Test("the same entity twice is one, two with one identity are refused")
    func duplicates() throws {
        let uid = EntityUID(type: "U", id: "a")
        #expect(try Entities([Entity(uid: uid), Entity(uid: uid)]).count == 1)
        #expect(throws: EntitiesError.duplicate(uid)) {
            try Entities([Entity(uid: uid), Entity(uid: uid, attributes: Record([("a", .long(1))]))])
        }
    }

    @Test(
        "only a lone and well-formed escape is one; anything else is a record",
        arguments: [
            (#"{"__entity": {"type": "U", "id": "b"}}"#, #"context.x == U::"b""#),
            (#"{"__entity": {"type": "U", "id": "b", "z": 1}}"#, #"context.x == U::"b""#),
            (
                #"{"__entity": {"type": "U", "id": "b"}, "c": 1}"#,
                #"context.x.c == 1 && context.x["__entity"].id == "b""#
            ),
            (#"{"__entity": {"__entity": {"type": "U", "id": "b"}}}"#, #"context.x["__entity"] == U::"b""#),
            (#"{"__entity": "a"}"#, #"context.x["__entity"] == "a""#),
            (#"{"__entity": {"type": "U", "id": 1}}"#, #"context.x["__entity"].id == 1"#),
            (#"{"__extn": {"fn": "decimal", "arg": "1.0"}}"#, #"context.x == decimal("1.0")"#),
            (#"{"__extn": {"fn": "decimal", "arg": "1.0", "c": 1}}"#, #"context.x == decimal("1.0")"#),
            (#"{"__extn": {"fn": "decimal"}}"#, #"context.x["__extn"].fn == "decimal""#),
            (#"{"__extn": "a"}"#, #"context.x["__extn"] == "a""#),
            (#"{"__extn": {"fn": "isIpv4", "arg": {"__extn": {"fn": "ip", "arg": "1.2.3.4"}}}}"#, "context.x"),
            (
                #"{"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "2024-01-01"}}, {"__extn": {"fn": "duration", "arg": "1d"}}]}}"#,
                #"context.x == datetime("2024-01-02")"#
            ),
            (#"{"__expr": 1}"#, #"context.x["__expr"] == 1"#),
            (#"{"type": "U", "id": "b"}"#, #"context.x != U::"b" && context.x.id == "b""#),
        ]
    )
    func escapes(json: String, holds: String) throws {
        let context = try Record(json: JSONValue(cedar: "{\"x\": \(json)}"))
        let sample = Request.sample
        let request = Request(
            principal: sample.principal,
            action: sample.action,
            resource: sample.resource,
            context: context,
        )
        let answer = try PolicySet(whenever: holds).authorize(request, Entities.empty)
        #expect(answer.decision == .allow, "\(answer.errors)")
    }

    @Test(
        "a context is a record",
        arguments: ["[]", "1", "null", #"{"__entity": {"type": "U", "id": "b"}}"#, #"{"a": null}"#]
    )
    func noContext(json: String) throws {
        let json = try JSONValue(cedar: json)
        #expect(throws: InvalidPart.self) { try Record(json: json) }
    }

    @Test(
        "an identity is read from Cedar text too",
        arguments: [
            (#"U::"a""#, EntityUID(type: "U", id: "a")),
            (#"A::B::"\u{41}\"\n""#, EntityUID(type: "A::B", id: "A\"\n")),
        ]
    )
    func text(text: String, uid: EntityUID) throws {
        #expect(try EntityUID(parsing: text) == uid)
        #expect(try EntityUID(parsing: uid.description) == uid)
    }

    @Test(
        "in JSON, an identity's text has escapes for what needs them, and no others",
        arguments: [
            (#"U::"a""#, true), (#"U::"\u{61}""#, false), (#"U::"it's""#, false), (#"U::"it\'s""#, true),
            ("U::\"\n\"", false), (#"U::"\n""#, true), ("U::\"\u{301}\"", false), ("U::\"a\u{301}\"", true),
            ("U::\"\u{200B}\"", false), (#"U::"\u{200b}""#, true), (#"U::"\u{200B}""#, false),
        ],
    )
    func normalized(text: String, isNormalized: Bool) {
        #expect(((try? EntityUID(json: .string(text))) != nil) == isNormalized)
    }

    @Test(
        "what is no identity is refused",
        arguments: [
            "", "U", "U::", "\"a\"", "::\"a\"", "U::a", "U:: \"a\"", "U::\"a\" ", "U::\"a\\q\"", "U::\"a", "if::\"a\"",
            "U::\"a\"::\"b\"",
        ]
    )
    func noText(text: String) {
        #expect(throws: InvalidPart.self) { try EntityUID(parsing: text) }
    }

    @Test("an overlay's entities are in the base's, and are seen first")
    func layers() throws {
        let uids = (0..<6).map { EntityUID(type: "G", id: "\($0)") }
        let base = try Entities([
            Entity(uid: uids[0], attributes: Record([("a", .long(0))]), parents: [uids[1]]),
            Entity(uid: uids[1], parents: [uids[2]]),
        ])
        let layered = LayeredEntities(
            base: base,
            overlay: [
                Entity(uid: uids[3], parents: [uids[4], uids[5]]),
                Entity(uid: uids[4], parents: [uids[0], uids[3]]),
                Entity(uid: uids[0], attributes: Record([("a", .long(1))])),
            ]
        )
        #expect(layered.entity(uids[0])?.attributes["a"] == .long(1))
        #expect(layered.entity(uids[1]) != nil)
        #expect(layered.entity(uids[5]) == nil)
        // The overlay's own cycle 3 → 4 → 3 ends, and its entity 0 hides the parents that the base gave it.
        #expect(Set(layered.ancestors(of: uids[3]).all) == [uids[0], uids[3], uids[4], uids[5]])
        #expect(layered.isAncestor(uids[0], of: uids[3]))
        #expect(!layered.isAncestor(uids[1], of: uids[3]))
        #expect(layered.isAncestor(uids[2], of: uids[1]))
        #expect(!layered.isAncestor(uids[2], of: uids[0]))
        #expect(layered.ancestors(of: uids[5]).all.isEmpty)
    }

    @Test("an overlay's entity in one entity of the base has that and its ancestors", arguments: [0, 1, 15, 16, 40])
    func oneParent(count: Int) throws {
        let uids = (0...count).map { EntityUID(type: "G", id: "\($0)") }
        let base = try Entities([Entity(uid: uids[0], parents: Array(uids.dropFirst()))])
        let uid = EntityUID(type: "E", id: "e")
        let layered = LayeredEntities(base: base, overlay: [Entity(uid: uid, parents: [uids[0]])])
        let ancestors = layered.ancestors(of: uid)
        #expect(Set(ancestors.all) == Set(uids))
        #expect(uids.allSatisfy { ancestors.contains($0) && layered.isAncestor($0, of: uid) })
        #expect(!ancestors.contains(uid))
    }

    @Test("large ancestor sets answer as small ones do", arguments: [0, 1, 15, 16, 17, 200])
    func ancestorSets(count: Int) {
        let uids = (0..<count).map { EntityUID(type: "G", id: "\($0)") }
        let set = AncestorSet(uids)
        #expect(uids.allSatisfy(set.contains))
        #expect(!set.contains(EntityUID(type: "H", id: "0")))
        #expect(!set.contains(EntityUID(type: "G", id: "x")))
    }
}
