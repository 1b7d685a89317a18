/// Every method of MCP that this code knows by name, of both eras and directions.
package enum MCPMethod: String, CaseIterable, Sendable {
    // Requests of a client.
    case initialize = "initialize"
    case ping = "ping"
    case discover = "server/discover"
    case listen = "subscriptions/listen"
    case toolsList = "tools/list"
    case toolsCall = "tools/call"
    case promptsList = "prompts/list"
    case promptsGet = "prompts/get"
    case resourcesList = "resources/list"
    case resourceTemplatesList = "resources/templates/list"
    case resourcesRead = "resources/read"
    case resourcesSubscribe = "resources/subscribe"
    case resourcesUnsubscribe = "resources/unsubscribe"
    case complete = "completion/complete"
    case setLevel = "logging/setLevel"
    case tasksGet = "tasks/get"
    case tasksResult = "tasks/result"
    case tasksList = "tasks/list"
    case tasksUpdate = "tasks/update"
    case tasksCancel = "tasks/cancel"
    // Requests of a server.
    case rootsList = "roots/list"
    case createMessage = "sampling/createMessage"
    case elicit = "elicitation/create"
    // Notifications.
    case cancelled = "notifications/cancelled"
    case initialized = "notifications/initialized"
    case progress = "notifications/progress"
    case rootsListChanged = "notifications/roots/list_changed"
    case message = "notifications/message"
    case toolsListChanged = "notifications/tools/list_changed"
    case promptsListChanged = "notifications/prompts/list_changed"
    case resourcesListChanged = "notifications/resources/list_changed"
    case resourcesUpdated = "notifications/resources/updated"
    case elicitationComplete = "notifications/elicitation/complete"
    case taskStatus = "notifications/tasks/status"
    case tasksChanged = "notifications/tasks"
    case subscriptionsAcknowledged = "notifications/subscriptions/acknowledged"

    /// What a client's method is; nil of one that its era does not have, which is refused.
    package static func client(_ name: String, modern: Bool) -> MCPMethod? {
        MCPMethod(exactly: name).flatMap { $0.senders.contains(modern ? .modernClient : .legacyClient) ? $0 : nil }
    }

    /// What a server's method is; nil of one that its era does not have.
    package static func server(_ name: String, modern: Bool) -> MCPMethod? {
        MCPMethod(exactly: name).flatMap { $0.senders.contains(modern ? .modernServer : .legacyServer) ? $0 : nil }
    }

    /// Whether nobody answers it.
    package var isNotification: Bool { rawValue.hasPrefix("notifications/") }

    /// The method of that name, byte for byte; Swift's own comparison would take equivalent texts for one.
    private init?(exactly name: String) {
        guard name.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        self.init(rawValue: name)
    }

    private struct Senders: OptionSet {
        let rawValue: UInt8
        static let legacyClient = Senders(rawValue: 1)
        static let modernClient = Senders(rawValue: 2)
        static let legacyServer = Senders(rawValue: 4)
        static let modernServer = Senders(rawValue: 8)
        static let clients: Senders = [.legacyClient, .modernClient]
        static let servers: Senders = [.legacyServer, .modernServer]
    }

    private var senders: Senders {
        switch self {
        case .toolsList, .toolsCall, .promptsList, .promptsGet, .resourcesList, .resourceTemplatesList, .resourcesRead,
            .complete, .tasksGet, .tasksCancel:
            .clients
        case .initialize, .resourcesSubscribe, .resourcesUnsubscribe, .setLevel, .tasksResult, .tasksList, .initialized,
            .rootsListChanged:
            .legacyClient
        case .discover, .listen, .tasksUpdate: .modernClient
        case .ping: [.legacyClient, .legacyServer]
        case .rootsList, .createMessage, .elicit, .elicitationComplete: .legacyServer
        case .cancelled: [.clients, .servers]
        // A modern client sends no progress; a legacy one does for what a server asked of it.
        case .progress: [.legacyClient, .servers]
        case .taskStatus: [.legacyClient, .legacyServer]
        case .message, .toolsListChanged, .promptsListChanged, .resourcesListChanged, .resourcesUpdated: .servers
        case .tasksChanged, .subscriptionsAcknowledged: .modernServer
        }
    }
}
