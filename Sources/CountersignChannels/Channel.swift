package import CountersignCards
package import CountersignCore

/// A way to reach people, or a program that reaches them.
///
/// It only carries: what it is given to tell, it tells, and says what became of it. Order, repetition, waiting and
/// remembering are ``ChannelWorker``'s; who may decide is ``ChannelDesk``'s and the enforcement's.
package protocol Channel: Sendable {
    /// Its configured name.
    var name: ChannelName { get }
    /// What kind it is.
    var kind: ChannelKind { get }
    /// What it can show.
    var manner: ChannelManner { get }
    /// How fast it takes notices.
    var pace: ChannelPace { get }

    /// Makes one attempt to deliver a parcel, within ``ChannelPace/patience``.
    ///
    /// Called for several parcels at once, but never for two of one subject and place.
    func deliver(_ parcel: Parcel) async -> Delivery

    /// Whatever lasts as long as the server runs: an open socket, a token that is renewed. Returns when it is cancelled.
    func run() async

    /// Does what people ask for. Returns after a graceful stop, when what was begun before is done, or when it is
    /// cancelled, because that takes too long.
    func attend() async

    /// Ends its connections; called once, after everything else.
    func close() async

    /// Answers a request of the chat's own servers; see ``ChannelInbox``.
    func receive(_ request: ChannelRequest) async -> ChannelReply
}

extension Channel {
    /// Most channels have nothing that lasts.
    package func run() async {}

    /// In most channels nobody asks for anything.
    package func attend() async {}

    /// Most channels keep no connections.
    package func close() async {}

    /// Most channels take no requests.
    package func receive(_ request: ChannelRequest) async -> ChannelReply { .notFound }
}

/// What a channel can show.
package enum ChannelManner: Hashable, Sendable {
    /// One message for each subject, which is brought up to date: of several changes it shows the last.
    case card
    /// A message to people for each notice; nobody is asked what has been answered.
    case message
    /// What happened, to a program: every event, late ones too.
    case events
}

/// How fast a channel takes notices.
package struct ChannelPace: Hashable, Sendable {
    /// How many attempts may be under way at once.
    package let concurrency: Int
    /// How many attempts may begin each second at one address, after a burst; `nil` without a limit.
    package let perSecond: Double?
    /// How many may begin at once before ``perSecond`` counts.
    package let burst: Int
    /// How long an attempt may take.
    package let patience: Duration
    /// How long to wait after each failed attempt; when they are used up, the last one again and again until the
    /// notice is ``lifetime`` old.
    package let backOff: WebhookBackOff
    /// For how long a notice is tried.
    package let lifetime: Duration

    /// Sets a pace.
    package init(
        concurrency: Int = 16,
        perSecond: Double? = nil,
        burst: Int = 1,
        patience: Duration = .seconds(15),
        backOff: WebhookBackOff = ChannelPace.chat,
        lifetime: Duration = .seconds(3 * 86_400),
    ) {
        self.concurrency = concurrency
        self.perSecond = perSecond
        self.burst = burst
        self.patience = patience
        self.backOff = backOff
        self.lifetime = lifetime
    }

    /// For people who wait: a second, then up to a minute.
    package static let chat = WebhookBackOff(delays: [1, 2, 5, 10, 20, 40, 60].map { .seconds($0) })
}

/// What a channel is given to tell.
package struct Parcel: Sendable {
    /// The notice; of a batch, the oldest that is open.
    package let notice: Notice
    /// What it is about as it stands now: one approval, or those of a batch in the order in which they were asked.
    package let approvals: [Approval]
    /// What the place shows of it now.
    package let shown: ShownMessage?
    /// Whether an attempt may have arrived that nobody knows of: look before you send, where you can look.
    package let isRepeat: Bool
    /// The base of links to pages.
    package let publicURL: String
    /// The present moment.
    package let now: Timestamp

    /// Packs a parcel.
    package init(
        notice: Notice,
        approvals: [Approval],
        shown: ShownMessage?,
        isRepeat: Bool,
        publicURL: String,
        now: Timestamp,
    ) {
        self.notice = notice
        self.approvals = approvals
        self.shown = shown
        self.isRepeat = isRepeat
        self.publicURL = publicURL
        self.now = now
    }

    /// Whether people are asked something: nothing is posted anew that is over by now, what may be there is corrected.
    package var asks: Bool {
        notice.cause.asks && approvals.contains { $0.status == .pending && now < $0.expiresAt }
    }

    /// What ``ShownMessage/revision`` is once this parcel is delivered.
    package var revision: Int { approvals.reduce(0) { $0 + $1.revision } }

    /// The page of the one approval, or that of all of a batch.
    package func link() throws(ChannelFault) -> CardLink {
        if let batch = notice.batch { return try CardLink(publicURL: publicURL, batch: batch) }
        return try CardLink(publicURL: publicURL, approval: notice.approval)
    }

    /// The card of the one approval, or of each of a batch.
    package func cards() throws(ChannelFault) -> [ApprovalCard] {
        var cards: [ApprovalCard] = []
        for approval in approvals { cards.append(try ApprovalCard(approval, publicURL: publicURL, now: now)) }
        return cards
    }
}

/// For channels whose messages cannot be changed: they tell who is asked, and the end, and each of a batch's once.
extension Parcel {
    /// What the reference of a message begins with that told of an end.
    private static let endMark = "end:"

    /// Whether there is a message to send.
    package var asksOrEnds: Bool {
        switch notice.cause {
        // A batch is told of once, however many notices it has: those of what the message had in it are over with it.
        case .requested, .escalated, .reminder: return true
        case .changed:
            // Who was asked is told of the end; of a batch's when all of it has ended.
            guard notice.event == .approvalSettled, let shown else { return false }
            guard notice.batch != nil else { return true }
            return !shown.reference.utf8.starts(with: Self.endMark.utf8)
                && !approvals.contains { $0.status == .pending && now < $0.expiresAt }
        }
    }

    /// What to remember a message by that was just sent.
    func reference(_ text: String) -> String { (notice.cause == .changed ? Self.endMark : "") + text }
}

/// What became of an attempt.
package enum Delivery: Hashable, Sendable {
    /// The channel has it; with the message's reference, if it can be corrected later.
    case delivered(reference: String?)
    /// There is nothing to tell here.
    case nothingToTell
    /// It may be tried again, not before that much time has passed if the channel says how much.
    ///
    /// `.whole` says that the channel as a whole does not take any notices for that time.
    case retry(after: Duration?, scope: Scope, trouble: String)
    /// It will never take this notice.
    case refused(trouble: String)

    /// What a failure is about.
    package enum Scope: Hashable, Sendable {
        /// This notice only.
        case notice
        /// Everything that goes to the same address.
        case address
        /// The channel.
        case whole
    }
}
