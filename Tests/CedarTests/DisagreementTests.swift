import CanonicalJSON
import Cedar
import Foundation
import Testing

/// Cases in which our engine once answered otherwise than the official one (`script/fuzz cedar` found them).
@Suite("Disagreements with the official engine", .timeLimit(.minutes(10)))
struct DisagreementTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let line: String
        let name: String

        var testDescription: String { self.name }
    }

    static let cases: [Case] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Disagreements")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().filter { $0.hasSuffix(".ndjson") }.flatMap { name in
            let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").enumerated().map { Case(line: String($1), name: "\(name):\($0 + 1)") }
        }
    }()

    @Test("there are cases")
    func some() { #expect(Self.cases.count > 10) }

    @Test("a case that was once a disagreement is answered as the official engine answers it", arguments: Self.cases)
    func agrees(_ each: Case) throws {
        let line = try JSONValue(cedar: each.line)
        let expected = try #require(line["expected"])
        var evaluator = BatchEvaluator(isLiftable: { _ in false }) { (_: String) throws(BatchEvaluator.FileError) in
            throw BatchEvaluator.FileError("no file belongs to a case")
        }
        let answer = evaluator.answer(to: line).json
        let refused = answer["refused"]?.stringValue.map { $0 == "context" ? "request" : $0 }
        #expect(refused == expected["refused"]?.stringValue)
        #expect(answer["decision"] == expected["decision"])
        #expect(Self.sorted(answer["reasons"]) == Self.sorted(expected["reasons"]))
        if refused == nil {
            let erred = (answer["errors"]?.arrayValue ?? []).compactMap { $0.stringValue?.split(separator: ":").first }
            #expect(erred.map { CedarString(String($0)) }.sorted() == Self.sorted(expected["erred"]))
        }
        if let passed = expected["passed"]?.boolValue { #expect(answer["validation"]?["passed"]?.boolValue == passed) }
    }

    private static func sorted(_ texts: JSONValue?) -> [CedarString] {
        (texts?.arrayValue ?? []).compactMap { $0.stringValue.map { CedarString($0) } }.sorted()
    }
}
