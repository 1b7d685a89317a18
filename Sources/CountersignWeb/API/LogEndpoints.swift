import CountersignCore
import HTTPTypes

/// The log's signed head and verifier key.
enum LogEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .get,
            "/log/checkpoint",
            .anyone,
            name: "getCheckpoint",
            "The signed head of the log (C2SP tlog-checkpoint).",
            answers: [.other("text/plain", "The checkpoint, a signed note.")],
            problems: [503],
        ) { exchange in .text(try await exchange.parts.dependencies.log.checkpoint()) },
        Endpoint(
            .get,
            "/log/key",
            .anyone,
            name: "getLogKey",
            "The log's verifier key (C2SP vkey).",
            answers: [.other("text/plain", "The key, one line.")],
        ) { exchange in .text(exchange.parts.dependencies.log.verifierKey + "\n") },
    ]
}
