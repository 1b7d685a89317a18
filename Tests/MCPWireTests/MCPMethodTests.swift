import MCPWire
import Testing

@Suite("Methods", .timeLimit(.minutes(10)))
struct MCPMethodTests {
    private func names(_ side: (String, Bool) -> MCPMethod?, modern: Bool) -> Set<String> {
        Set(MCPMethod.allCases.map(\.rawValue).filter { side($0, modern) != nil })
    }

    @Test("a legacy client has these methods")
    func legacyClient() {
        #expect(
            names(MCPMethod.client, modern: false) == [
                "completion/complete", "initialize", "logging/setLevel", "ping", "prompts/get", "prompts/list",
                "resources/list", "resources/read", "resources/subscribe", "resources/templates/list",
                "resources/unsubscribe", "tools/call", "tools/list", "tasks/get", "tasks/result", "tasks/list",
                "tasks/cancel", "notifications/cancelled", "notifications/initialized", "notifications/progress",
                "notifications/roots/list_changed", "notifications/tasks/status",
            ]
        )
    }

    @Test("a modern client has these methods")
    func modernClient() {
        #expect(
            names(MCPMethod.client, modern: true) == [
                "completion/complete", "prompts/get", "prompts/list", "resources/list", "resources/read",
                "resources/templates/list", "server/discover", "subscriptions/listen", "tools/call", "tools/list",
                "tasks/get", "tasks/update", "tasks/cancel", "notifications/cancelled",
            ]
        )
    }

    @Test("a legacy server has these methods")
    func legacyServer() {
        #expect(
            names(MCPMethod.server, modern: false) == [
                "ping", "roots/list", "sampling/createMessage", "elicitation/create", "notifications/cancelled",
                "notifications/message", "notifications/progress", "notifications/prompts/list_changed",
                "notifications/resources/list_changed", "notifications/resources/updated",
                "notifications/tools/list_changed", "notifications/elicitation/complete", "notifications/tasks/status",
            ]
        )
    }

    @Test("a modern server only notifies")
    func modernServer() {
        #expect(
            names(MCPMethod.server, modern: true) == [
                "notifications/cancelled", "notifications/message", "notifications/progress",
                "notifications/prompts/list_changed", "notifications/resources/list_changed",
                "notifications/resources/updated", "notifications/subscriptions/acknowledged",
                "notifications/tools/list_changed", "notifications/tasks",
            ]
        )
    }

    @Test(
        "a name is known byte for byte",
        arguments: ["", "Ping", "ping ", "pin\u{67}\u{301}", "tools/\u{63}all\u{0}", "x"]
    )
    func unknown(name: String) {
        for modern in [true, false] {
            #expect(MCPMethod.client(name, modern: modern) == nil)
            #expect(MCPMethod.server(name, modern: modern) == nil)
        }
    }

    @Test("what is a notification is known by its name")
    func notifications() {
        #expect(MCPMethod.allCases.filter(\.isNotification).count == 13)
        #expect(!MCPMethod.toolsCall.isNotification)
    }
}
