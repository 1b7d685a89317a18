import CanonicalJSON
import CountersignCore
import Synchronization

/// The conversations with persons that are named in routes; the mutex guards what was asked for.
final class SlackRooms: Sendable {
    private let api: SlackAPI
    private let known = Mutex<[String: String]>([:])

    /// The most that are remembered; routes name fewer.
    private static let maximum = 1000

    init(_ api: SlackAPI) { self.api = api }

    /// The conversation behind an address: the address itself, unless it is a person's.
    func conversation(_ address: String) async throws(SlackFailure) -> String {
        guard let first = address.utf8.first, "UW".utf8.contains(first) else { return address }
        if let room = known.withLock({ $0[address] }) { return room }
        let answer = try await api.post(.conversationsOpen, ["users": .string(address)])
        guard let room = answer["channel"]?["id"]?.stringValue, !room.isEmpty else {
            throw SlackFailure(.conversationsOpen, .unavailable, "conversations.open: Slack named no conversation")
        }
        known.withLock { known in
            if known.count >= Self.maximum { known = [:] }
            known[address] = room
        }
        return room
    }
}
