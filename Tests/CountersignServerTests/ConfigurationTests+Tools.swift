import CountersignCore
import CountersignServer
import Testing

extension ConfigurationTests {
    @Test("an MCP connection says how definitions are accepted, and by whom; joined ones and others do not")
    func definitions() throws {
        let configuration = try Self.read(
            """
            connections:
              - {name: plain, kind: mcp, upstream: "http://h"}
              - {name: strict, kind: mcp, upstream: "http://h", definitions: review, reviewers: [dba, sre]}
              - {name: all, kind: mcp, servers: [plain, strict]}
              - {name: api, kind: http, upstream: "http://h"}
            """
        )
        let groups = [GroupName(unchecked: "dba"), GroupName(unchecked: "sre")]
        #expect(
            configuration.described.map(\.tools) == [
                ToolReview(), ToolReview(mode: .review, reviewers: groups), nil, nil,
            ]
        )
        let wrong = [
            ("kind: mcp, upstream: \"http://h\", definitions: never", "\"never\" is not one of first-use, review"),
            ("kind: mcp, upstream: \"http://h\", reviewers: dba", "must be a list"),
            ("kind: mcp, servers: [a], reviewers: [dba]", "is for a server"),
            ("kind: http, upstream: \"http://h\", reviewers: [dba]", "is an unknown key"),
        ]
        for (text, expected) in wrong {
            let problems = Self.problems("connections: [{name: x, \(text)}]")
            #expect(problems.contains { $0.contains(expected) }, "\(problems)")
        }
    }
}
