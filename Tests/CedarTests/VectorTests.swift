import Cedar
import Foundation
import Testing

@Suite(
    "Official vectors",
    .enabled(if: Vectors.isAvailable, "the vectors are not beside the repository (../shared/vectors/cedar)"),
    .timeLimit(.minutes(10)),
)
struct VectorTests {
    @Test("the hand-written cases are answered as the official engine answers them")
    func handWritten() throws {
        var cases = 0
        for folder in ["decimal", "example_use_cases", "ip", "multi"] {
            let path = Vectors.root.appending(path: "tests/\(folder)").path
            for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() where name.hasSuffix(".json")
            {
                let (found, asked) = try Vectors.disagreements(of: "tests/\(folder)/\(name)")
                #expect(found.isEmpty)
                #expect(asked > 0)
                cases += 1
            }
        }
        #expect(cases == 22)
    }

    @Test("every request of the corpus sample is answered as the official engine answers it")
    func corpus() throws {
        try Vectors.withCorpus { folder in
            let path = folder.appending(path: "corpus-tests").path
            let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
                .filter { $0.hasSuffix(".json") && !$0.hasSuffix(".entities.json") }
            var disagreements: [String] = []
            var requests = 0
            for name in names {
                do {
                    let (found, asked) = try Vectors.disagreements(of: "corpus-tests/\(name)", in: folder)
                    disagreements += found
                    requests += asked
                } catch {
                    disagreements.append("\(name): \(error)")
                }
            }
            #expect(names.count == 1_200)
            #expect(requests == 9_600)
            #expect(
                disagreements.isEmpty,
                "\(disagreements.count): \(disagreements.prefix(20).joined(separator: "\n"))"
            )
        }
    }

    @Test("what the printer writes of a corpus policy is that policy again")
    func printing() throws {
        try Vectors.withCorpus { folder in
            let path = folder.appending(path: "corpus-tests").path
            for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(".cedar") {
                let source = PolicySource(name: name, text: try Vectors.text("corpus-tests/\(name)", in: folder))
                let set = try PolicySet(parsing: [source])
                let again = try PolicySet(parsing: [PolicySource(name: name, text: set.canonicalText)])
                #expect(again.policies.map(\.scope) == set.policies.map(\.scope), "\(name)")
                #expect(again.policies.map(\.conditions) == set.policies.map(\.conditions), "\(name)")
                #expect(again.canonicalText.utf8.elementsEqual(set.canonicalText.utf8), "\(name)")
            }
        }
    }
}
