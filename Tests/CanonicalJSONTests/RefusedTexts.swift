import CanonicalJSON

/// A text that is refused, why, and where: rows in the manner of JSONTestSuite.
struct Refusal: Sendable {
    let text: String
    let code: JSONError.Code
    let offset: Int

    private static func rows(_ code: JSONError.Code, _ texts: [(String, Int)]) -> [Refusal] {
        texts.map { Refusal(text: $0.0, code: code, offset: $0.1) }
    }

    static let all: [Refusal] = [
        unexpectedEnds, unexpectedCharacters, invalidNumbers, trailingDatas, byteOrderMarks, numberOutOfRanges,
        invalidEscapes, loneSurrogates, controlCharacters, noncharacters, duplicateKeys,
    ].flatMap(\.self)

    private static let unexpectedEnds = rows(
        .unexpectedEnd,
        [
            ("", 0), (" ", 1), ("nul", 3), ("1.", 2), ("-", 1), ("1e", 2), ("1e+", 3), ("\"", 1), ("\"a", 2),
            ("\"\\", 2), ("\"\\\"", 3), ("[", 1), ("[1", 2), ("[1,", 3), ("{", 1), ("{\"a\"", 4), ("{\"a\":", 5),
            ("{\"a\":1", 6), ("{\"a\":1,", 7),
        ],
    )

    private static let unexpectedCharacters = rows(
        .unexpectedCharacter,
        [
            ("nulL", 3), ("True", 0), ("NaN", 0), ("Infinity", 0), ("undefined", 0), ("/**/1", 0), ("#1", 0),
            ("\u{A0}1", 0), ("\u{B}1", 0), ("\u{C}1", 0), ("+1", 0), (".5", 0), ("１", 0), ("'a'", 0), ("[1,]", 3),
            ("[,1]", 1), ("[1 2]", 3), ("[1}", 2), ("]", 0), ("[1,,2]", 3), ("{\"a\":1,}", 7), ("{a:1}", 1),
            ("{1:1}", 1), ("{'a':1}", 1), ("{\"a\" 1}", 5), ("{\"a\"::1}", 5), ("{\"a\",1}", 4), ("{,}", 1),
            ("{\"a\":1]", 6), ("{null:1}", 1),
        ],
    )

    private static let invalidNumbers = rows(
        .invalidNumber,
        [
            ("-Infinity", 0), ("01", 0), ("-01", 0), ("00", 0), ("[1.]", 1), ("1.e1", 0), ("[-]", 1), ("-a", 0),
            ("[1e]", 1), ("[1e-]", 1), ("--1", 0),
        ],
    )

    private static let trailingDatas = rows(
        .trailingData,
        [
            ("null1", 4), ("1 2", 2), ("[1]]", 3), ("{}x", 2), ("null\0", 4), ("null//c", 4), ("1e1.5", 3),
            ("0x1F", 1), ("1_000", 1), ("1a", 1),
        ],
    )

    private static let byteOrderMarks = rows(
        .byteOrderMark,
        [
            ("\u{FEFF}1", 0)
        ],
    )

    private static let numberOutOfRanges = rows(
        .numberOutOfRange,
        [
            ("9007199254740992", 0), ("-9007199254740992", 0), ("9223372036854775808", 0),
            ("99999999999999999999999999", 0), ("1e400", 0), ("-1e400", 0), ("1e999999999999999999999", 0),
            ("1e-400", 0), ("3.141592653589793238462643383279", 0), ("[1e20]", 1), ("9007199254740993.0", 0),
        ],
    )

    private static let invalidEscapes = rows(
        .invalidEscape,
        [
            (#""\x41""#, 1), (#""\a""#, 1), (#""\'""#, 1), (#""\0""#, 1), (#""\U0041""#, 1), (#""\u004""#, 1),
            (#""\u00G0""#, 1), (#""\u+041""#, 1), ("\"\\\u{1}\"", 1), (#""\uD800\u""#, 7),
        ],
    )

    private static let loneSurrogates = rows(
        .loneSurrogate,
        [
            (#""\uD800""#, 1), (#""a\uDC00""#, 2), (#""\uD800\uD800""#, 1), (#""\uD800x""#, 1), (#""\uD800\n""#, 1),
            (#""\uDE00\uD83D""#, 1), (#""\uD800\u0041""#, 1),
        ],
    )

    private static let controlCharacters = rows(
        .controlCharacter,
        [
            ("\"a\nb\"", 2), ("\"\t\"", 1), ("\"\0\"", 1), ("\"\\n\u{1F}\"", 3),
        ],
    )

    private static let noncharacters = rows(
        .noncharacter,
        [
            ("\"\u{FFFF}\"", 1), ("\"\u{2FFFF}\"", 1), ("\"\u{1FFFE}\"", 1), (#""\uFFFE""#, 1),
            (#""\uDBFF\uDFFF""#, 1),
        ],
    )

    private static let duplicateKeys = rows(
        .duplicateKey,
        [
            (#"{"a":1,"a":1}"#, 7), (#"{"a":1,"\u0061":2}"#, 7), (#"{"b":1,"a":2,"b":3}"#, 13),
            (#"{"\ud83d\ude00":1,"😀":2}"#, 18), (#"[{"x":{"":1,"":2}}]"#, 12),
        ],
    )
}
