import CanonicalJSON
import CountersignCards
import CountersignCore
import Logging

/// Does what people asked for in Slack, after Slack was told that it came.
struct SlackClerk: Sendable {
    let name: ChannelName
    let app: String
    let api: SlackAPI
    let rooms: SlackRooms
    let people: SlackPeople
    let desk: ChannelDesk
    let publicURL: String
    let clock: any WallClock
    let logger: Logger

    /// A button was pressed.
    func press(_ click: SlackBlockAction) async {
        guard let action = SlackCardAction(rawValue: click.actionID), action != .open else { return }
        guard let handle = click.value.flatMap({ CardHandle($0) }) else {
            let reason = Reason(.badRequest, "The button names no approval. Open the page.")
            await desk.refuse(reason, identity(click.user), name)
            return await tell(click.user, in: click.message?.channel, reason.message)
        }
        switch action {
        case .open: break
        case .deny: await openDenial(click, handle)
        case .approve:
            if case .failure(let reason) = await decide(click.user, handle, .approve, "") {
                await tell(click.user, in: click.message?.channel, reason.message)
                await correct(handle, click)
            }
        }
    }

    /// The window with the reason was sent; what to say in it, if it does not count.
    func deny(_ submission: SlackViewSubmission) async -> String? {
        guard let denial = SlackDenial(submission), denial.reason.contains(where: { !$0.isWhitespace }) else {
            let reason = Reason(.badRequest, "The window cannot be read, or has no reason. Open the page.")
            await desk.refuse(reason, identity(submission.user), name)
            return reason.message
        }
        switch await decide(submission.user, denial.handle, .deny, denial.reason) {
        case .success: return nil
        case .failure(let reason): return reason.message
        }
    }

    /// Somebody asked what waits for them.
    func list(_ command: SlackCommand) async -> SlackMessage {
        switch await people.user(command.user) {
        case .failure(let reason): return .sentence(reason.message)
        case .success((let user, _)):
            switch await desk.waiting(for: user, limit: SlackWaiting.maximum) {
            case .failure(let reason): return .sentence(reason.message)
            case .success(let waiting):
                let now = clock.time()
                let cards = waiting.approvals.compactMap { try? ApprovalCard($0, publicURL: publicURL, now: now) }
                return SlackWaiting(cards, isAll: waiting.isAll, list: try? CardLink(listAt: publicURL)).message
            }
        }
    }

    /// Somebody wrote something below a message: below a card it becomes a comment on the approval.
    func comment(_ reply: SlackReply) async {
        guard let home = try? await people.home(), reply.parentAuthor == nil || reply.parentAuthor == home.bot
        else { return }
        let found: String?
        do throws(SlackFailure) {
            found = try await subject(of: reply.parent)
        } catch {
            logger.warning("what a reply is about cannot be asked", metadata: ["error": "\(error.trouble)"])
            return await tell(
                reply.user,
                in: reply.parent.channel,
                "\(Self.unkept) Slack cannot say what they are about. Write them again later, or open the page.",
            )
        }
        guard let subject = found else { return }
        guard let approval = ApprovalID(subject), subject.utf8.starts(with: "apr_".utf8) else {
            return await tell(
                reply.user,
                in: reply.parent.channel,
                "This card is about several actions, so your words stay here. Open one of them to comment on it.",
            )
        }
        switch await people.user(reply.user) {
        case .failure(let reason): await tell(reply.user, in: reply.parent.channel, "\(Self.unkept) \(reason.message)")
        case .success((let user, _)):
            if case .failure(let reason) = await desk.comment(reply.words, on: approval, by: user) {
                await tell(reply.user, in: reply.parent.channel, "\(Self.unkept) \(reason.message)")
            }
        }
    }

    private static let unkept = "Your words stay in Slack and are not kept with the approval."

    /// How often Slack is asked what a reply is about, and how long it is waited for in between, at most.
    private static let asking = (times: 3, wait: Duration.seconds(30))

    /// What a message of ours is about, as it says itself; `nil` of anybody else's.
    ///
    /// Slack tells of a reply once only, so what it cannot say now is asked again.
    private func subject(of message: SlackMessageReference) async throws(SlackFailure) -> String? {
        for _ in 1..<Self.asking.times {
            do throws(SlackFailure) {
                return try await subjectNow(of: message)
            } catch {
                if error.code != nil { throw error }
                try? await Task.sleep(for: min(error.wait ?? .seconds(1), Self.asking.wait))
            }
        }
        return try await subjectNow(of: message)
    }

