import CanonicalJSON
import Cedar
import Foundation

/// The official test vectors, which stand beside the repository where they are available.
enum Vectors {
    static let root: URL = {
        var folder = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { folder.deleteLastPathComponent() }
        return folder.deletingLastPathComponent().appending(path: "shared/vectors/cedar")
    }()

    static let isAvailable = FileManager.default.fileExists(atPath: Self.root.appending(path: "tests").path)

    static func text(_ path: String, in folder: URL = Self.root) throws -> String {
        try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }

    static func json(_ path: String, in folder: URL = Self.root) throws -> JSONValue {
        try JSONValue(cedar: try self.text(path, in: folder))
    }

    /// What one request of a case answered, beside what it should have.
    struct Outcome: Hashable, CustomStringConvertible {
        let decision: String
        let reasons: Set<String>
        let hasErrors: Bool

        var description: String { "\(self.decision) \(self.reasons.sorted()) errors: \(self.hasErrors)" }
    }

    /// The requests of one case file that are answered otherwise than it says, and their number.
    static func disagreements(of path: String, in folder: URL = Self.root) throws -> (found: [String], asked: Int) {
        let test = try self.json(path, in: folder)
        let policies = test["policies"]?.stringValue ?? ""
        let source = PolicySource(name: policies, text: try self.text(policies, in: folder))
        let set = try PolicySet(parsing: [source])
        let name = test["schema"]?.stringValue ?? ""
        let schema = try Schema(parsing: [PolicySource(name: name, text: try self.text(name, in: folder))])
        let entities = try Entities(
            json: try self.json(test["entities"]?.stringValue ?? "", in: folder),
            schema: schema
        )
        var found: [String] = []
        let requests = test["requests"]?.arrayValue ?? []
        for request in requests {
            let answer = set.authorize(try self.request(request, schema), entities)
            let outcome = Outcome(
                decision: answer.decision.rawValue,
                reasons: Set(answer.reasons),
                hasErrors: !answer.errors.isEmpty,
            )
            let expected = Outcome(
                decision: request["decision"]?.stringValue ?? "",
                reasons: Set((request["reason"]?.arrayValue ?? []).compactMap(\.stringValue)),
                hasErrors: !(request["errors"]?.arrayValue ?? []).isEmpty,
            )
            let title = request["description"]?.stringValue ?? ""
            if outcome != expected {
                found.append("\(path), \(title): \(outcome) instead of \(expected); \(answer.errors)")
            }
        }
        return (found, requests.count)
    }

    /// The request that a case asks, which must be one that its schema provides for.
    private static func request(_ json: JSONValue, _ schema: Schema) throws -> Request {
        let action = try EntityUID(json: json["action"] ?? .null)
        let request = Request(
            principal: try EntityUID(json: json["principal"] ?? .null),
            action: action,
            resource: try EntityUID(json: json["resource"] ?? .null),
            context: try Record(context: json["context"] ?? .null, schema: schema, action: action),
        )
        try schema.validate(request)
        return request
    }

    /// Runs `body` with the unpacked corpus sample.
    static func withCorpus(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cedar-corpus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "-xzf", Self.root.appending(path: "corpus-sample.tar.gz").path, "-C", folder.path]
        try tar.run()
        tar.waitUntilExit()
        try body(folder)
    }
}
