import Testing

@testable import Cedar

@Suite("Quick paths of evaluation", .timeLimit(.minutes(10)))
struct PlainValueTests {
    private static let values: [Value] = {
        let texts = [
            "", "a", "b", "15 bytes of text", "fifteen bytes..", "sixteen bytes...", "sixteen bytes..!", "é",
            "e\u{301}",
        ]
        let padded = [
            "a\0", "a\0\0", "\0", String(repeating: "x", count: 300), String(repeating: "x", count: 299) + "y",
        ]
        return (texts + padded).map { Value($0) } + [
            .bool(true), .bool(false), .long(0), .long(1), .long(-1), .long(.max), .decimal(Decimal(tenThousandths: 1)),
            .decimal(Decimal(tenThousandths: 0)), .datetime(Datetime(milliseconds: 0)),
            .datetime(Datetime(milliseconds: 1)),
            .duration(TimeSpan(milliseconds: 0)), .duration(TimeSpan(milliseconds: 1)),
            .ip(IPAddress(version4: 0)), .ip(IPAddress(version4: 0, prefixLength: 8)), .ip(IPAddress(version6: 0, 0)),
            .ip(IPAddress(version6: 1, 0)), .entity(EntityUID(type: "T", id: "a")),
            .entity(EntityUID(type: "T", id: "a")), .entity(EntityUID(type: "T", id: "b")), .set(ValueSet([])),
            .set(ValueSet([.long(1)])), .record(.empty),
        ]
    }()

    @Test("plain words say two values are equal exactly when they are")
    func equality() {
        for left in Self.values {
            for right in Self.values {
                if let isEqual = PlainValue(left).isEqual(to: PlainValue(right)) {
                    #expect(isEqual == (left == right), "\(left) and \(right)")
                }
            }
        }
    }

    @Test("a literal and an attribute of the request compare as the values do, on either side")
    func inPolicies() throws {
        let texts = ["", "a", "fifteen bytes..", "sixteen bytes...", "sixteen bytes..!", "é", "e\u{301}"]
        for left in texts {
            let request = Request(
                principal: Request.sample.principal,
                action: Request.sample.action,
                resource: Request.sample.resource,
                context: Record([("x", Value(left)), ("same", Value(left))]),
            )
            for right in texts {
                let set = try PolicySet(
                    text: """
                        permit (principal, action, resource) when { context.x == "\(right)" };
                        permit (principal, action, resource) when { "\(right)" == context.x };
                        permit (principal, action, resource) when { context.x != "\(right)" };
                        permit (principal, action, resource) when { context.x == context.same };
                        permit (principal, action, resource) when { context.x like "\(right)" };
                        """,
                )
                let isEqual = left.utf8.elementsEqual(right.utf8)
                let found = Array(set.evaluate(request, Entities.empty).satisfied)
                #expect(found == (isEqual ? [0, 1, 3, 4] : [2, 3]), "\(left) and \(right)")
            }
        }
    }

    @Test("a pattern matches what it matches when every place is tried", arguments: 0..<40)
    func patterns(seed: Int) {
        var generator = SeededGenerator(state: UInt64(seed))
        func word(_ most: Int) -> [UInt8] {
            (0..<Int.random(in: 0...most, using: &generator)).map { _ in UInt8.random(in: 97...98, using: &generator) }
        }
        for _ in 0..<400 {
            let pieces = (0..<Int.random(in: 1...5, using: &generator)).map { _ in word(4) }
            let text = word(20)
            let matches = TextPattern(Pattern(pieces: pieces)).matches(
                CedarString(String(decoding: text, as: UTF8.self))
            )
            #expect(matches == Self.tryEverywhere(pieces[...], text[...]), "\(pieces) \(text)")
        }
    }

    private static func tryEverywhere(_ pieces: ArraySlice<[UInt8]>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pieces.first, text.starts(with: first) else { return false }
        let rest = text.dropFirst(first.count)
        let later = pieces.dropFirst()
        if later.isEmpty { return rest.isEmpty }
        return (0...rest.count).contains { Self.tryEverywhere(later, rest.dropFirst($0)) }
    }

    @Test("a pattern and a text of half a mebibyte each are matched in linear time")
    func longPattern() {
        let half = 1 << 19
        let piece = [UInt8](repeating: 97, count: half / 2) + [98]
        let pattern = TextPattern(Pattern(pieces: [[], piece, []]))
        #expect(!pattern.matches(CedarString(String(repeating: "a", count: half))))
        #expect(pattern.matches(CedarString(String(repeating: "a", count: half) + "b")))
    }

    @Test("attributes by the thousand, more than the stack is asked for, are each found")
    func manyAttributes() throws {
        let names = 0..<3_000
        let context = Record(names.map { ("n\($0)", Value(Int64($0))) })
        let texts = names.map { "permit (principal, action, resource) when { context.n\($0) == \($0 / 2 * 2) };" }
        let request = Request(
            principal: Request.sample.principal,
            action: Request.sample.action,
            resource: Request.sample.resource,
            context: context,
        )
        let found = try PolicySet(text: texts.joined(separator: "\n")).evaluate(request, Entities.empty)
        #expect(Array(found.satisfied) == Array(stride(from: 0, to: 3_000, by: 2)))
        #expect(found.errors.isEmpty)
    }
}
