import Cedar
import Testing

@Suite("Policy texts", .timeLimit(.minutes(10)))
struct PolicyTextTests {
    @Test("what the official engine reads is read", arguments: PolicyTextTable.accepted)
    func accepted(text: String) throws {
        let set = try PolicySet(text: text)
        let again = try PolicySet(text: set.canonicalText)
        #expect(again.canonicalText.utf8.elementsEqual(set.canonicalText.utf8))
    }

    @Test("what the official engine refuses is refused", arguments: PolicyTextTable.refused)
    func refused(text: String) {
        #expect(throws: PolicyErrors.self) { try PolicySet(text: text) }
    }

    @Test("an empty file is an empty set, which denies", arguments: ["", "\n", "// nothing", "// nothing\n\n"])
    func empty(text: String) throws {
        let set = try PolicySet(text: text)
        #expect(set.policies.isEmpty)
        #expect(set.authorize(.sample, Entities.empty).decision == .deny)
    }

    @Test(
        "a problem is placed by file, line and column in characters",
        arguments: [
            (
                "permit(principal, action, resource)",
                "test.cedar:1:36: expected `when`, `unless` or `;`, found the end of the file (every policy ends with `;`)"
            ),
            (
                "\n\n  allow(principal, action, resource);",
                "test.cedar:3:3: `allow` is not an effect (a policy starts with `permit` or `forbid`)"
            ),
            (
                "permti(principal, action, resource);",
                "test.cedar:1:1: `permti` is not an effect (did you mean `permit`?)"
            ),
            (
                "permit(principal, action, resource)\nwhen { \"é😀\" = 1 };",
                "test.cedar:2:13: `=` is not an operator (equality is written `==`)"
            ),
            ("permit(principal, action);", "test.cedar:1:25: expected `,`, found `)` (the scope lacks `resource`)"),
            (
                "permit(principal, action, resource) when { contxt.a };",
                "test.cedar:1:44: `contxt` is not a variable (did you mean `context`?)"
            ),
            (
                "permit(principal, action, resource) when { \"ab\\q\" == \"\" };",
                "test.cedar:1:47: `\\q` is not an escape (escapes are \\n \\r \\t \\0 \\\\ \\\" \\' \\xHH \\u{H…}, and \\* in a pattern)"
            ),
            (
                "permit(principal, action, resource) when { [1].contians(1) };",
                "test.cedar:1:48: `contians` is not a method (did you mean `contains`?)"
            ),
            (
                "permit(principal, action, resource) when { true and false };",
                "test.cedar:1:49: expected `}` or an operator, found `and` (and is written `&&`)"
            ),
            (
                "@a(\"\") @a(\"\") permit(principal, action, resource);",
                "test.cedar:1:8: the annotation `@a` stands twice in one place"
            ),
            (
                "permit(principal, action == Foo::\"x\", resource);",
                "test.cedar:1:29: `Foo::\"x\"` is not an action (an action's type is `Action` or ends in `::Action`)"
            ),
            (
                "permit(principal, action, resource) when { context.if };",
                "test.cedar:1:52: expected a name, found the reserved word `if` (write `[\"if\"]` for this attribute)"
            ),
            (
                "permit(principal, action, resource) when { \"abc };",
                "test.cedar:1:44: expected an expression, found a string without an end"
            ),
            (
                "permit(principal:User, action, resource);",
                "test.cedar:1:17: a type is not stated with `:` (write `principal is Type`)"
            ),
        ]
    )
    func positions(text: String, message: String) throws {
        let errors = try #require(Self.errors(of: text))
        #expect(errors.map(\.description) == [message])
    }

