import CanonicalJSON
import CountersignCards
import CountersignCore
import Synchronization

/// Something to do that Slack told of.
enum SlackWork: Sendable {
    /// A button.
    case click(SlackBlockAction)
    /// The window with the reason; what to say in it, or `nil` to close it.
    case denial(SlackViewSubmission, AwaitedAnswer<String?>)
    /// A command.
    case command(SlackCommand, AwaitedAnswer<SlackMessage>)
    /// Words below a message.
    case reply(SlackReply)
}

/// What Slack is told at once.
enum SlackAcknowledgement: Hashable, Sendable {
    /// It came.
    case empty
    /// It came, and this is the answer.
    case answer(JSONValue)
    /// It is not for us, for that reason.
    case refused(Reason)
    /// There is no room for more work.
    case busy
}

/// Takes what Slack tells, over HTTP or a socket: checks whose it is, says that it came, and hands the work on.
///
/// The mutex guards how much work is under way.
final class SlackIntake: Sendable {
    /// How long an answer is waited for before Slack is told that it came; Slack gives up after three seconds.
    static let patience = Duration.milliseconds(2200)
    /// How long it may take to learn whose the token is, while Slack waits.
    static let haste = Duration.milliseconds(600)
    /// How much work may be under way.
    static let maximum = 256

    /// The work, for the one who does it.
    let works: AsyncStream<SlackWork>

    private let settings: SlackSettings
    private let people: SlackPeople
    private let desk: ChannelDesk
    private let work: AsyncStream<SlackWork>.Continuation
    private let underWay = Mutex(0)
    /// Slack tells an event again for about an hour if it thinks that nobody heard.
    private let events = ReplayMemory(lifetime: .seconds(7200), maximum: 50_000)

    init(_ settings: SlackSettings, people: SlackPeople, desk: ChannelDesk) {
        self.settings = settings
        self.people = people
        self.desk = desk
        (works, work) = AsyncStream<SlackWork>.makeStream(bufferingPolicy: .bufferingOldest(Self.maximum))
    }

    /// Takes no more work; what was taken is still handed on.
    func close() { work.finish() }

    /// Work was done.
    func finished() { underWay.withLock { $0 -= 1 } }

    /// Takes a button or a window.
    func take(_ interaction: SlackInteraction, source: String?) async -> SlackAcknowledgement {
        switch interaction {
        case .other: return .empty
        case .blockAction(let click):
            if let refusal = await objection(click.app, click.team, click.user, source) { return refusal }
            return begin(.click(click)) ? .empty : .busy
        case .viewSubmission(let submission):
            if let refusal = await objection(submission.app, submission.team, submission.user, source) {
                return refusal
            }
            let answer = AwaitedAnswer<String?>()
            guard begin(.denial(submission, answer)) else { return .busy }
            let words = await answer.wait(Self.patience) ?? nil
            return words.map { .answer(SlackDenial.refusal($0)) } ?? .empty
        }
    }

    /// Takes a command.
    func take(_ command: SlackCommand, source: String?) async -> SlackAcknowledgement {
        if let refusal = await objection(command.app, command.user.team, command.user, source) { return refusal }
        let answer = AwaitedAnswer<SlackMessage>()
        guard begin(.command(command, answer)) else { return .busy }
        let message = await answer.wait(Self.patience) ?? .sentence("One moment: the list comes by itself.")
        return .answer(message.response)
    }

    /// Takes an event.
    func take(_ event: SlackEvent, source: String?, now: Timestamp) async -> SlackAcknowledgement {
        switch event {
        case .challenge(let text): return .answer(["challenge": .string(text)])
        case .other: return .empty
        case .reply(let reply):
            if let refusal = await objection(reply.app, reply.team, reply.user, source) { return refusal }
            switch events.note(reply.id, now: now) {
            // Slack did not hear that it came.
            case .known: return .empty
            case .full: return .busy
            case .new: break
            }
            if begin(.reply(reply)) { return .empty }
            events.forget(reply.id)
            return .busy
        }
    }

    private func begin(_ new: SlackWork) -> Bool {
        let hasRoom = underWay.withLock { count in
            guard count < Self.maximum else { return false }
            count += 1
            return true
        }
        guard hasRoom else { return false }
        switch work.yield(new) {
        case .enqueued: return true
        case .dropped, .terminated:
            finished()
            return false
        @unknown default:
            finished()
            return false
        }
    }

    /// Why it is not for us: another app's or another workspace's.
    private func objection(
        _ app: String,
        _ team: String,
        _ person: SlackUser,
        _ source: String?,
    ) async -> SlackAcknowledgement? {
        // Until Slack has said whose the token is, nobody is taken at their word.
        guard let home = await Waiting.within(Self.haste, late: nil, { [people] in try? await people.home() }) else {
            return .busy
        }
        let isForApp = app == settings.app
        guard isForApp, team == home.team || (home.enterprise != nil && team == home.enterprise) else {
            let reason = Reason(
                .accountUnknown,
                isForApp ? "This is of another workspace." : "This is for another app of Slack."
            )
            let identity = ChannelIdentity(.slack, tenant: person.team, account: person.id)
            return .refused(await desk.refuse(reason, identity, settings.name, source: source))
        }
        return nil
    }
}
