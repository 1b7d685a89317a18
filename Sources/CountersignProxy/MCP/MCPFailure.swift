import CountersignCore

/// Why an MCP server gave no answer.
struct MCPFailure: Error {
    let reason: Reason
    /// Whether the call ran; `nil` where nobody knows.
    let executed: Bool?
    /// The session is gone at the server (404): begin another.
    var isSessionLost = false
    /// Whether the server may have seen the request at all.
    var wasSent = true
    /// The server knows no such method.
    var isUnknownMethod = false
    /// The answer had begun, and its stream broke off.
    var isCutOff = false

    init(_ failure: UpstreamFailure) {
        reason = failure.reason
        executed = failure.executed
        if case .cutOff = failure { isCutOff = true }
    }

    init(
        _ code: ReasonCode,
        _ message: String,
        executed: Bool?,
        isSessionLost: Bool = false,
        wasSent: Bool = true,
    ) {
        reason = Reason(code, message)
        self.executed = executed
        self.isSessionLost = isSessionLost
        self.wasSent = wasSent
    }
}
