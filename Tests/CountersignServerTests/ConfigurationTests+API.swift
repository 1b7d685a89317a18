import CountersignCore
import CountersignServer
import Testing

extension ConfigurationTests {
    @Test("access requests are served in a version that is named, and otherwise not at all")
    func accessRequests() throws {
        #expect(try Self.read("").accessRequests == nil)
        #expect(try Self.read("api: {}").accessRequests == nil)
        #expect(try Self.read("api: {access_requests: draft-1}").accessRequests == .draft1)
        let wrong = [
            ("api: {access_requests: true}", "\"true\" is not a version"),
            ("api: {access_requests: draft-2}", "known are draft-1"),
            ("api: {access_request: draft-1}", "did you mean access_requests?"),
            ("api: draft-1", "must have keys"),
        ]
        for (text, expected) in wrong {
            let problems = Self.problems(text)
            #expect(problems.count == 1 && problems[0].contains(expected), "\(problems)")
        }
    }

    @Test("the gateway's own paths are no connections' names", arguments: ["v1", "access", "log", "countersign"])
    func reserved(_ name: String) {
        let problems = Self.problems("connections: [{name: \(name), kind: http, upstream: \"http://h\"}]")
        #expect(problems.count == 1 && problems[0].contains("is a path of the product's own"))
    }
}