    @Test("every problem of every file is reported, in order")
    func allErrors() throws {
        let first = PolicySource(
            name: "a.cedar",
            text: """
                permit (principal, action, resource) when { foo && bar() };
                forbid (principal, action, resource) when { 1 + };
                permit (principal, action, resource);
                permit (principal action, resource) when { "a;b" == "\\q" };
                permit (principal, action, resource) when { "\\q" == "\\w" };
                permit (principal, action, resource) when { true; };
                """
        )
        let second = PolicySource(name: "b.cedar", text: "forbid;\npermit (principal, action, resource);\n}")
        do {
            _ = try PolicySet(parsing: [first, second])
            Issue.record("the set was read")
        } catch {
            let places = error.errors.map { "\($0.position)" }
            #expect(
                places == [
                    "a.cedar:1:45", "a.cedar:1:52", "a.cedar:2:49", "a.cedar:4:19", "a.cedar:5:46", "a.cedar:5:54",
                    "a.cedar:6:49",
                    "b.cedar:1:7", "b.cedar:3:1",
                ]
            )
            #expect(error.description.split(separator: "\n").count == 9)
        }
    }

    @Test(
        "columns count characters, lines count line feeds, in long and in short lines",
        arguments: [0, 1, 255, 256, 257, 600]
    )
    func columns(length: Int) throws {
        let text = String(repeating: "é", count: length)
        let errors = try #require(Self.errors(of: "//\n@a(\"\(text)\") x(principal, action, resource);"))
        #expect(errors.map { [$0.position.line, $0.position.column] } == [[2, length + 8]])
        #expect(errors.map(\.position.offset) == [3 + 7 + 2 * length])
    }

    @Test("a policy knows its annotations, its place and its text")
    func description() throws {
        let text =
            "// first\n@id(\"one\") @note permit(principal, action, resource);\n  forbid(principal, action, resource) // x\n;"
        let set = try PolicySet(text: text)
        #expect(set.policies.map(\.id) == ["policy0", "policy1"])
        #expect(set.policies.map(\.effect) == [.permit, .forbid])
        #expect(set.policies.map { "\($0.position)" } == ["test.cedar:2:1", "test.cedar:3:3"])
        #expect(set.policies[0].text == "@id(\"one\") @note permit(principal, action, resource);")
        #expect(set.policies[1].text == "forbid(principal, action, resource) // x\n;")
        #expect(set.policies[0].annotations.map(\.name) == ["id", "note"])
        #expect(set.policies[0].annotations.map { $0.position.column } == [1, 12])
        #expect(set.policies[0].annotation("id") == "one")
        #expect(set.policies[0].annotation("note")?.isEmpty == true)
        #expect(set.policies[0].annotation("other") == nil)
    }

    @Test("ids come from annotations where that is asked for, and are unique")
    func ids() throws {
        let text = "@id(\"one\") permit(principal, action, resource);\npermit(principal, action, resource);"
        let set = try PolicySet(parsing: [PolicySource(name: "a", text: text)], idsFromAnnotations: true)
        #expect(set.policies.map(\.id) == ["one", "policy1"])
        let twice = PolicySource(name: "b", text: text)
        do {
            _ = try PolicySet(parsing: [PolicySource(name: "a", text: text), twice], idsFromAnnotations: true)
            Issue.record("two policies have one id")
        } catch {
            #expect(error.description == "b:1:1: another policy has the id `one` already (ids are unique)")
        }
    }

    @Test(
        "the canonical text is one for all ways to write a policy",
        arguments: [
            (
                "@a permit(principal,action,resource,)when{((context.a))==(-1)}unless{context[\"b\"]||(!(!true)&&false)};",
                "@a(\"\")\npermit (principal, action, resource)\nwhen { context.a == -1 }\nunless { context.b || !(!true) && false };"
            ),
            (
                "forbid(principal is A in B::\"\\x41\",action in[Action::\"x\",],resource==R::\"\\u{202e}\\\"\");",
                "forbid (principal is A in B::\"A\", action in [Action::\"x\"], resource == R::\"\\u{202e}\\\"\");"
            ),
            (
                "permit(principal,action,resource)when{{\"a\":[1,],\"b c\":{}}has\"a\"&&{\"if\":1}[\"if\"]-(2-3)*-(-4)like\"a\\**\"};",
                "permit (principal, action, resource)\nwhen { {a: [1], \"b c\": {}} has a && {\"if\": 1}[\"if\"] - (2 - 3) * -(-4) like \"a\\**\" };"
            ),
            (
                "permit(principal,action,resource)when{(if true then(if false then 1 else 2)else 3)==-(5)+--6 - -7};",
                "permit (principal, action, resource)\nwhen { (if true then if false then 1 else 2 else 3) == -(5) + -(-6) - -7 };"
            ),
            (
                "permit(principal,action,resource)when{(principal is A::B)==(principal is A in(R::\"r\"))&&(1<2)!=(a::\"\"in[]) };",
                "permit (principal, action, resource)\nwhen { (principal is A::B) == (principal is A in R::\"r\") && (1 < 2) != (a::\"\" in []) };"
            ),
        ]
    )
    func canonical(text: String, canonical: String) throws {
        let set = try PolicySet(text: text)
        #expect(set.policies.map(\.canonicalText) == [canonical])
        #expect(set.canonicalText == canonical + "\n")
        #expect(try PolicySet(text: canonical).canonicalText == canonical + "\n")
    }

    private static func errors(of text: String) -> [PolicyError]? {
        do {
            _ = try PolicySet(text: text)
            return nil
        } catch {
            return error.errors
        }
    }
}