    private func subjectNow(of message: SlackMessageReference) async throws(SlackFailure) -> String? {
        let answer = try await api.ask(
            .replies,
            [
                ("channel", message.channel), ("ts", message.timestamp), ("include_all_metadata", "true"),
                ("limit", "1"),
            ]
        )
        let parent = answer["messages"]?.arrayValue?.first { $0["ts"]?.stringValue == message.timestamp }
        guard let parent, parent["app_id"]?.stringValue == app else { return nil }
        return SlackMetadata(of: parent)?.subject
    }

    /// Says something to one person.
    func tell(_ person: SlackUser, in conversation: String?, _ words: String) async {
        await show(.sentence(words), to: person, in: conversation)
    }

    /// Shows a message to one person: where they are if they can see it there, else directly.
    func show(_ message: SlackMessage, to person: SlackUser, in conversation: String?) async {
        do throws(SlackFailure) {
            if let conversation {
                do throws(SlackFailure) {
                    _ = try await api.post(.postEphemeral, message.ephemeral(to: person.id, in: conversation))
                    return
                } catch {
                    guard case .refused = error.kind else { throw error }
                }
            }
            let room = try await rooms.conversation(person.id)
            _ = try await api.post(.postMessage, message.posting(to: room))
        } catch {
            logger.warning("a person in Slack cannot be told", metadata: ["error": "\(error.trouble)"])
        }
    }

    private func decide(
        _ person: SlackUser,
        _ handle: CardHandle,
        _ verdict: Decision.Verdict,
        _ reason: String,
    ) async -> Result<Approval, Reason> {
        switch await people.user(person) {
        case .failure(let reason): return .failure(reason)
        case .success((let user, let identity)):
            let answer = ChannelDesk.Answer(identity: identity, handle: handle, verdict: verdict, reason: reason)
            return await desk.decide(answer, by: user)
        }
    }

    private func openDenial(_ click: SlackBlockAction, _ handle: CardHandle) async {
        guard let approval = await desk.approval(handle), handle.fits(approval.digest),
            let card = try? ApprovalCard(approval, publicURL: publicURL, now: clock.time())
        else {
            let reason = Reason(.notFound, "There is no such approval. Open the page.")
            await desk.refuse(reason, identity(click.user), name)
            return await tell(click.user, in: click.message?.channel, reason.message)
        }
        guard card.timeLeft != nil else {
            await tell(click.user, in: click.message?.channel, "\(CardWords(card).title). Nothing is left to decide.")
            return await correct(handle, click)
        }
        do throws(SlackFailure) {
            _ = try await api.post(.viewsOpen, SlackDenial.opening(card, trigger: click.trigger))
        } catch {
            logger.warning("a window cannot be opened", metadata: ["error": "\(error.trouble)"])
            await tell(
                click.user,
                in: click.message?.channel,
                "Slack did not open the window for the reason. Press Deny again, or decide on the page.",
            )
        }
    }

    /// Shows what is true on the card that was clicked, if there is nothing to decide on it any more.
    ///
    /// Everything else the outbox corrects; of a batch, too, because a click names only one of its approvals.
    private func correct(_ handle: CardHandle, _ click: SlackBlockAction) async {
        guard let message = click.message,
            !(click.block?.utf8.starts(with: SlackBatchCard.block.utf8) ?? false)
        else { return }
        var shown: Int?
        // What changes while it is being shown is shown again, so that the last word is the newest.
        for _ in 0..<4 {
            guard let approval = await desk.approval(handle), approval.revision != shown,
                let card = try? ApprovalCard(approval, publicURL: publicURL, now: clock.time()),
                card.timeLeft == nil
            else { return }
            shown = approval.revision
            do throws(SlackFailure) {
                _ = try await api.post(.update, SlackCard(card).update(of: message))
            } catch {
                logger.warning("a card cannot be corrected", metadata: ["error": "\(error.trouble)"])
                return
            }
        }
    }

    private func identity(_ person: SlackUser) -> ChannelIdentity? {
        ChannelIdentity(.slack, tenant: person.team, account: person.id)
    }
}
