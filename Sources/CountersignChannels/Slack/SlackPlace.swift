import CountersignCards

/// Where a card stands and how far the thread below it has told the trail: what the outbox keeps of it.
struct SlackPlace: Hashable, Sendable {
    let message: SlackMessageReference
    var told: Int

    init(_ message: SlackMessageReference, told: Int) {
        self.message = message
        self.told = told
    }

    /// Reads `C0123/1712.0001/2`.
    init?(_ reference: String) {
        let parts = reference.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, let told = Int(String(Substring(parts[2])))
        else { return nil }
        message = SlackMessageReference(
            channel: String(Substring(parts[0])),
            timestamp: String(Substring(parts[1])),
        )
        self.told = told
    }

    /// `C0123/1712.0001/2`.
    var reference: String { "\(message.channel)/\(message.timestamp)/\(told)" }
}
