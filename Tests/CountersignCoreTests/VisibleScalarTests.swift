import CountersignCore
import Testing

@Suite("Text as a reader should see it", .timeLimit(.minutes(10)))
struct VisibleScalarTests {
    private func shown(_ text: String, isBlock: Bool = true) -> String {
        var output = ""
        VisibleScalar.each(of: text, isBlock: isBlock) { visible in
            switch visible {
            case .plain(let scalar): output.unicodeScalars.append(scalar)
            case .escaped(let escape, _): output += escape
            }
        }
        return output
    }

    @Test(
        "what cannot be seen, or passes for something else, is an escape",
        arguments: [
            ("a\u{202E}b", #"a\u{202E}b"#), ("a\u{200B}b", #"a\u{200B}b"#), ("\u{E0041}", #"\u{E0041}"#),
            ("\0", #"\u{0}"#),
            ("p\u{0430}y", #"p\u{430}y"#), ("a\r\n", "a\\r\n"), ("\u{2028}", #"\u{2028}"#),
            ("e\u{301}\u{301}\u{301}", "e\u{301}\u{301}\\u{301}"), ("Привет", "Привет"), ("水 é", "水 é"),
        ],
    )
    func block(text: String, expected: String) {
        #expect(shown(text).unicodeScalars.elementsEqual(expected.unicodeScalars))
    }

    @Test("in a line, breaks and tabs are escapes, too")
    func line() { #expect(shown("a\nb\tc", isBlock: false) == #"a\nb\tc"#) }
}
