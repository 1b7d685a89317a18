import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Erasing what stands beside the log.
enum ErasureEndpoints {
    /// The endpoints.
    static let all = [
        Endpoint(
            .post,
            "/v1/entries/{sequence}/erase",
            .user,
            name: "eraseEntry",
            "Removes what stands beside an entry for good; of an approval's entry, all that stands beside the approval's.",
            intake: .json("EraseRequest"),
            parameters: [.path("sequence", .sequence, "The entry's sequence number.")],
            answers: [.json("Erasure", "What was erased, and the entry that tells of it.")],
            run: eraseEntry,
        ),
        Endpoint(
            .post,
            "/v1/approvals/{id}/erase",
            .user,
            name: "eraseApproval",
            "Removes the document of an approval that is over, and everything that shows it, for good.",
            intake: .json("EraseRequest"),
            parameters: [ApprovalEndpoints.id],
            answers: [.json("Erasure", "What was erased, and the entry that tells of it.")],
            run: eraseApproval,
        ),
    ]

    @Sendable private static func eraseEntry(_ exchange: Exchange) async throws -> Reply {
        guard let sequence = exchange.parameters["sequence"].flatMap({ UInt64(strict: $0) }),
            sequence <= UInt64(Int64.max)
        else { throw Problem(.notFound, "The log has no such entry.") }
        return try await erase(.entry(sequence), exchange)
    }

    @Sendable private static func eraseApproval(_ exchange: Exchange) async throws -> Reply {
        try await erase(.approval(try await exchange.approval().id), exchange)
    }

    private static func erase(_ target: Enforcement.ErasureTarget, _ exchange: Exchange) async throws -> Reply {
        let user = try exchange.user()
        let members = try exchange.members(["reason"])
        let limit = Enforcement.longestErasureReason
        guard let reason = try members.text("reason", atMost: limit), !reason.isEmpty else {
            throw Problem(.badRequest, "reason is missing: say why this is erased; it stands in the log for ever.")
        }
        let erased = try await exchange.parts.enforcement.erase(target, reason: reason, by: user).orProblem()
        return .json(
            .object(
                JSONObject([
                    ("approval", .text(erased.approval?.rawValue)),
                    ("entry", .integer(Int64(clamping: erased.entry))),
                    ("sequences", .array(erased.sequences.map { .integer(Int64(clamping: $0)) })),
                ])
            )
        )
    }
}
