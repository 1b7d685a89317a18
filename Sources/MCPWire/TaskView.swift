package import CanonicalJSON

/// How a task stands, in MCP's words, which both eras share.
package enum TaskStatus: String, CaseIterable, Hashable, Sendable {
    /// Under way, or waiting for someone who is not the client.
    case working = "working"
    /// Waiting for the client.
    case inputRequired = "input_required"
    /// There is a result, be it one that says `isError`.
    case completed = "completed"
    /// There is a JSON-RPC error instead of a result.
    case failed = "failed"
    /// Given up before there was a result.
    case cancelled = "cancelled"

    /// Whether it stays so.
    package var isTerminal: Bool {
        switch self {
        case .working, .inputRequired: false
        case .completed, .failed, .cancelled: true
        }
    }
}

/// A task as its client sees it, in the shape of either era.
package struct TaskView: Hashable, Sendable {
    /// Where it is found; whoever asks must be allowed to.
    package var id: String
    /// How it stands.
    package var status: TaskStatus
    /// The same for people and models.
    package var statusMessage: String?
    /// When it began: an ISO 8601 time.
    package var createdAt: String
    /// When it last changed: an ISO 8601 time.
    package var lastUpdatedAt: String
    /// How long it is kept, from when it began; nil for ever.
    package var ttlMilliseconds: Int64?
    /// How often to ask.
    package var pollIntervalMilliseconds: Int64?

    /// A task of these.
    package init(
        id: String,
        status: TaskStatus,
        statusMessage: String? = nil,
        createdAt: String,
        lastUpdatedAt: String,
        ttlMilliseconds: Int64? = nil,
        pollIntervalMilliseconds: Int64? = nil,
    ) {
        self.id = id
        self.status = status
        self.statusMessage = statusMessage
        self.createdAt = createdAt
        self.lastUpdatedAt = lastUpdatedAt
        self.ttlMilliseconds = ttlMilliseconds
        self.pollIntervalMilliseconds = pollIntervalMilliseconds
    }

    private func task(ttl: String, pollInterval: String) -> JSONObject {
        var object: JSONObject = [
            "createdAt": .string(createdAt),
            "lastUpdatedAt": .string(lastUpdatedAt),
            "status": .string(status.rawValue),
            "taskId": .string(id),
        ]
        object["statusMessage"] = statusMessage.map(JSONValue.string)
        object[ttl] = ttlMilliseconds.map(JSONValue.integer) ?? .null
        object[pollInterval] = pollIntervalMilliseconds.map(JSONValue.integer)
        return object
    }

    // MARK: 2025-11-25

    /// The task of 2025-11-25, which is also the result of `tasks/get` and `tasks/cancel` and an element of `tasks/list`.
    package func legacyTask() -> JSONObject { task(ttl: "ttl", pollInterval: "pollInterval") }

    /// The result of a call that became a task; `immediate` is what the model may be told meanwhile.
    package func legacyCreateResult(immediate: String? = nil) -> JSONObject {
        var result: JSONObject = ["task": .object(legacyTask())]
        if let immediate { result["_meta"] = [MetaKey.modelImmediateResponse: .string(immediate)] }
        return result
    }

    /// A call's result as `tasks/result` gives it: with the task that it belongs to in its `_meta`.
    package func legacyResult(_ result: JSONObject) -> JSONObject {
        var result = result
        var meta = result["_meta"]?.objectValue ?? [:]
        meta[MetaKey.relatedTask] = ["taskId": .string(id)]
        result["_meta"] = .object(meta)
        return result
    }

    /// The parameters of `notifications/tasks/status`.
    package func legacyStatusNotification() -> JSONObject { legacyTask() }

    // MARK: The tasks extension

    /// The result of a call that became a task: flat, and never before the task is durable.
    package func modernCreateResult() -> JSONObject {
        var result = modernTask()
        result[ToolResults.resultType] = "task"
        return result
    }

    /// The result of `tasks/get`: the task, with what goes with its status.
    ///
    /// `result` counts when completed, `error` when failed, `inputRequests` when input is required.
    package func modernGetResult(
        result: JSONValue? = nil,
        error: JSONValue? = nil,
        inputRequests: JSONObject? = nil,
    ) -> JSONObject {
        var object = modernNotification(result: result, error: error, inputRequests: inputRequests)
        object[ToolResults.resultType] = "complete"
        return object
    }

    /// The parameters of `notifications/tasks`, without the `_meta` that names the subscription.
    package func modernNotification(
        result: JSONValue? = nil,
        error: JSONValue? = nil,
        inputRequests: JSONObject? = nil,
    ) -> JSONObject {
        var object = modernTask()
        switch status {
        case .working, .cancelled: break
        case .inputRequired: object["inputRequests"] = .object(inputRequests ?? [:])
        case .completed: object["result"] = result ?? .object([:])
        case .failed: object["error"] = error ?? .object(Self.unknownError.json)
        }
        return object
    }

    private func modernTask() -> JSONObject { task(ttl: "ttlMs", pollInterval: "pollIntervalMs") }

    /// What a failed task must not be without.
    private static let unknownError = RPCError(code: RPCCode.internalError, message: "the task failed")
}
