import Cedar
import Testing

@Suite("What a schema's names stand for", .timeLimit(.minutes(10)))
struct SchemaResolutionTests {
    @Test(
        "a name stands for the nearest declaration, a common type before an entity type",
        arguments: [
            ("entity E {a: Long};", "E", SchemaType.long),
            ("entity E {a: Bool};", "E", .bool),
            ("entity E {a: String};", "E", .string),
            ("entity E {a: ipaddr};", "E", .extension(.ipaddr)),
            ("entity E {a: __cedar::decimal};", "E", .extension(.decimal)),
            ("entity E {a: Set<datetime>};", "E", .set(.extension(.datetime))),
            ("entity E {a: E};", "E", .entity("E")),
            ("entity Long; entity E {a: Long};", "E", .entity("Long")),
            ("entity Long; entity E {a: __cedar::Long};", "E", .long),
            ("type ipaddr = Long; entity E {a: ipaddr};", "E", .long),
            ("entity T; type T = Bool; entity E {a: T};", "E", .bool),
            ("namespace N { entity T; type T = Bool; entity E {a: T}; }", "N::E", .bool),
            ("namespace N { entity T; entity E {a: T}; } type U = Bool;", "N::E", .entity("N::T")),
            ("namespace N { entity E {a: T}; } type T = Bool;", "N::E", .bool),
            ("namespace N { entity E {a: M::T}; } namespace M { type T = Bool; }", "N::E", .bool),
            ("namespace N { entity Bool; entity E {a: Bool}; } ", "N::E", .entity("N::Bool")),
            ("namespace N { entity E {a: Action}; action a; }", "N::E", .entity("N::Action")),
            ("namespace N { entity E {a: Action}; } action a;", "N::E", .entity("Action")),
            ("namespace N { entity E {a: Action}; action a; } action b;", "N::E", .entity("N::Action")),
            ("type T = U; type U = Set<V>; type V = W; type W = Long; entity E {a: T};", "E", .set(.long)),
            ("entity E {a: Long, a: String};", "E", .string),
            (
                #"{"": {"entityTypes": {"T": {}, "E": {"shape": {"type": "Record", "attributes": {"a": {"type": "Entity", "name": "T"}}}}}, "actions": {}, "commonTypes": {"T": {"type": "Long"}}}}"#,
                "E", .entity("T")
            ),
            (
                #"{"": {"entityTypes": {"T": {}, "E": {"shape": {"type": "Record", "attributes": {"a": {"type": "EntityOrCommon", "name": "T"}}}}}, "actions": {}, "commonTypes": {"T": {"type": "Long"}}}}"#,
                "E", .long
            ),
            (
                #"{"": {"entityTypes": {"Long": {}, "E": {"shape": {"type": "Record", "attributes": {"a": {"type": "Long"}}}}}, "actions": {}}}"#,
                "E", .long
            ),
            (
                #"{"": {"entityTypes": {"E": {"shape": {"type": "S"}}}, "actions": {}, "commonTypes": {"S": {"type": "Record", "attributes": {"a": {"type": "Set", "element": {"type": "Boolean"}}}}}}}"#,
                "E", .set(.bool)
            ),
        ],
    )
    func names(text: String, type: EntityTypeName, expected: SchemaType) throws {
        let schema = try Schema(text)
        #expect(schema.entityTypes[type]?.attributes.attributes["a"]?.type == expected)
    }

