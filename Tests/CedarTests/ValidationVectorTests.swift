import CanonicalJSON
import Cedar
import Foundation
import Testing

@Suite(
    "Official vectors of validation",
    .enabled(if: Vectors.isAvailable, "the vectors are not beside the repository (../shared/vectors/cedar)"),
    .timeLimit(.minutes(10)),
)
struct ValidationVectorTests {
    /// Whether validation says of one case's policies what the case says it must.
    private static func agrees(_ path: String, in folder: URL) throws -> Bool {
        let test = try Vectors.json(path, in: folder)
        let names = (schema: test["schema"]?.stringValue ?? "", policies: test["policies"]?.stringValue ?? "")
        let schema = try Schema(parsing: [
            PolicySource(name: names.schema, text: try Vectors.text(names.schema, in: folder))
        ])
        let set = try PolicySet(parsing: [
            PolicySource(name: names.policies, text: try Vectors.text(names.policies, in: folder))
        ])
        return Validator(schema: schema).validate(set).passed == test["shouldValidate"]?.boolValue
    }

    private static func disagreements(in folder: URL, _ path: String) throws -> (found: [String], asked: Int) {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: path).path).sorted()
            .filter { $0.hasSuffix(".json") && !$0.hasSuffix(".entities.json") }
        var found: [String] = []
        for name in names {
            do {
                if try !Self.agrees("\(path)/\(name)", in: folder) { found.append(name) }
            } catch {
                found.append("\(name): \(error)")
            }
        }
        return (found, names.count)
    }

    @Test("every case of the corpus sample validates exactly when the official engine says so")
    func corpus() throws {
        try Vectors.withCorpus { folder in
            let (found, asked) = try Self.disagreements(in: folder, "corpus-tests")
            #expect(found == [])
            #expect(asked == 1_200)
        }
    }

    @Test("the hand-written cases validate as they say", arguments: ["decimal", "example_use_cases", "ip", "multi"])
    func handWritten(_ folder: String) throws {
        let (found, asked) = try Self.disagreements(in: Vectors.root, "tests/\(folder)")
        #expect(found == [])
        #expect(asked > 0)
    }
}
