import Cedar
import Testing

@Suite("Expressions", .timeLimit(.minutes(10)))
struct ExpressionTests {
    @Test(
        "an expression has the value, or the lack of one, that the official engine finds",
        arguments: ExpressionTable.rows
    )
    func value(row: String) throws {
        let outcome = row.prefix { $0 != " " }
        let expression = String(row.dropFirst(7))
        #expect(try Self.outcome(of: expression) == outcome, "\(expression)")
    }

    @Test("printing and parsing an expression changes nothing", arguments: ExpressionTable.rows)
    func printing(row: String) throws {
        let set = try PolicySet(whenever: String(row.dropFirst(7)))
        let again = try PolicySet(text: set.canonicalText)
        #expect(again.policies.map(\.conditions) == set.policies.map(\.conditions))
        #expect(again.canonicalText.utf8.elementsEqual(set.canonicalText.utf8))
    }

    @Test("strings, ids and names are compared by bytes, not by how they look")
    func bytes() throws {
        for expression in [
            #""\u{e9}" == "e\u{301}""#, #"User::"\u{e9}" == User::"e\u{301}""#, #"["\u{e9}"].contains("e\u{301}")"#,
            #"{"\u{e9}": 1} has "e\u{301}""#, #""\u{e9}" like "e\u{301}""#, #"{"\u{e9}": 1} == {"e\u{301}": 1}"#,
            #""\u{212b}" == "\u{c5}""#,
        ] {
            #expect(try Self.outcome(of: expression) == "false", "\(expression)")
        }
        #expect(try Self.outcome(of: #"{"\u{e9}": 1, "e\u{301}": 2}["e\u{301}"] == 2"#) == "true")
    }

    @Test(
        "white space is what Unicode says it is",
        arguments: [
            "\u{A0}", "\u{85}", "\u{B}", "\u{2028}", "\u{3000}", "\u{202F}", "\u{205F}", "\u{1680}", "// x\r", "//\n",
        ],
    )
    func space(space: String) throws {
        #expect(try Self.outcome(of: "\(space)true\(space)") == "true")
    }

    @Test("what is no white space is refused", arguments: ["\u{200B}", "\u{FEFF}", "\u{180E}", "\u{1C}", "\u{0}", "$"])
    func noSpace(character: String) {
        #expect(throws: PolicyErrors.self) { try PolicySet(whenever: "\(character)true") }
    }

    @Test("a string may hold a line feed but neither a carriage return nor an escaped line end")
    func lineEnds() throws {
        #expect(try Self.outcome(of: "\"a\nb\" == \"a\\nb\"") == "true")
        for text in ["\"a\rb\"", "\"a\r\nb\"", "\"a\\\nb\"", "\"a\\\rb\"", "\"a"] {
            #expect(throws: PolicyErrors.self) { try PolicySet(whenever: "\(text) == \"\"") }
        }
    }

    @Test(
        "every error says what went wrong",
        arguments: [
            ("principal.a", #"entity `User::"a"` does not exist"#),
            ("context.a", "record does not have the attribute `a`"),
            ("1 + true == 1", "type error: expected long, got bool"),
            (
                "9223372036854775807 + 1 == 1",
                "integer overflow while attempting to add the values `9223372036854775807` and `1`"
            ),
            (
                "-(-9223372036854775808) == 1",
                "integer overflow while attempting to negate the value `-9223372036854775808`"
            ),
            ("principal.getTag(\"t\") == 1", #"entity `User::"a"` does not exist"#),
            ("ip() == 1", "wrong number of arguments provided to extension function `ip`: expected 1, got 0"),
            (
                "decimal(\"x\") == 1",
                "error while evaluating `decimal` extension function: `x` is not a decimal such as `12.34`"
            ),
            ("true < false", "type error: expected one of [long, datetime, duration], got bool"),
            ("1 in principal", "type error: expected entity, got long"),
        ]
    )
    func messages(expression: String, message: String) throws {
        let answer = try PolicySet(whenever: expression).authorize(.sample, Entities.empty)
        #expect(answer.errors.map(\.message) == [message])
    }

    private static func outcome(of expression: String) throws -> String {
        let answer = try PolicySet(whenever: expression).authorize(.sample, Entities.empty)
        return answer.errors.isEmpty ? "\(answer.decision == .allow)" : "error"
    }
}