    @Test("what must be there and what may be is told apart, in text and in JSON")
    func required() throws {
        let expected = RecordType([
            "a": RecordType.Attribute(type: .long, isRequired: true),
            "b": RecordType.Attribute(type: .long, isRequired: false),
            "c": RecordType.Attribute(type: .record(.empty), isRequired: true),
        ])
        let text = try Schema("entity E {a: Long, b?: Long, c: {}};")
        #expect(text.entityTypes["E"]?.attributes == expected)
        let document = try Schema(
            #"""
            {"": {"entityTypes": {"E": {"shape": {"type": "Record", "attributes": {
                "a": {"type": "Long"}, "b": {"type": "Long", "required": false},
                "c": {"type": "Record", "attributes": {}, "required": true}}}}}, "actions": {}}}
            """#
        )
        #expect(document.entityTypes["E"]?.attributes == expected)
    }

    @Test("names that differ in their bytes only are two")
    func bytes() throws {
        let schema = try Schema(#"entity E {"\u{e9}": Long, "e\u{301}": String};"#)
        let attributes = try #require(schema.entityTypes["E"]?.attributes.attributes)
        #expect(attributes.count == 2)
        #expect(attributes["\u{e9}"]?.type == .long)
        #expect(attributes["e\u{301}"]?.type == .string)
    }

    @Test("entity types are in what they name, over any number of steps, and in themselves only in a circle")
    func ancestors() throws {
        let schema = try Schema(
            "entity A in B; entity B in [C, D]; entity C, D; entity X in Y; entity Y in X; entity Z in Z;"
        )
        #expect(schema.entityTypes["A"]?.parents == ["B"])
        #expect(schema.entityTypes["A"]?.ancestors == ["B", "C", "D"])
        #expect(schema.entityTypes["C"]?.ancestors == [])
        #expect(schema.entityTypes["X"]?.ancestors == ["X", "Y"])
        #expect(schema.entityTypes["Z"]?.ancestors == ["Z"])
    }

    @Test("enumerated entity types have their ids in order, tags their type")
    func choicesAndTags() throws {
        let schema = try Schema(#"entity A enum ["b", "a", "b"]; entity B, C tags Set<A>;"#)
        #expect(schema.entityTypes["A"]?.choices == ["b", "a", "b"])
        #expect(schema.entityTypes["A"]?.tags == nil)
        #expect(schema.entityTypes["B"]?.choices == nil)
        #expect(schema.entityTypes["B"]?.tags == .set(.entity("A")))
        #expect(schema.entityTypes["C"]?.tags == .set(.entity("A")))
    }

    @Test("actions are in what they name, over any number of steps, and apply to what they say")
    func actions() throws {
        let schema = try Schema(
            """
            entity U; type C = {a: Long};
            namespace N {
                entity V;
                action a, "a b" in [b, Action::"c"] appliesTo {principal: [U, V], resource: N::V, context: C};
                action b in M::Action::"d";
            }
            namespace M { action d; }
            action c in N::Action::"b";
            """
        )
        func uid(_ type: String, _ id: String) -> EntityUID { EntityUID(type: type, id: id) }
        for id in ["a", "a b"] {
            let action = try #require(schema.actions[uid("N::Action", id)])
            #expect(action.parents == [uid("N::Action", "b"), uid("Action", "c")])
            #expect(action.ancestors == [uid("N::Action", "b"), uid("Action", "c"), uid("M::Action", "d")])
            #expect(action.principals == ["U", "N::V"])
            #expect(action.resources == ["N::V"])
            #expect(action.context.attributes["a"]?.type == .long)
        }
        let group = try #require(schema.actions[uid("N::Action", "b")])
        #expect(group.principals.isEmpty && group.resources.isEmpty && group.context == .empty)
        #expect(schema.actions.count == 5)
    }

    @Test("empty lists of principals or resources are kept as they are in JSON")
    func emptyLists() throws {
        let schema = try Schema(
            #"{"": {"entityTypes": {"A": {}}, "actions": {"a": {"appliesTo": {"principalTypes": ["A"], "resourceTypes": []}}}}}"#
        )
        let action = try #require(schema.actions[EntityUID(type: "Action", id: "a")])
        #expect(action.principals == ["A"])
        #expect(action.resources.isEmpty)
    }

    @Test("of the types of one name in two namespaces each keeps its own")
    func sameNames() throws {
        let schema = try Schema(
            "namespace N { type T = Long; entity E {a: T}; } namespace M { type T = Bool; entity E {a: T}; }"
        )
        #expect(schema.entityTypes["N::E"]?.attributes.attributes["a"]?.type == .long)
        #expect(schema.entityTypes["M::E"]?.attributes.attributes["a"]?.type == .bool)
    }

    @Test("a schema of nothing has nothing", arguments: ["", "{}", "// nothing", "namespace N {}", "type T = Long;"])
    func empty(text: String) throws {
        let schema = try Schema(text)
        #expect(schema.entityTypes.isEmpty)
        #expect(schema.actions.isEmpty)
    }
}
