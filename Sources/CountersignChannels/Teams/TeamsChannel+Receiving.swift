import CanonicalJSON
import CountersignCards
package import CountersignCore
import NIOCore

extension TeamsChannel {
    /// How long one question to Microsoft may take while somebody waits for an answer.
    private static let haste = TimeAmount.milliseconds(1200)
    /// How long somebody waits at most.
    private static let limit = Duration.milliseconds(2600)

    /// Answers a call of Teams' servers.
    package func receive(_ request: ChannelRequest) async -> ChannelReply {
        guard request.endpoint == "messages" else { return .notFound }
        let now = clock.time()
        let activity: TeamsActivity
        do {
            let credential = try BotCredential(request.field("authorization"), settings: settings, now: now)
            let key = try await keys.key(credential.keyID, within: Self.haste).mapError { absence in
                switch absence {
                case .unknown: BotRefusal(.signatureInvalid, "the token's key is not one of Teams")
                case .unavailable: BotRefusal(.channelUnavailable, "Teams' keys cannot be had")
                }
            }.get()
            try credential.check(key)
            activity = try TeamsActivity(request.body)
            try credential.check(activity, key: key)
            let identity = activity.account.flatMap {
                ChannelIdentity(.teams, tenant: activity.tenant, account: $0)
            }
            guard activity.tenant == settings.tenant else {
                let reason = Reason(.accountRefused, "The activity is of another tenant.")
                return await refuse(reason, identity, "the activity is of another tenant", request)
            }
            if let id = activity.id, activity.kind != .arrived, activity.kind != .left {
                let name = "\(activity.conversation) \(id)"
                let end = credential.expiresAt.adding(BotCredential.skew)
                guard seen.isNew(name, until: end, now: now) else {
                    let reason = Reason(.callbackReplayed, ReasonCode.callbackReplayed.explanation)
                    return await refuse(reason, identity, "the activity came before", request)
                }
            }
        } catch let refusal as BotRefusal {
            return await refuse(refusal.reason, nil, refusal.detail, request)
        } catch let fault as ChannelFault {
            return await refuse(Reason(.badRequest, fault.message), nil, fault.message, request)
        } catch {
            return await refuse(Reason(.signatureInvalid, "The call is refused."), nil, "", request)
        }
        return await answer(activity, request)
    }

    /// Does what an activity asks for, that is known to be of Teams and of our tenant.
    private func answer(_ activity: TeamsActivity, _ request: ChannelRequest) async -> ChannelReply {
        if activity.kind == .left {
            await places.forget(activity)
            return ChannelReply(status: 200)
        }
        let isNew = await places.learn(activity)
        switch activity.kind {
        case .action: return Self.reply(await inTime { await act(activity, request) })
        case .submission:
            await submit(activity, request)
            return ChannelReply(status: 200)
        case .arrived:
            if isNew {
                say(
                    "Countersign is here. To be asked in this conversation, let a route of `routing` have "
                        + "{channel: \(settings.name), to: \"\(activity.conversation)\"}.",
                    activity
                )
            }
            return ChannelReply(status: 200)
        case .words(let text):
            await note(text, activity, request)
            return ChannelReply(status: 200)
        case .otherInvoke: return ChannelReply(status: 501)
        case .left, .other: return ChannelReply(status: 200)
        }
    }

    /// Keeps what somebody said below a card with the approval; what is said elsewhere is no concern of ours.
    private func note(_ text: String, _ activity: TeamsActivity, _ request: ChannelRequest) async {
        guard !text.isEmpty, let answered = activity.answered,
            let approval = await desk.approval(
                shownAs: answered,
                at: Destination(channel: name, address: activity.conversation),
            )
        else { return }
        let result: Result<Approval, Reason>
        switch await user(activity, request) {
        case .success(let (user, _)): result = await desk.comment(text, on: approval, by: user)
        case .failure(let reason): result = .failure(reason)
        }
        if case .failure(let reason) = result { say("Not kept: \(reason.message)", activity) }
    }

    /// A button of `Action.Execute`, or a viewer's card.
    private func act(_ activity: TeamsActivity, _ request: ChannelRequest) async -> TeamsReply {
        let answer: TeamsAnswer
        do throws(ChannelFault) {
            answer = try TeamsAnswer(activity: activity.json)
        } catch {
            await desk.refuse(Reason(.badRequest, error.message), identity(activity), name, detail: error.message)
            return .error(status: 400, code: "BadRequest", message: error.message)
        }
        if let reason = await misplaced(answer, activity) { return .sentence(reason.message) }
        if answer.verb == .refresh { return await view(answer.handle, activity) }
        let reason = await decide(answer, activity, request)
        return await card(answer.handle, activity, note: reason?.message)
            ?? .sentence(reason?.message ?? ReasonCode.notFound.explanation)
    }

