import Cedar
import Testing

@Suite("Hints at what was probably meant in a text", .timeLimit(.minutes(10)))
struct SyntaxHintTests {
    private static let head = "permit(principal, action, resource) when { "

    private static func problems(_ text: String) -> [String] {
        PolicySet.reading([PolicySource(name: "t", text: text)]).errors.map(\.description)
    }

    @Test(
        "a condition in another language's manner is one error with the words of this one",
        arguments: [
            (#"not true"#, "1: `not` is not an operator (not is written `!`)"),
            (#"true && not context.a"#, "9: `not` is not an operator (not is written `!`)"),
            (#"not(context.a)"#, "1: `not` is not a function (not is written `!`)"),
            (
                #"action == Action::http"#,
                #"11: expected an entity, found the name `Action::http` (write `Action::"http"`)"#
            ),
            (#"A::B::c in principal"#, #"1: expected an entity, found the name `A::B::c` (write `A::B::"c"`)"#),
            (
                #"context.path.startsWith("/api")"#,
                #"14: `startsWith` is not a method (write `like "/api*"`)"#
            ),
            (#"context.path.endsWith(".*")"#, #"14: `endsWith` is not a method (write `like "*.\*"`)"#),
            (#"context.path.includes("x")"#, #"14: `includes` is not a method (write `like "*x*"`)"#),
            (#"context.path.matches(context.a)"#, #"14: `matches` is not a method (write `like "*/a*"`)"#),
            (#"context.path.contians("x")"#, "14: `contians` is not a method (did you mean `contains`?)"),
            (#"context.a > 1.5"#, #"13: `1.5` is not an integer (write `decimal("1.5")`)"#),
            (#"context.a > -1.25"#, #"14: `1.25` is not an integer (write `decimal("1.25")`)"#),
            (#"context.a.5"#, "11: expected an attribute's or a method's name, found `5`"),
            ("true # never\n", "6: expected `}` or an operator, found `# never` (comments start with `//`)"),
        ]
    )
    func conditions(condition: String, problem: String) {
        let place = problem.prefix { $0 != ":" }
        let column = Self.head.count + (Int(place) ?? 0)
        #expect(Self.problems(Self.head + condition + " };") == ["t:1:\(column)\(problem.dropFirst(place.count))"])
    }

    @Test(
        "a text in another language's manner is one error with the words of this one",
        arguments: [
            (
                "# first\npermit(principal, action, resource);",
                "1:1: expected `permit` or `forbid`, found `# first` (comments start with `//`)"
            ),
            (
                "permit(principal, action == Action::read, resource);",
                #"1:29: expected an entity, found the name `Action::read` (write `Action::"read"`)"#
            ),
            (
                "permit(principal == User, action, resource);",
                #"1:21: expected an entity, found the name `User` (an entity is written `User::"id"`)"#
            ),
            (
                #"permit(principal, action in "http", resource);"#,
                #"1:29: expected an entity such as `Action::"read"`, found `"http"`"#
            ),
            (
                #"permit(principal, action in ["http"], resource);"#,
                #"1:30: expected an entity such as `Action::"read"`, found `"http"`"#
            ),
            (
                #"permit(principal == "alice", action, resource);"#,
                #"1:21: expected an entity such as `User::"alice"`, found `"alice"`"#
            ),
            (
                "permit(principal == User::\"alice,\n  action == Action::\"read\",\n  resource);",
                "2:22: expected `,`, found `read` (the string that starts at 1:27 goes past its line: does it lack its `\"`?)"
            ),
            (
                "permit(principal, action, resource) when { context.a == \"x };\nforbid(principal == User::\"b\", action, resource);",
                "2:28: expected `}` or an operator, found `b` (the string that starts at 1:57 goes past its line: does it lack its `\"`?)"
            ),
        ]
    )
    func texts(text: String, problem: String) {
        #expect(Self.problems(text) == ["t:" + problem])
    }

    @Test("a comment in another language's manner in a schema is one error, too")
    func schema() throws {
        let source = PolicySource(name: "s", text: "entity A;\n# entity B;\nentity C;")
        let errors = try #require(throws: PolicyErrors.self) { try Schema(parsing: [source]) }
        #expect(errors.errors.count == 1)
        #expect(errors.description.hasPrefix("s:2:1: "))
        #expect(errors.description.hasSuffix("found `# entity B;` (comments start with `//`)"))
    }
}
