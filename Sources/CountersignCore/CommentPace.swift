import Synchronization

/// Keeps anybody from talking over the others: so many comments at once, and so many a minute after that.
///
/// Each approval takes only a few in any case; this bounds whoever has many approvals. The mutex guards the buckets, of
/// which there are no more than agents and users.
final class CommentPace: Sendable {
    private struct Bucket {
        var level: Double
        var filled: Timestamp
    }

    private enum Speaker: Hashable {
        case agent(AgentID)
        /// The name in the spelling that all of its letter cases share.
        case person(String)

        init(_ author: ApprovalComment.Author) {
            switch author {
            case .agent(let id): self = .agent(id)
            case .user(let id, _): self = .person(EntryFacets.folded(id.rawValue))
            }
        }
    }

    private let buckets = Mutex([Speaker: Bucket]())

    /// How many somebody has at once, which is also how many a minute.
    static func burst(_ author: ApprovalComment.Author) -> Int {
        switch author {
        case .agent: 16
        case .user: 30
        }
    }

    /// Takes one of somebody's comments; whether there was one left.
    func take(_ author: ApprovalComment.Author, now: Timestamp) -> Bool {
        let burst = Double(Self.burst(author))
        return buckets.withLock { buckets in
            let speaker = Speaker(author)
            var bucket = buckets[speaker] ?? Bucket(level: burst, filled: now)
            // A clock that goes back fills nothing.
            let seconds = Double(max(0, now.microseconds - bucket.filled.microseconds)) / 1_000_000
            bucket.level = min(burst, bucket.level + seconds * burst / 60)
            bucket.filled = now
            defer { buckets[speaker] = bucket }
            guard bucket.level >= 1 else { return false }
            bucket.level -= 1
            return true
        }
    }
}