    /// A button of `Action.Submit`, which nobody waits for: the card is corrected by its notice, and a refusal is said.
    private func submit(_ activity: TeamsActivity, _ request: ChannelRequest) async {
        do throws(ChannelFault) {
            let answer = try TeamsAnswer(activity: activity.json)
            guard answer.verb != .refresh, await misplaced(answer, activity) == nil else { return }
            if let reason = await decide(answer, activity, request) { say("Not done: \(reason.message)", activity) }
        } catch {
            await desk.refuse(Reason(.badRequest, error.message), identity(activity), name, detail: error.message)
        }
    }

    /// Why a button's data count for nothing here: no card of that approval was ever posted into the conversation.
    ///
    /// Whoever makes up an activity of their own, in a chat with the bot, is neither shown nor asked anything.
    private func misplaced(_ answer: TeamsAnswer, _ activity: TeamsActivity) async -> Reason? {
        let place = Destination(channel: name, address: activity.conversation)
        guard await !desk.wasTold(answer.handle.approval, at: place) else { return nil }
        let reason = Reason(.notFound, "Nobody in this conversation was asked about that.")
        return await desk.refuse(reason, identity(activity), name, detail: "another conversation's card")
    }

    /// The user who did something, or why it is nobody.
    private func user(
        _ activity: TeamsActivity,
        _ request: ChannelRequest,
    ) async -> Result<(SignedInUser, ChannelIdentity), Reason> {
        guard let identity = identity(activity) else {
            let reason = Reason(.accountUnknown, ReasonCode.accountUnknown.explanation)
            let refused = await desk.refuse(reason, nil, name, detail: "no account", source: request.sourceAddress)
            return .failure(refused)
        }
        return await desk.user(identity, channel: name) {
            await people.profile(of: activity, within: Self.haste)
        }.map { ($0, identity) }
    }

    /// Counts an answer; `nil` if it counts, else why not.
    private func decide(_ answer: TeamsAnswer, _ activity: TeamsActivity, _ request: ChannelRequest) async -> Reason? {
        switch await user(activity, request) {
        case .failure(let reason): return reason
        case .success(let (user, identity)):
            let verdict: Decision.Verdict = answer.verb == .approve ? .approve : .deny
            let ballot = ChannelDesk.Answer(
                identity: identity,
                handle: answer.handle,
                verdict: verdict,
                reason: answer.reason,
            )
            switch await desk.decide(ballot, by: user) {
            case .success: return nil
            case .failure(let reason): return reason
            }
        }
    }

    /// The card as it is now, for the one who looks: without buttons where they may not decide.
    private func view(_ handle: CardHandle, _ activity: TeamsActivity) async -> TeamsReply {
        await card(handle, activity, note: nil) ?? .sentence(ReasonCode.notFound.explanation)
    }

    private func card(_ handle: CardHandle, _ activity: TeamsActivity, note: String?) async -> TeamsReply? {
        guard let approval = await desk.approval(handle),
            let card = try? ApprovalCard(approval, publicURL: publicURL, now: clock.time())
        else { return nil }
        // Who is nobody yet sees the buttons: pressing one makes the first link.
        let mayDecide = identity(activity).flatMap { desk.linked($0) }.map { desk.isAsked($0, on: approval) } ?? true
        return .card(TeamsCard(card, viewers: [activity.sender], mayDecide: mayDecide, note: note))
    }

    private func identity(_ activity: TeamsActivity) -> ChannelIdentity? {
        activity.account.flatMap { ChannelIdentity(.teams, tenant: activity.tenant, account: $0) }
    }

    private func say(_ text: String, _ activity: TeamsActivity) {
        saying.yield(Saying(conversation: activity.conversation, answered: activity.answered, text: text))
    }

    /// An answer within the time that Teams waits; what was begun is done all the same, and the card shows it.
    private func inTime(_ work: @escaping @Sendable () async -> TeamsReply) async -> TeamsReply {
        await withTaskGroup { group in
            group.addTask { await work() }
            group.addTask {
                try? await Task.sleep(for: Self.limit)
                return .error(
                    status: 503,
                    code: "Busy",
                    message: "This takes too long. Look at the card, or try again."
                )
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? .error(status: 503, code: "Busy", message: "The server stops.")
        }
    }

    private static func reply(_ reply: TeamsReply) -> ChannelReply {
        ChannelReply(status: 200, contentType: "application/json", body: reply.json.canonicalBytes())
    }

    /// Says no, with an entry: 403, or 503 where we cannot know.
    private func refuse(
        _ reason: Reason,
        _ identity: ChannelIdentity?,
        _ detail: String,
        _ request: ChannelRequest,
    ) async -> ChannelReply {
        await desk.refuse(reason, identity, name, detail: detail, source: request.sourceAddress)
        let status: Int64 = reason.code == .channelUnavailable ? 503 : 403
        let problem: JSONValue = [
            "code": .string(reason.code.rawValue), "status": .integer(status), "title": .string(reason.message),
        ]
        return ChannelReply(
            status: Int(status),
            contentType: "application/problem+json",
            body: problem.canonicalBytes(),
        )
    }
}
