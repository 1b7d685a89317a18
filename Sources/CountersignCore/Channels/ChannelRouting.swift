/// Says who is told of a held action, and when.
///
/// It follows the gates' groups: each group has a route; a group without one takes the route for everybody, if there is
/// one. Nothing here decides who may approve.
package struct ChannelRouting: Sendable {
    /// A time of day during which a place is left alone.
    package struct QuietHours: Sendable {
        /// Minutes after midnight when they begin.
        package let from: Int
        /// Minutes after midnight when they end; before ``from``, that is the next day.
        package let until: Int
        /// Where the clock hangs.
        package let zone: any LocalTime
        /// Who is told at once instead; empty for nobody.
        package let instead: [Destination]

        /// Sets quiet hours.
        package init(from: Int, until: Int, zone: any LocalTime, instead: [Destination]) {
            self.from = from
            self.until = until
            self.zone = zone
            self.instead = instead
        }

        /// When the quiet hours in which `now` lies end; `nil` outside of them.
        package func end(at now: Timestamp) -> Timestamp? {
            let day: Int64 = 86_400
            let local = now.microseconds / 1_000_000 + zone.secondsFromUTC(at: now)
            let second = (local % day + day) % day
            let begin = Int64(from) * 60
            let close = Int64(until) * 60
            let isQuiet = begin <= close ? (begin..<close).contains(second) : second >= begin || second < close
            guard isQuiet else { return nil }
            let left = close > second ? close - second : close + day - second
            let end = now.adding(.seconds(left))
            // Where the clocks change before the end, the end moves with them.
            let moved = end.adding(.seconds(zone.secondsFromUTC(at: now) - zone.secondsFromUTC(at: end)))
            // A time that they leave out is as much later as they are put forward.
            return zone.secondsFromUTC(at: moved) == zone.secondsFromUTC(at: end) ? moved : max(moved, end)
        }
    }

    /// Whom to ask when nobody has answered.
    package struct Escalation: Hashable, Sendable {
        /// How long after the hold.
        package let after: Duration
        /// Where.
        package let destinations: [Destination]

        /// Sets an escalation.
        package init(after: Duration, destinations: [Destination]) {
            self.after = after
            self.destinations = destinations
        }
    }

    /// When many questions of one agent become one message.
    package struct Digest: Hashable, Sendable {
        /// How many questions within ``every`` are each asked on their own.
        package let after: Int
        /// How long questions beyond that are gathered.
        package let every: Duration

        /// Sets a digest.
        package init(after: Int, every: Duration) {
            self.after = after
            self.every = every
        }
    }

    /// Who is told when a gate names a group.
    package struct Route: Sendable {
        /// Where.
        package let destinations: [Destination]
        /// When they are left alone.
        package let quietHours: QuietHours?
        /// Whom to ask later, soonest first.
        package let escalations: [Escalation]
        /// How long before its end a pending approval is brought to mind again; `nil` for never.
        package let reminder: Duration?
        /// When questions are gathered; `nil` for never.
        package let digest: Digest?

        /// Describes a route.
        package init(
            destinations: [Destination],
            quietHours: QuietHours? = nil,
            escalations: [Escalation] = [],
            reminder: Duration? = nil,
            digest: Digest? = nil,
        ) {
            self.destinations = destinations
            self.quietHours = quietHours
            self.escalations = escalations
            self.reminder = reminder
            self.digest = digest
        }
    }

    /// The route of each group that has one.
    package let routes: [GroupName: Route]
    /// The route of every other group.
    package let everybody: Route?
    /// Channels for programs, which are told of every approval, each notice on its own.
    package let observers: [Destination]
    /// Channels whose messages can tell of several approvals.
    package let gathering: Set<ChannelName>

    /// Nobody is told.
    package static let none = ChannelRouting()

    /// Collects routes.
    package init(
        routes: [GroupName: Route] = [:],
        everybody: Route? = nil,
        observers: [Destination] = [],
        gathering: Set<ChannelName> = [],
    ) {
        self.routes = routes
        self.everybody = everybody
        self.observers = observers
        self.gathering = gathering
    }

    /// Whether nobody is ever told because of a gate's groups; programs may be.
    package var isEmpty: Bool { routes.isEmpty && everybody == nil }

    /// Whether somebody is told when a gate names this group.
    package func reaches(_ group: GroupName) -> Bool { everybody != nil || routes[group] != nil }

    /// Every place that is ever told of something.
    package var destinations: Set<Destination> {
        var all = Set(observers)
        for route in Array(routes.values) + (everybody.map { [$0] } ?? []) {
            all.formUnion(route.destinations)
            all.formUnion(route.quietHours?.instead ?? [])
            for escalation in route.escalations { all.formUnion(escalation.destinations) }
        }
        return all
    }

    /// The longest window that a digest gathers within: what ``AskPace`` remembers.
    package static let longestDigest = Duration.seconds(3600)

    /// The notices of a new approval; `earlier` says how many times its agent asked within a time before.
    package func notices(
        of approval: Approval,
        now: Timestamp,
        earlier: (Duration) -> Int,
    ) -> [NoticeDraft] {
        var plan = Plan(approval: approval, now: now, gathering: gathering)
        for destination in observers { plan.ask(destination, dueAt: now, digest: nil, earlier) }
        var groups: [GroupName] = []
        for group in approval.gates.flatMap(\.approvers) where !groups.contains(group) { groups.append(group) }
        for group in groups {
            guard let route = routes[group] ?? everybody else { continue }
            plan.take(route, earlier)
        }
        return plan.drafts
    }

    /// The notices of one approval as they are put together; each place is asked, escalated to and reminded once.
    private struct Plan {
        let approval: Approval
        let now: Timestamp
        let gathering: Set<ChannelName>
        var drafts: [NoticeDraft] = []

        mutating func take(_ route: Route, _ earlier: (Duration) -> Int) {
            var asked: [(destination: Destination, dueAt: Timestamp)] = []
            if let hours = route.quietHours, let quiet = hours.end(at: now) {
                if quiet < approval.expiresAt {
                    asked = route.destinations.map { ($0, quiet) }
                } else if hours.instead.isEmpty {
                    // A quiet night must not let a question end unseen.
                    asked = route.destinations.map { ($0, now) }
                }
                asked += hours.instead.map { ($0, now) }
            } else {
                asked = route.destinations.map { ($0, now) }
            }
            for (destination, dueAt) in asked { ask(destination, dueAt: dueAt, digest: route.digest, earlier) }
            for escalation in route.escalations {
                let time = now.adding(escalation.after)
                guard time < approval.expiresAt else { continue }
                for destination in escalation.destinations { add(.escalated, destination, time) }
            }
            guard let reminder = route.reminder else { return }
            let time = approval.expiresAt.adding(.zero - reminder)
            // What lives hardly longer than the reminder needs none.
            guard time > now.adding(reminder) else { return }
            for (destination, dueAt) in asked where dueAt < time { add(.reminder, destination, time) }
        }

        mutating func ask(
            _ destination: Destination,
            dueAt: Timestamp,
            digest: Digest?,
            _ earlier: (Duration) -> Int,
        ) {
            guard let digest, gathering.contains(destination.channel), earlier(digest.every) >= digest.after else {
                return add(.requested, destination, dueAt)
            }
            let window = max(1, digest.every.wholeMicroseconds)
            let number = now.microseconds / window
            let end = max(dueAt, Timestamp(microseconds: (number + 1) * window))
            // What would end before it is told is told at once.
            guard end < approval.expiresAt else { return add(.requested, destination, dueAt) }
            let batch = BatchID(
                agent: approval.agent,
                destination: destination,
                window: number,
                earlier: earlier(.microseconds(now.microseconds % window)),
            )
            add(.requested, destination, end, batch)
        }

        /// A place that is there already for the same reason keeps the earlier time.
        private mutating func add(
            _ cause: Notice.Cause,
            _ destination: Destination,
            _ dueAt: Timestamp,
            _ batch: BatchID? = nil,
        ) {
            let draft = NoticeDraft(cause, to: destination, dueAt: dueAt, batch: batch)
            let place = drafts.firstIndex { $0.destination == destination && $0.cause == cause }
            guard let place else { return drafts.append(draft) }
            if dueAt < drafts[place].dueAt { drafts[place] = draft }
        }
    }
}

/// What a clock on the wall shows somewhere.
package protocol LocalTime: Sendable {
    /// How many seconds it is ahead of UTC at a moment.
    func secondsFromUTC(at time: Timestamp) -> Int64
}

/// A clock that is always as far from UTC.
package struct FixedOffset: LocalTime, Hashable {
    private let seconds: Int64

    /// Ahead of UTC by so many seconds.
    package init(seconds: Int64) { self.seconds = seconds }

    /// The same at every moment.
    package func secondsFromUTC(at time: Timestamp) -> Int64 { seconds }
}
