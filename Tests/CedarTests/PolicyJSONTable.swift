import CanonicalJSON
import Cedar

/// What the official engine writes and reads, by its own word (cedarpy 4.12).
enum PolicyJSONTable {
    static func policy(_ key: String, _ json: String) throws -> JSONValue {
        let plain =
            #"{"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]}"#
        var object = try JSONValue(cedar: plain).objectValue ?? [:]
        object[key] = try JSONValue(cedar: json)
        return .object(object)
    }

    static let expressions: [(text: String, json: String)] = [
        (#"-1"#, #"{"Value":-1}"#),
        (#"--1"#, #"{"neg":{"arg":{"Value":-1}}}"#),
        (#"-(1)"#, #"{"neg":{"arg":{"Value":1}}}"#),
        (#"(-1)"#, #"{"Value":-1}"#),
        (#"!!true"#, #"{"!":{"arg":{"!":{"arg":{"Value":true}}}}}"#),
        (#"-9223372036854775808"#, #"{"Value":-9223372036854775808}"#),
        (#"-1.foo"#, #"{"neg":{"arg":{".":{"left":{"Value":1},"attr":"foo"}}}}"#),
        (#"-context.a"#, #"{"neg":{"arg":{".":{"left":{"Var":"context"},"attr":"a"}}}}"#),
        (
            #""a*b" like "a*b\*é**""#,
            #"{"like":{"left":{"Value":"a*b"},"pattern":[{"Literal":"a"},"Wildcard",{"Literal":"b"},{"Literal":"*"},{"Literal":"\u00e9"},"Wildcard","Wildcard"]}}"#
        ),
        (#""a" like """#, #"{"like":{"left":{"Value":"a"},"pattern":[]}}"#),
        (
            #""a" like "\x2a\u{2a}\*""#,
            #"{"like":{"left":{"Value":"a"},"pattern":["Wildcard","Wildcard",{"Literal":"*"}]}}"#
        ),
        (
            #"context has a.b.c"#,
            #"{"&&":{"left":{"&&":{"left":{"has":{"left":{"Var":"context"},"attr":"a"}},"right":{"has":{"left":{".":{"left":{"Var":"context"},"attr":"a"}},"attr":"b"}}}},"right":{"has":{"left":{".":{"left":{".":{"left":{"Var":"context"},"attr":"a"}},"attr":"b"}},"attr":"c"}}}}"#
        ),
        (#"context has "a b""#, #"{"has":{"left":{"Var":"context"},"attr":"a b"}}"#),
        (
            #"principal is A::B in resource"#,
            #"{"is":{"left":{"Var":"principal"},"entity_type":"A::B","in":{"Var":"resource"}}}"#
        ),
        (#"principal is A::B"#, #"{"is":{"left":{"Var":"principal"},"entity_type":"A::B"}}"#),
        (
            #"[1,true,"a",User::"b"]"#,
            #"{"Set":[{"Value":1},{"Value":true},{"Value":"a"},{"Value":{"__entity":{"type":"User","id":"b"}}}]}"#
        ),
        (#"[1,[2,context]]"#, #"{"Set":[{"Value":1},{"Set":[{"Value":2},{"Var":"context"}]}]}"#),
        (#"{a:1,"b c":{d:2}}"#, #"{"Record":{"a":{"Value":1},"b c":{"Record":{"d":{"Value":2}}}}}"#),
        (#"{}"#, #"{"Record":{}}"#),
        (#"[]"#, #"{"Set":[]}"#),
        (
            #"ip("1.2.3.4").isInRange(ip("::1"))"#,
            #"{"isInRange":[{"ip":[{"Value":"1.2.3.4"}]},{"ip":[{"Value":"::1"}]}]}"#
        ),
        (
            #"decimal("1.0").lessThan(decimal("2.0"))"#,
            #"{"lessThan":[{"decimal":[{"Value":"1.0"}]},{"decimal":[{"Value":"2.0"}]}]}"#
        ),
        (#"[1].contains(1)"#, #"{"contains":{"left":{"Set":[{"Value":1}]},"right":{"Value":1}}}"#),
        (#"[1].isEmpty()"#, #"{"isEmpty":{"arg":{"Set":[{"Value":1}]}}}"#),
        (#"principal.hasTag("a")"#, #"{"hasTag":{"left":{"Var":"principal"},"right":{"Value":"a"}}}"#),
        (
            #"principal.getTag("a") == 1"#,
            #"{"==":{"left":{"getTag":{"left":{"Var":"principal"},"right":{"Value":"a"}}},"right":{"Value":1}}}"#
        ),
        (#"if true then 1 else 2"#, #"{"if-then-else":{"if":{"Value":true},"then":{"Value":1},"else":{"Value":2}}}"#),
        (#"context["a b"].c"#, #"{".":{"left":{".":{"left":{"Var":"context"},"attr":"a b"}},"attr":"c"}}"#),
        (#"ip(1, 2)"#, #"{"ip":[{"Value":1},{"Value":2}]}"#),
        (#"ip()"#, #"{"ip":[]}"#),
        (
            #"1-2-3+4"#,
            #"{"+":{"left":{"-":{"left":{"-":{"left":{"Value":1},"right":{"Value":2}}},"right":{"Value":3}}},"right":{"Value":4}}}"#
        ),
        (#"2*3*4"#, #"{"*":{"left":{"*":{"left":{"Value":2},"right":{"Value":3}}},"right":{"Value":4}}}"#),
        (#"1-(2-3)"#, #"{"-":{"left":{"Value":1},"right":{"-":{"left":{"Value":2},"right":{"Value":3}}}}}"#),
        (
            #"1+2*3-4"#,
            #"{"-":{"left":{"+":{"left":{"Value":1},"right":{"*":{"left":{"Value":2},"right":{"Value":3}}}}},"right":{"Value":4}}}"#
        ),
        (#""\u{41}\n""#, #"{"Value":"A\n"}"#),
        (#"1 != 2"#, #"{"!=":{"left":{"Value":1},"right":{"Value":2}}}"#),
        (#"2 >= 1"#, #"{">=":{"left":{"Value":2},"right":{"Value":1}}}"#),
        (
            #"true && false && true || false || true"#,
            #"{"||":{"left":{"||":{"left":{"&&":{"left":{"&&":{"left":{"Value":true},"right":{"Value":false}}},"right":{"Value":true}}},"right":{"Value":false}}},"right":{"Value":true}}}"#
        ),
        (
            #"true && (false && true)"#,
            #"{"&&":{"left":{"Value":true},"right":{"&&":{"left":{"Value":false},"right":{"Value":true}}}}}"#
        ),
        (
            #"(true && false) && true"#,
            #"{"&&":{"left":{"&&":{"left":{"Value":true},"right":{"Value":false}}},"right":{"Value":true}}}"#
        ),
        (#"ip("a").isIpv4(1)"#, #"{"isIpv4":[{"ip":[{"Value":"a"}]},{"Value":1}]}"#),
        (
            #"datetime("2024-01-01").offset(duration("1h")).toDate()"#,
            #"{"toDate":[{"offset":[{"datetime":[{"Value":"2024-01-01"}]},{"duration":[{"Value":"1h"}]}]}]}"#
        ),
        (
            #"principal in [User::"a"]"#,
            #"{"in":{"left":{"Var":"principal"},"right":{"Set":[{"Value":{"__entity":{"type":"User","id":"a"}}}]}}}"#
        ),
    ]

    static let policies: [(text: String, json: String)] = [
        (
            #"permit(principal,action,resource);"#,
            #"{"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]}"#
        ),
        (
            #"@a permit(principal,action,resource);"#,
            #"{"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[],"annotations":{"a":null}}"#
        ),
        (
            #"@a("") @b("x\n") forbid(principal,action in [],resource);"#,
            #"{"effect":"forbid","principal":{"op":"All"},"action":{"op":"in","entities":[]},"resource":{"op":"All"},"conditions":[],"annotations":{"a":"","b":"x\n"}}"#
        ),
        (
            #"permit(principal == U::"a",action in [Action::"a"],resource is A in B::"c") when {1} unless {2} when {3};"#,
            #"{"effect":"permit","principal":{"op":"==","entity":{"type":"U","id":"a"}},"action":{"op":"in","entity":{"type":"Action","id":"a"}},"resource":{"op":"is","entity_type":"A","in":{"entity":{"type":"B","id":"c"}}},"conditions":[{"kind":"when","body":{"Value":1}},{"kind":"unless","body":{"Value":2}},{"kind":"when","body":{"Value":3}}]}"#
        ),
        (
            #"permit(principal in U::"a",action in Action::"a",resource is A);"#,
            #"{"effect":"permit","principal":{"op":"in","entity":{"type":"U","id":"a"}},"action":{"op":"in","entity":{"type":"Action","id":"a"}},"resource":{"op":"is","entity_type":"A"},"conditions":[]}"#
        ),
        (
            #"permit(principal,action in [Action::"a",X::Action::"b"],resource == U::"\0");"#,
            #"{"effect":"permit","principal":{"op":"All"},"action":{"op":"in","entities":[{"type":"Action","id":"a"},{"type":"X::Action","id":"b"}]},"resource":{"op":"==","entity":{"type":"U","id":"\u0000"}},"conditions":[]}"#
        ),
        (
            #"permit(principal == ?principal,action == Action::"a",resource in ?resource);"#,
            #"{"effect":"permit","principal":{"op":"==","slot":"?principal"},"action":{"op":"==","entity":{"type":"Action","id":"a"}},"resource":{"op":"in","slot":"?resource"},"conditions":[]}"#
        ),
        (
            #"permit(principal is A in ?principal,action,resource is B in ?resource) unless { true };"#,
            #"{"effect":"permit","principal":{"op":"is","entity_type":"A","in":{"slot":"?principal"}},"action":{"op":"All"},"resource":{"op":"is","entity_type":"B","in":{"slot":"?resource"}},"conditions":[{"kind":"unless","body":{"Value":true}}]}"#
        ),
    ]

    static let readable: [(json: String, text: String)] = [
        (#"{"Value":-1}"#, #"-1"#),
        (#"{"Value":[1,{"a":2}]}"#, #"[1, {a: 2}]"#),
        (#"{"Value":{"__entity":{"type":"A","id":"b","x":1}}}"#, #"A::"b""#),
        (#"{"Value":{"__entity":{"type":"A"}}}"#, #"{__entity: {type: "A"}}"#),
        (#"{"Value":{"__entity":{"type":"A","id":"b"},"x":1}}"#, #"{__entity: {id: "b", type: "A"}, x: 1}"#),
        (#"{"Value":{"__extn":{"fn":"ip","arg":"1.1.1.1"}}}"#, #"ip("1.1.1.1")"#),
        (#"{"Value":{"__extn":{"fn":"ip","args":["1.1.1.1"]}}}"#, #"ip("1.1.1.1")"#),
        (#"{"Value":{"__extn":{"fn":"isIpv4","arg":{"__extn":{"fn":"ip","arg":"zz"}}}}}"#, #"ip("zz").isIpv4()"#),
        (#"{"Value":{"__extn":{"fn":"ip"}}}"#, #"{__extn: {fn: "ip"}}"#),
        (#"{"Value":{"__extn":{"fn":"ip","arg":"1.1.1.1","x":2}}}"#, #"ip("1.1.1.1")"#),
        (#"{"Value":{"__expr":1}}"#, #"{__expr: 1}"#),
        (#"{"Value":{"__entity":1}}"#, #"{__entity: 1}"#),
        (#"{"Value":{"type":"A","id":"b"}}"#, #"{id: "b", type: "A"}"#),
        (#"{"Value":9223372036854775807}"#, #"9223372036854775807"#),
        (#"{"Var":"principal"}"#, #"principal"#),
        (#"{"neg":{"arg":{"Value":1}}}"#, #"-(1)"#),
        (#"{"has":{"left":{"Var":"context"},"attr":"a","x":1}}"#, #"context has a"#),
        (#"{"has":{"left":{"Var":"context"},"attr":["a","b"]}}"#, #"context has a.b"#),
        (#"{"has":{"left":{"Var":"context"},"attr":["a b"]}}"#, #"context has "a b""#),
        (#"{".":{"left":{"Var":"context"},"attr":""}}"#, #"context[""]"#),
        (#"{".":{"left":{"Var":"context"},"attr":"__cedar"}}"#, #"context["__cedar"]"#),
        (
            #"{"like":{"left":{"Value":"a"},"pattern":["Wildcard",{"Literal":"a"},{"Literal":"*bc"},{"Wildcard":null}]}}"#,
            #""a" like "*a\*bc*""#
        ),
        (#"{"is":{"left":{"Var":"principal"},"entity_type":"A","in":null}}"#, #"principal is A"#),
        (#"{"isInRange":[{"Value":1}]}"#, #"1.isInRange()"#),
        (#"{"&&":{"left":{"&&":{"left":{"Value":1},"right":{"Value":2}}},"right":{"Value":3}}}"#, #"1 && 2 && 3"#),
        (
            #"{"-":{"left":{"+":{"left":{"Value":1},"right":{"Value":2}}},"right":{"*":{"left":{"Value":3},"right":{"Value":4}}}}}"#,
            #"1 + 2 - 3 * 4"#
        ),
        (#"{"*":{"left":{"+":{"left":{"Value":1},"right":{"Value":2}}},"right":{"Value":3}}}"#, #"(1 + 2) * 3"#),
        (#"{"isEmpty":{"arg":{"Value":[]}}}"#, #"[].isEmpty()"#),
        (#"{"Record":{"__cedar":{"Value":1}}}"#, #"{"__cedar": 1}"#),
    ]

    /// The last three are read by the official engine, but can be said in no text.
    static let unreadable: [String] = [
        #"{"Value":1.5}"#,
        #"{"Value":null}"#,
        #"{"Value":[null]}"#,
        #"{"Value":{"__expr":"1+1"}}"#,
        #"{"Value":{"a":{"__expr":"x"}}}"#,
        #"{"Value":{"__entity":{"type":"A B","id":"b"}}}"#,
        #"{"Value":{"__entity":{"type":"__cedar","id":"b"}}}"#,
        #"{"Value":9223372036854775808}"#,
        #"{"Var":"foo"}"#,
        #"{"Slot":"?principal"}"#,
        #"{"Unknown":"x"}"#,
        #"{}"#,
        #"{"Value":1,"Var":"principal"}"#,
        #"1"#,
        #""a""#,
        #"[1]"#,
        #"null"#,
        #"{"!":{"arg":{"Value":true},"x":1}}"#,
        #"{"!":{"Value":true}}"#,
        #"{"!":{}}"#,
        #"{"-":{"arg":{"Value":1}}}"#,
        #"{"==":{"left":{"Value":1}}}"#,
        #"{"==":[{"Value":1},{"Value":2}]}"#,
        #"{"==":{"left":{"Value":1},"right":{"Value":2},"x":1}}"#,
        #"{".":{"left":{"Var":"context"},"attr":["a"]}}"#,
        #"{"has":{"left":{"Var":"context"},"attr":[]}}"#,
        #"{"has":{"left":{"Var":"context"},"attr":[1]}}"#,
        #"{"like":{"left":{"Value":"a"},"pattern":"a*"}}"#,
        #"{"like":{"left":{"Value":"a"},"pattern":[{"Literal":1}]}}"#,
        #"{"like":{"left":{"Value":"a"},"pattern":["Literal"]}}"#,
        #"{"like":{"left":{"Value":"a"},"pattern":[{"Literal":"a","x":1}]}}"#,
        #"{"is":{"left":{"Var":"principal"},"entity_type":"A B"}}"#,
        #"{"is":{"left":{"Var":"principal"},"entity_type":"if"}}"#,
        #"{"is":{"left":{"Var":"principal"},"entity_type":""}}"#,
        #"{"if-then-else":{"if":{"Value":true},"then":{"Value":1}}}"#,
        #"{"Set":{"Value":1}}"#,
        #"{"Record":[["a",{"Value":1}]]}"#,
        #"{"ip":{"Value":"1.1.1.1"}}"#,
        #"{"foo":[{"Value":1}]}"#,
        #"{"contains":[{"Value":1},{"Value":2}]}"#,
        #"{"isEmpty":{"left":{"Value":[]}}}"#,
        #"{"&&":[{"Value":1},{"Value":2},{"Value":3}]}"#,
        #"{"/":{"left":{"Value":1},"right":{"Value":2}}}"#,
        #"{"A::ip":[{"Value":1}]}"#,
        #"{"unknown":[{"Value":"x"}]}"#,
        #"{"Value":{"__extn":{"fn":"foo","arg":"zz"}}}"#,
        #"{"has":{"left":{"Var":"context"},"attr":["a b","c"]}}"#,
    ]

    static let members: [(key: String, json: String, text: String)] = [
        ("annotations", #"{"a":"b"}"#, #"@a("b")\#npermit (principal, action, resource);"#),
        ("annotations", #"{"a":null}"#, #"@a("")\#npermit (principal, action, resource);"#),
        ("annotations", #"{"if":"c"}"#, #"@if("c")\#npermit (principal, action, resource);"#),
        ("annotations", #"{"__cedar":"c"}"#, #"@__cedar("c")\#npermit (principal, action, resource);"#),
        ("principal", #"{"op":"all"}"#, #"permit (principal, action, resource);"#),
        ("principal", #"{"op":"All","x":1}"#, #"permit (principal, action, resource);"#),
        (
            "principal", #"{"op":"==","entity":{"type":"U","id":"a"},"x":1}"#,
            #"permit (principal == U::"a", action, resource);"#
        ),
        (
            "principal", #"{"op":"==","entity":{"__entity":{"type":"U","id":"a"}}}"#,
            #"permit (principal == U::"a", action, resource);"#
        ),
        (
            "principal", #"{"op":"==","entity":{"type":"U","id":"a","x":1}}"#,
            #"permit (principal == U::"a", action, resource);"#
        ),
        (
            "principal", #"{"op":"==","entity":{"type":"U","id":"a"},"slot":"?principal"}"#,
            #"permit (principal == U::"a", action, resource);"#
        ),
        ("principal", #"{"op":"is","entity_type":"A","in":null}"#, #"permit (principal is A, action, resource);"#),
        (
            "resource", #"{"op":"is","entity_type":"A","in":{"entity":{"type":"U","id":"a"},"x":1}}"#,
            #"permit (principal, action, resource is A in U::"a");"#
        ),
        ("action", #"{"op":"in","entities":[]}"#, #"permit (principal, action in [], resource);"#),
        (
            "action", #"{"op":"in","entity":{"type":"Action","id":"a"},"entities":[{"type":"U","id":"a"}]}"#,
            #"permit (principal, action in Action::"a", resource);"#
        ),
        (
            "action", #"{"op":"==","entity":{"type":"X::Action","id":"a"}}"#,
            #"permit (principal, action == X::Action::"a", resource);"#
        ),
        (
            "conditions", #"[{"kind":"unless","body":{"Value":2}}]"#,
            #"permit (principal, action, resource)\#nunless { 2 };"#
        ),
    ]

    static let refused: [(key: String, json: String)] = [
        ("effect", #""Permit""#),
        ("foo", #"1"#),
        ("annotations", #"{"a b":"c"}"#),
        ("annotations", #"{"":"c"}"#),
        ("annotations", #"{"a":1}"#),
        ("annotations", #"[]"#),
        ("annotations", #"null"#),
        ("annotations", #"{"a::b":"c"}"#),
        ("principal", #"{"op":"ALL"}"#),
        ("principal", #"{}"#),
        ("principal", #"null"#),
        ("principal", #""All""#),
        ("principal", #"{"op":"==","entity":"U::\"a\""}"#),
        ("principal", #"{"op":"==","entity":{"__expr":"U::\"a\""}}"#),
        ("principal", #"{"op":"==","entity":{"type":"U U","id":"a"}}"#),
        ("principal", #"{"op":"==","entity":{"type":"U","id":1}}"#),
        ("principal", #"{"op":"==","slot":"?principal"}"#),
        ("principal", #"{"op":"==","slot":"?resource"}"#),
        ("principal", #"{"op":"=="}"#),
        ("principal", #"{"op":"==","slot":"?principal","entity":null}"#),
        ("principal", #"{"op":"in","entities":[{"type":"U","id":"a"}]}"#),
        ("principal", #"{"op":"is","entity_type":"A B"}"#),
        ("principal", #"{"op":"is","entity_type":"__cedar"}"#),
        ("principal", #"{"op":"is","entity_type":"A","x":1}"#),
        ("principal", #"{"op":"is","entity_type":"A","in":{"type":"U","id":"a"}}"#),
        ("action", #"{"op":"==","entity":{"type":"U","id":"a"}}"#),
        ("action", #"{"op":"in","entities":[{"type":"U","id":"a"}]}"#),
        ("action", #"{"op":"in","entities":{"type":"Action","id":"a"}}"#),
        ("action", #"{"op":"is","entity_type":"Action"}"#),
        ("action", #"{"op":"==","slot":"?principal"}"#),
        ("action", #"{"op":"in","slot":"?action"}"#),
        ("conditions", #"[{"kind":"When","body":{"Value":1}}]"#),
        ("conditions", #"[{"kind":"when"}]"#),
        ("conditions", #"[{"kind":"when","body":{"Value":1},"x":1}]"#),
        ("conditions", #"[{"Value":1}]"#),
        ("conditions", #"null"#),
    ]
}
