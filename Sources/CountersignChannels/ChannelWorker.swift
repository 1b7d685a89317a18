import CountersignCards
package import CountersignCore
package import Logging
import ServiceLifecycle
import Synchronization

/// Delivers one channel's notices: at least once, in order for each subject and place, at the channel's pace.
///
/// It reads the outbox and never holds more than what is under way, so a channel that is down costs nothing but its own
/// lateness. An attempt is on disk as begun before it begins: what a crash leaves in doubt is told to the channel as a
/// repetition. The mutexes guard the pace, the time of the next look, and what is still to be written.
package final class ChannelWorker: Service {
    /// The channel.
    package let channel: any Channel
    /// What is known of it.
    package let meter: ChannelMeter
    private let ledger: any Ledger
    private let publicURL: String
    private let clock: any WallClock
    private let chance: Chance
    private let logger: Logger
    private let keeper: Mutex<PaceKeeper>
    private let nextLook = Mutex<Timestamp?>(nil)
    /// Whether nothing was sent since the start.
    private let isNew = Mutex(true)
    /// Attempts whose end the ledger could not take.
    private let unwritten = Mutex<[Ended]>([])
    private let sleep: @Sendable (Duration) async throws -> Void
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// How an attempt ended, and what follows from it.
    private struct Ended: Sendable {
        let notice: Notice
        let ending: NoticeEnding
        /// Whether what failed before may be tried at once.
        let hurries: Bool

        init(_ notice: Notice, _ ending: NoticeEnding, hurries: Bool = false) {
            self.notice = notice
            self.ending = ending
            self.hurries = hurries
        }
    }

    /// How exact retries and reminders are.
    static let tick = Duration.milliseconds(200)
    /// After so many ticks the outbox is looked into although nothing said that there is anything: an erasure of what is
    /// over changes no approval, so nobody is told of it.
    static let ticksBetweenLooks = 50
    /// How long a stopping server waits for attempts that are under way.
    static let parting = Duration.seconds(5)

    /// Prepares a channel's worker; nothing is sent before ``run()``.
    package init(
        _ channel: any Channel,
        ledger: any Ledger,
        publicURL: String,
        clock: any WallClock,
        chance: Chance,
        logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    ) {
        self.channel = channel
        self.ledger = ledger
        self.publicURL = publicURL
        self.clock = clock
        self.chance = chance
        self.sleep = sleep
        meter = ChannelMeter()
        keeper = Mutex(PaceKeeper(channel.pace))
        (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        var logger = logger
        logger[metadataKey: "channel"] = "\(channel.name)"
        self.logger = logger
    }

    /// Delivers until the server stops, and lets end what is under way then.
    package func run() async throws {
        await withTaskGroup { group in
            group.addTask { [self] in await cancelWhenGracefulShutdown { await self.channel.run() } }
            group.addTask { [self] in
                await cancelWhenGracefulShutdown {
                    for await _ in self.ledger.feed.changes() { self.wake.yield() }
                }
            }
            group.addTask { [self] in await cancelWhenGracefulShutdown { await self.tick() } }
            group.addTask { [self] in await lettingEnd { await self.deliverAll() } }
            group.addTask { [self] in await lettingEnd { await self.channel.attend() } }
            await group.waitForAll()
        }
        await channel.close()
    }

    /// When the outbox is looked into again without anything having happened; `nil` for not at all.
    package var looksAgainAt: Timestamp? { nextLook.withLock { $0 } }

    /// Looks into the outbox again, because an operator put something there.
    package func look() { wake.yield() }

    /// Delivers what is due, in turns, until nothing more is; for tests, which have no clock that runs.
    package func drain() async {
        while !Task.isCancelled {
            let notices = await nextNotices()
            if notices.isEmpty { return }
            await withTaskGroup { group in
                for notice in notices { group.addTask { await self.attempt(notice) } }
            }
        }
    }

    private func tick() async {
        var ticks = 0
        while !Task.isCancelled {
            try? await sleep(Self.tick)
            ticks += 1
            let isTime = nextLook.withLock { $0.map { $0 <= clock.time() } ?? false }
            if isTime || ticks.isMultiple(of: Self.ticksBetweenLooks) { wake.yield() }
        }
    }

    /// Works until the server stops; what is under way then has a little time to end.
    private func lettingEnd(_ work: @escaping @Sendable () async -> Void) async {
        await withTaskGroup { group in
            group.addTask { await work() }
            group.addTask { [self] in
                // Only a stop ends it before it is done, or somebody who cancels all.
                guard (try? await gracefulShutdown()) != nil else { return }
                try? await sleep(Self.parting)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func deliverAll() async {
        wake.yield()
        await withDiscardingTaskGroup { attempts in
            for await _ in wakes.cancelOnGracefulShutdown() { await deliverDue(in: &attempts) }
        }
    }

    private func deliverDue(in attempts: inout DiscardingTaskGroup) async {
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            let notices = await nextNotices()
            if notices.isEmpty { return }
            for notice in notices {
                attempts.addTask { [self] in
                    await attempt(notice)
                    wake.yield()
                }
            }
        }
    }

    /// Takes what may be sent now, and puts down that it is being sent.
    private func nextNotices() async -> [Notice] {
        let now = clock.time()
        do {
            try await catchUp()
            if isNew.withLock({ $0 }) {
                // How the channel is, nobody knows: a restart is how its trouble is mended.
                try await ledger.outbox.hurryNotices(of: channel.name, at: now, limit: .max)
                isNew.withLock { $0 = false }
            }
            let taken = try await takeDue(now)
            if taken.isEmpty { try await schedule(now) }
            return taken
        } catch {
            logger.warning("the outbox cannot be read", metadata: ["error": "\(error.message)"])
            nextLook.withLock { $0 = now.adding(.seconds(1)) }
            return []
        }
    }

    private func takeDue(_ now: Timestamp) async throws(LedgerError) -> [Notice] {
        let (room, closed, isDown) = keeper.withLock { ($0.room(now: now), $0.closed(now: now), $0.isDown) }
        guard room > 0 else { return [] }
        var due = try await ledger.outbox.dueNotices(of: channel.name, leavingOut: closed, now: now, limit: room)
        if due.isEmpty, isDown {
            // Whether it is back is asked at the channel's own pace, however long its notices' schedules are by now.
            try await ledger.outbox.hurryNotices(of: channel.name, at: now, limit: 1)
            due = try await ledger.outbox.dueNotices(of: channel.name, leavingOut: closed, now: now, limit: room)
        }
        let taken = due.filter { notice in keeper.withLock { $0.begin(notice.destination.address, now: now) } }
        guard !taken.isEmpty else { return [] }
        do throws(LedgerError) {
            try await ledger.outbox.beginNotices(taken.map(\.number))
            return taken
        } catch {
            keeper.withLock { keeper in for _ in taken { keeper.end() } }
            throw error
        }
    }

    private func schedule(_ now: Timestamp) async throws(LedgerError) {
        let (room, closed, opening, isDown) = keeper.withLock { keeper in
            (keeper.room(now: now), keeper.closed(now: now), keeper.nextOpening(now: now), keeper.isDown)
        }
        // What waits for room is looked at when an attempt ends.
        let elsewhere = room > 0 ? try await ledger.outbox.nextNotice(of: channel.name, leavingOut: closed) : nil
        let anywhere = try await ledger.outbox.nextNotice(of: channel.name, leavingOut: [])
        // A channel that is down is asked whether it is back once its pause is over.
        let behind = anywhere.flatMap { waiting in opening.map { isDown ? $0 : max($0, waiting) } }
        let later = [elsewhere, behind].compactMap(\.self).min()
        nextLook.withLock { $0 = later.map { max($0, now.adding(Self.tick)) } }
    }

    private func attempt(_ notice: Notice) async {
        let parcel: Parcel?
        do {
            parcel = try await pack(notice)
        } catch {
            keeper.withLock { $0.end() }
            let time = clock.time().adding(.seconds(1))
            return await write(Ended(notice, .retry(at: time, trouble: "the ledger cannot be read")))
        }
        guard let parcel else {
            keeper.withLock { $0.giveBack(notice.destination.address) }
            return await write(Ended(notice, .dropped))
        }
        let delivery = await limited { await self.channel.deliver(parcel) }
        await write(settle(notice, parcel, delivery))
    }

    /// Writes how an attempt ended; what cannot be written now is written before anything else is sent.
    private func write(_ ended: Ended) async {
        do {
            try await put(ended)
        } catch {
            logger.error(
                "what became of a notice cannot be written yet",
                metadata: ["notice": "\(ended.notice.id)", "error": "\(error.message)"]
            )
            unwritten.withLock { $0.append(ended) }
        }
    }

    /// A crash before this is on disk leaves the notice `sending`: the next start repeats it and says so.
    private func put(_ ended: Ended) async throws(LedgerError) {
        let now = clock.time()
        try await ledger.outbox.endNotice(ended.notice, ended.ending, at: now)
        if ended.hurries { try await ledger.outbox.hurryNotices(of: channel.name, at: now, limit: .max) }
    }

    /// Writes what could not be written; throws if it still cannot.
    private func catchUp() async throws(LedgerError) {
        while let ended = unwritten.withLock({ $0.first }) {
            try await put(ended)
            unwritten.withLock { _ = $0.removeFirst() }
        }
    }

    /// What there is to tell; `nil` if nothing is any more.
    private func pack(_ notice: Notice) async throws(LedgerError) -> Parcel? {
        var ids = [notice.approval]
        if let batch = notice.batch { ids = try await ledger.outbox.batch(batch, at: notice.destination) }
        var approvals = [Approval]()
        for id in ids {
            if let approval = try await ledger.approval(id) { approvals.append(approval) }
        }
        let shown = try await ledger.outbox.shownMessage(of: notice)
        let now = clock.time()
        let parcel = Parcel(
            notice: notice,
            approvals: approvals,
            shown: shown,
            isRepeat: notice.tries > 0,
            publicURL: publicURL,
            now: now,
        )
        guard !approvals.isEmpty else { return nil }
        switch (notice.cause, channel.manner) {
        case (.requested, .events): break
        case (.requested, _), (.escalated, _), (.reminder, _):
            // An attempt that nobody knows the end of may have left a card there that asks for ever.
            let mayBeShown = channel.manner == .card && parcel.isRepeat && shown == nil
            if !parcel.asks, !mayBeShown { return nil }
        case (.changed, .card):
            // Who was told nothing needs no correction.
            guard let shown, shown.revision < parcel.revision || notice.event == .payloadErased else { return nil }
        case (.changed, .message), (.changed, .events): break
        }
        return parcel
    }

    private func settle(_ notice: Notice, _ parcel: Parcel, _ delivery: Delivery) -> Ended {
        let now = clock.time()
        switch delivery {
        case .delivered(let reference):
            let wasDown = keeper.withLock { $0.succeeded(now: now) }
            meter.delivered(after: now.since(notice.dueAt))
            if wasDown { logger.notice("the channel works again") }
            let message = reference.map { ShownMessage(reference: $0, revision: parcel.revision) }
            return Ended(notice, .delivered(message, told: told(parcel, message)), hurries: wasDown)
        case .nothingToTell:
            // Nobody was asked, so nothing is known of how the channel is; what may be there already was looked for.
            keeper.withLock { parcel.isRepeat ? $0.end() : $0.giveBack(notice.destination.address) }
            return Ended(notice, .dropped)
        case .retry(let asked, let scope, let trouble):
            let time = keeper.withLock { keeper in
                keeper.failed(
                    notice.number,
                    scope,
                    address: notice.destination.address,
                    tries: notice.tries + 1,
                    age: now.since(notice.dueAt),
                    asked: asked,
                    random: chance.bits().0,
                    now: now,
                )
            }
            if meter.failed(trouble) {
                logger.warning("notices wait", metadata: ["error": "\(trouble)", "next_try": "\(time.rfc3339)"])
            }
            return Ended(notice, again(notice, at: time, asked: asked, trouble, now))
        case .refused(let trouble):
            let wasDown = keeper.withLock { $0.succeeded(now: now) }
            _ = meter.failed(trouble)
            logger.error(
                "a notice was refused",
                metadata: ["notice": "\(notice.id)", "approval": "\(notice.approval)", "error": "\(trouble)"]
            )
            return Ended(notice, .failed(trouble: trouble), hurries: wasDown)
        }
    }

    /// What the message that was just sent tells of each of its approvals.
    private func told(_ parcel: Parcel, _ message: ShownMessage?) -> [ApprovalID: ToldState] {
        let isCard = channel.manner == .card && message != nil
        guard isCard || (channel.manner == .message && parcel.notice.batch != nil) else { return [:] }
        let states = parcel.approvals.map { approval in
            let state = ToldState(revision: isCard ? approval.revision : nil, isErased: approval.erasedBy != nil)
            return (approval.id, state)
        }
        return Dictionary(states) { first, _ in first }
    }

    /// A notice is tried for its lifetime, once more at its end, and as often as its schedule says if it was late then.
    private func again(
        _ notice: Notice,
        at time: Timestamp,
        asked: Duration?,
        _ trouble: String,
        _ now: Timestamp,
    ) -> NoticeEnding {
        let end = notice.dueAt.adding(channel.pace.lifetime)
        guard now < end || notice.tries + 1 < channel.pace.backOff.delays.count else {
            return .failed(trouble: trouble)
        }
        let isCut = now < end && asked == nil
        return .retry(at: isCut ? min(time, end) : time, notBefore: asked.map { now.adding($0) }, trouble: trouble)
    }

    /// An attempt that takes too long is over; whether it arrived, nobody knows.
    private func limited(_ work: @escaping @Sendable () async -> Delivery) async -> Delivery {
        await withTaskGroup { group in
            group.addTask { await work() }
            group.addTask { [self] in
                try? await sleep(channel.pace.patience)
                return .retry(after: nil, scope: .whole, trouble: "no answer within \(channel.pace.patience)")
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? .retry(after: nil, scope: .notice, trouble: "the server stops")
        }
    }
}
