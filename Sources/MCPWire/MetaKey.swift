/// The keys of `_meta` that MCP reserves, and the names that stand beside them.
package enum MetaKey {
    /// The revision that a request is in (2026-07-28).
    package static let protocolVersion = "io.modelcontextprotocol/protocolVersion"
    /// Which program sends a request (2026-07-28, optional).
    package static let clientInfo = "io.modelcontextprotocol/clientInfo"
    /// What the sender of a request can do (2026-07-28).
    package static let clientCapabilities = "io.modelcontextprotocol/clientCapabilities"
    /// Which program answers (2026-07-28, optional).
    package static let serverInfo = "io.modelcontextprotocol/serverInfo"
    /// Which log messages a request wants (2026-07-28).
    package static let logLevel = "io.modelcontextprotocol/logLevel"
    /// The id of the `subscriptions/listen` request that a notification comes from (2026-07-28).
    package static let subscriptionID = "io.modelcontextprotocol/subscriptionId"
    /// What a request's progress is to be reported under.
    package static let progressToken = "progressToken"
    /// The task that a message belongs to (2025-11-25).
    package static let relatedTask = "io.modelcontextprotocol/related-task"
    /// The tasks that a client thinks a request belongs to (the tasks extension).
    package static let relatedTaskIDs = "io.modelcontextprotocol/relatedTaskIds"
    /// What a model may be told while a task works (2025-11-25).
    package static let modelImmediateResponse = "io.modelcontextprotocol/model-immediate-response"
    /// The tasks extension, a key of `capabilities.extensions`.
    package static let tasksExtension = "io.modelcontextprotocol/tasks"
}
