/// Schema texts and whether the official engine (4.12) reads them.
enum SchemaTextTable {
    static let accepted = #"""
        entity A;
        entity A, B, C;
        entity A {};
        entity A = {};
        entity A = {a: Long,};
        entity A {a?: Long, "b c"?: String, } tags String;
        entity A in [];
        entity A in A;
        entity A in B; entity B in A;
        entity A in [B, B]; entity B;
        entity A tags Set<A>;
        entity A tags {a: Long};
        entity A in [B::C]; namespace B {entity C;}
        entity A in B :: C; namespace B {entity C;}
        entity A enum ["a"];
        entity A enum ["a","a"];
        entity A enum [""]; entity B in A;
        entity A, B enum ["a", "\u{41}", "é"];
        entity Bool, Long, String, Set, Entity, Record, Extension, Boolean, ipaddr;
        entity namespace, entity, type, action, tags, enum, appliesTo, principal, resource, context, attributes;
        entity A = {x: namespace}; entity namespace;
        entity Set; entity A = {x: Set, y: Set<Set>};
        entity A = {namespace: Long, entity: Long, type: Long, Set: Long, context: Long, tags: Long};
        entity A = {__cedar: Long, "if": Long, "": Long};
        entity A = {"\u{41}": Long, "\x42": Long, "\0\n\r\t\\\'\"": Long};
        entity A = {a: Long, a: String};
        entity A = {a: Nope, a: String};
        entity A = {a: {a: {a: Set<Set<{b?: Bool}>>}}};
        entity X = {a: __cedar::Long, b: __cedar::ipaddr, c: __cedar::Bool, d: __cedar::String};
        entity X = {a: decimal, b: ipaddr, c: datetime, d: duration};
        type ipaddr = Long; entity A = {a: ipaddr};
        type A = Set<Set<Long>>;
        type T = {a: Long}; type U = T; type V = U; entity A = {t: V};
        type V = U; type U = T; type T = {a: Long};
        entity A; type A = Long; entity B = {x: A};
        entity A tags T; type T = Set<A>;
        type Action = Long;
        type EntityOrCommon = Long; entity A = {a: EntityOrCommon};
        entity EntityOrCommon;
        entity Bool; namespace N { entity A = {a: Bool, b: __cedar::Bool}; }
        namespace N { entity Bool; type ipaddr = Long; entity A = {a: Bool, b: ipaddr}; }
        namespace N {}
        namespace N::M { entity A; } namespace N { entity B in N::M::A; }
        namespace N { entity A; } entity B; namespace M { entity A in [N::A, B]; }
        namespace A { entity A; } namespace A::A { entity A in A::A; }
        namespace namespace { entity entity; } entity B in namespace::entity;
        namespace N { type A = Long; entity A; entity B = {a: A}; }
        namespace N { entity T; type U = T; } namespace M { type T = N::U; }
        action a;
        action a, "b c", d;
        action "" in [a]; action a;
        action a in [b,c]; action b,c;
        action a in [b, b]; action b;
        action "a b", c in "d"; action "d" in Action::"e"; action e;
        action a attributes {};
        action __cedar, namespace, action, appliesTo, attributes;
        action appliesTo in appliesTo2 appliesTo {principal: U, resource: U}; action appliesTo2; entity U;
        action a in N::Action::"b"; namespace N { action b; }
        namespace N { action a in b; action b; action c in [Action::"b", N::Action::"a"]; }
        namespace N { action a in b; } action b;
        namespace N { action a in Action::"b"; } action b;
        entity U; action a appliesTo {principal: U, resource: U, context: {}, };
        entity U; action a appliesTo {resource: [U,U], context: {a?: Long}, principal: [U]};
        entity U; action a appliesTo {context: C, principal: U, resource: U}; type C = {a: Long};
        entity U; action a appliesTo {context: C, principal: U, resource: U}; type C = D; type D = {};
        entity U; namespace N { type U2 = {}; action a appliesTo {principal: U, resource: U, context: U2}; }
        entity U; action a appliesTo {principal: U, resource: U} attributes {};
        action a; entity A = {x: Action, y: Set<Action>};
        namespace N { action a; } entity A = {x: N::Action};
        namespace N { action a; entity B = {x: Action}; }
        namespace N { action a; entity B = {x: Action}; } action b;
        @a @b("x") entity A;
        @if @in("y") @__cedar @namespace entity A = { @x("1") a: Long, @x @y "b"?: Long };
        @x("a\n") namespace N { @y action a; @z type T = Long; }
        @x("") type T = {@x a: Long};
        entity A;// x
        // only
        entity A; // x
        """#.split(separator: "\n").map(String.init)

    static let refused = #"""
        entity A
        entity A;;
        entity;
        entity A,;
        entity A B;
        entity A, A;
        entity A; entity A;
        entity A in B;
        entity A in [B;
        entity A in [A,];
        entity A in [,A];
        entity A in A in A;
        entity A in "A";
        entity A in A::;
        entity A in ::A;
        entity A = ;
        entity A = T; type T = {a: Long};
        entity A = {a: Long};;
        entity A {a};
        entity A {a:};
        entity A {a Long};
        entity A {a??: Long};
        entity A {?a: Long};
        entity A {a: Long b: Long};
        entity A {a: Long,,};
        entity A {,};
        entity A {1: Long};
        entity A {a: 1};
        entity A {a: "Long"};
        entity A {a: Set};
        entity A {a: Set<>};
        entity A {a: Set<Long};
        entity A {a: Set<Long, Long>};
        entity A {a: Set Long};
        entity A {a: Nope};
        entity A {a: N::Nope};
        entity A {a: Boolean};
        entity A {a: Record};
        entity A {a: Extension};
        entity A {a: set<Long>};
        entity A {a: __cedar::Nope};
        entity A {a: __cedar::Set};
        entity A {a: __cedar::Entity};
        entity A {a: __cedar};
        entity A {a: Action};
        entity A {a: N::Action}; action b;
        entity A {} {};
        entity A tags;
        entity A tags Nope;
        entity A tags Set<Nope>;
        entity A tags String {};
        entity A tags String tags String;
        entity A enum;
        entity A enum [];
        entity A enum ["a",];
        entity A enum [a];
        entity A enum "a";
        entity A in A enum ["a"];
        entity A enum ["a"] tags Long;
        entity A enum ["a"] {};
        entity A::B;
        entity "A";
        entity Action;
        entity A, Action;
        namespace N { entity Action; }
        entity __cedar;
        entity if;
        entity in;
        entity true, false;
        entity is;
        entity has, like;
        entity then, else;
        entity A = {if: Long};
        entity A = {in: Long};
        entity A = {a: if};
        entity A in like;
        entity A in Action; action a;
        namespace N { entity A in Action; action a; }
        entity A in T; type T = Long;
        entity A in Long;
        entity A in __cedar::Long;
        type A;
        type A = ;
        type A = Long
        type A = Long; type A = Long;
        type A, B = Long;
        type A = B; type B = A;
        type A = A;
        type A = {a: A};
        type A = Set<A>;
        type A = Set<{a: B}>; type B = {c: C}; type C = Set<A>;
        type A = Foo;
        type A = "Long";
        type Bool = Long;
        type Boolean = Long;
        type Entity = Long;
        type Extension = Long;
        type Long = String;
        type Record = Long;
        type Set = Long;
        type String = Long;
        type __cedar = Long;
        type if = Long;
        type A::B = Long;
        namespace N { type A = A; }
        namespace N { type Set = Long; }
        type A = N::A; namespace N { type B = Long; }
        type A = Long; namespace N { type A = Long; }
        entity A; namespace N { entity A; }
        entity A; namespace N { type A = Long; }
        type A = Long; namespace N { entity A; }
        entity A; namespace N::M { entity A; }
        action a; namespace N { action a; }
        namespace {}
        namespace N
        namespace N {
        namespace N }
        namespace N { entity A; };
        namespace N {} namespace N {}
        namespace N { entity X; } entity Y; namespace N { }
        namespace N { namespace M {} }
        namespace N::M { entity A; } namespace N { entity B in M::A; }
        namespace N, M {}
        namespace "N" {}
        namespace N:: {}
        namespace ::N {}
        namespace __cedar {}
        namespace N::__cedar::M {}
        namespace if {}
        namespace N::in {}
        action
        action;
        action a
        action a,;
        action a, a;
        action a, "a";
        action a; action "a";
        action if;
        action in;
        action a::b;
        action Action::"a";
        action a in;
        action a in [];
        action a in [b,]; action b;
        action a in a;
        action a in b; action b in a;
        action a in b; action b in c; action c in [d, a]; action d;
        action a in b;
        action a in B::"b";
        action a in Action::"b";
        action a in N::Action::"b"; action b;
        action a in N::b; namespace N { action b; }
        action a in Action::b; action b;
        action a in if;
        action a in "b"::"c"; action b;
        action a in A::"b"; action b;
        action a in Action::"b" Action::"b"; action b;
        namespace N { action a in N::"b"; action b; }
        action a appliesTo;
        action a appliesTo {};
        action a appliesTo {,};
        action a appliesTo { principal: [] , resource: []};
        entity U; action a appliesTo { principal: U , resource: []};
        entity U; action a appliesTo {principal: [U]};
        entity U; action a appliesTo {resource: [U]};
        entity U; action a appliesTo {context: {}};
        entity U; action a appliesTo {principal: [U], resource: [U], principal: [U]};
        entity U; action a appliesTo {principal: [U], resource: [U], resource: [U]};
        entity U; action a appliesTo {context: {}, principal: [U], resource: [U], context: {}};
        entity U; action a appliesTo {principal: U, resource: U,, };
        entity U; action a appliesTo {principal: U resource: U};
        entity U; action a appliesTo {principal: U, resource: U; };
        entity U; action a appliesTo {principal: [U,], resource: U};
        entity U; action a appliesTo {principal: U, resource: U, context: U};
        entity U; action a appliesTo {principal: U, resource: U, context: C}; type C = Long;
        entity U; action a appliesTo {principal: U, resource: U, context: C}; type C = U;
        entity U; action a appliesTo {principal: U, resource: U, context: C}; type C = Set<{}>;
        entity U; action a appliesTo {principal: U, resource: U, context: Set<Long>};
        entity U; action a appliesTo {principal: U, resource: U, context: Long};
        entity U; action a appliesTo {principal: U, resource: U, other: U};
        entity U; action a appliesTo {principal: U, resource: V};
        entity U; action a appliesTo {principal: T, resource: U}; type T = U;
        entity U; action a appliesTo {principal: U, resource: Action};
        entity U; action a appliesTo {principal = U, resource: U};
        entity U; action a appliesTo {@x principal: U, resource: U};
        entity U; action a appliesTo {principal: U, resource: U} in a;
        entity U; action a appliesTo {principal: U, resource: U} appliesTo {principal: U, resource: U};
        action a attributes {} attributes {};
        action a attributes;
        action a attributes {a: Long};
        @a @a entity A;
        @a("x") @b @a("x") action b;
        entity A = {@x @x a: Long};
        @a @a namespace N {}
        namespace N { @a @a type T = Long; }
        @a() entity A;
        @a(b) entity A;
        @a("b" entity A;
        @a("b", "c") entity A;
        @ entity A;
        @"a" entity A;
        @a
        @a;
        @a::b entity A;
        entity A in @a A;
        entity A = {@a};
        entity A enum [@a "a"];
        entity A = {"\*": Long};
        entity A = {"\q": Long};
        entity A = {"\u{d800}": Long};
        entity A = {"\x80": Long};
        entity A = {"a: Long};
        @a("\q") entity A;
        action "\q";
        /* x */ entity A;
        / entity A;
        entity é;
        entity A-B;
        entity A = {a: Long?};
        entity A == {};
        permit(principal, action, resource);
        """#.split(separator: "\n").map(String.init)
}
