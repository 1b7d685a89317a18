/// What a running channel did since the start.
package struct ChannelActivity: Hashable, Sendable {
    /// The channel.
    package let name: ChannelName
    /// What kind it is.
    package let kind: ChannelKind
    /// Notices that were delivered.
    package let delivered: UInt64
    /// Attempts that failed.
    package let failures: UInt64
    /// How long after it was due the last one was delivered.
    package let lateness: Duration
    /// The sum of all of these.
    package let totalLateness: Duration
    /// Why the latest attempt failed, unless one went well since.
    package let trouble: String?

    /// Describes what a channel did.
    package init(
        name: ChannelName,
        kind: ChannelKind,
        delivered: UInt64 = 0,
        failures: UInt64 = 0,
        lateness: Duration = .zero,
        totalLateness: Duration = .zero,
        trouble: String? = nil,
    ) {
        self.name = name
        self.kind = kind
        self.delivered = delivered
        self.failures = failures
        self.lateness = lateness
        self.totalLateness = totalLateness
        self.trouble = trouble
    }
}

/// How a channel stands: what it did, and what waits for it in the outbox.
package struct ChannelStanding: Hashable, Sendable {
    /// In a word.
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// Nothing is due.
        case ok
        /// Something is due, and nothing has failed lately.
        case waiting
        /// The latest attempt failed.
        case failing
        /// Something is kept for a channel that the configuration does not name: nothing delivers it.
        case unconfigured
    }

    /// The channel.
    package let name: ChannelName
    /// What it did; `nil` of one that is not configured.
    package let activity: ChannelActivity?
    /// What waits for it.
    package let count: OutboxCount

    /// In a word.
    package var state: State {
        guard let activity else { return .unconfigured }
        // What failed before the last start is remembered with the notices that it left open.
        if activity.trouble != nil || (count.due > 0 && count.trouble != nil) { return .failing }
        return count.due > 0 ? .waiting : .ok
    }

    /// Why the latest attempt failed, or why an open or refused notice did.
    package var trouble: String? { activity?.trouble ?? count.trouble ?? count.refusal }

    /// Every configured channel in its order, and then those that notices are still kept for.
    package static func all(_ activities: [ChannelActivity], _ counts: [OutboxCount]) -> [ChannelStanding] {
        let known = Dictionary(counts.map { ($0.channel, $0) }) { first, _ in first }
        let configured = activities.map { activity in
            ChannelStanding(
                name: activity.name,
                activity: activity,
                count: known[activity.name] ?? .none(of: activity.name),
            )
        }
        let names = Set(activities.map(\.name))
        let others = counts.filter { !names.contains($0.channel) }
        return configured + others.map { ChannelStanding(name: $0.channel, activity: nil, count: $0) }
    }
}

extension OutboxCount {
    fileprivate static func none(of channel: ChannelName) -> OutboxCount {
        OutboxCount(channel: channel, due: 0, scheduled: 0, failed: 0, oldestDue: nil, trouble: nil)
    }
}
