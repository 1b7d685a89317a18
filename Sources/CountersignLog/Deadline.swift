/// One timer for a whole exchange with somebody else's machine.
///
/// The HTTP client's own deadline ends with the head of an answer, and its read timeout begins anew with each byte, so a
/// peer that sends a byte now and then would hold an exchange for days.
enum Deadline {
    /// How much later than the client's own deadline it comes, because the client knows more of why nothing came.
    static let grace = Duration.milliseconds(500)

    /// What `exchange` answers, or `late` if the time is up before; whichever loses is cancelled.
    static func within<Answer: Sendable>(
        _ limit: Duration,
        sleep: @escaping LogHead.Sleep = { try await Task.sleep(for: $0) },
        late: Answer,
        _ exchange: @escaping @Sendable () async -> Answer,
    ) async -> Answer {
        await withTaskGroup(of: Answer.self) { group in
            group.addTask { await exchange() }
            group.addTask {
                try? await sleep(limit)
                return late
            }
            let first = await group.next() ?? late
            group.cancelAll()
            return first
        }
    }
}
