import CountersignCore
import Testing

@Suite("A difference is read line by line", .timeLimit(.minutes(5)))
struct LineDifferenceTests {
    static func told(_ old: String, _ new: String) -> [String] {
        LineDifference.lines(from: old, to: new).map { line in
            switch line.kind {
            case .kept: " " + line.text
            case .removed: "-" + line.text
            case .added: "+" + line.text
            }
        }
    }

    @Test("what both have stays, what is gone stands before what came")
    func lines() {
        #expect(Self.told("a\nb\nc", "a\nx\nc") == [" a", "-b", "+x", " c"])
        #expect(Self.told("a\nb\nc", "b\nc\nd") == ["-a", " b", " c", "+d"])
        #expect(Self.told("a", "a") == [" a"])
        #expect(Self.told("", "a") == ["-", "+a"])
        #expect(Self.told("a\na", "a\na\na").filter { $0 == " a" }.count == 2)
    }

    @Test("lines that only look the same differ")
    func bytes() {
        #expect(Self.told("caf\u{E9}", "cafe\u{301}") == ["-caf\u{E9}", "+cafe\u{301}"])
    }

    @Test("both texts are in every difference, also of long ones", arguments: [0, 3, 40, 3000])
    func whole(_ count: Int) {
        var generator = SeededGenerator(seed: 7)
        let old = (0..<count).map { _ in "\(Int.random(in: 0..<9, using: &generator))" }
        let new = (0..<count).map { _ in "\(Int.random(in: 0..<9, using: &generator))" }
        let lines = LineDifference.lines(from: old.joined(separator: "\n"), to: new.joined(separator: "\n"))
        let empty = count == 0 ? [""] : []
        #expect(lines.filter { $0.kind != .added }.map(\.text) == old + empty)
        #expect(lines.filter { $0.kind != .removed }.map(\.text) == new + empty)
    }
}
