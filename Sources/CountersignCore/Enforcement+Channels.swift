import CanonicalJSON

extension Enforcement {
    /// Records that something that came through a channel was refused before it was anybody's decision.
    ///
    /// Of a flood from one address or account, only some are recorded, with the number of the others.
    package func refuseInChannel(
        _ reason: Reason,
        identity: ChannelIdentity?,
        channel: ChannelName?,
        detail: String,
        source: String?,
    ) async -> Reason {
        var about: [(String, JSONValue)] = []
        if let channel { about.append(("channel", .string(channel.rawValue))) }
        if let identity { about.append(("account", .string(identity.description))) }
        let via = identity?.kind.rawValue ?? "channel"
        return await refuseStranger(reason, via: via, key: identity?.description ?? source, about, detail, source)
    }

    /// Records a refusal of somebody who is nobody here yet; `key` is whose flood is cut short.
    func refuseStranger(
        _ reason: Reason,
        via: String,
        key: String?,
        _ about: [(String, JSONValue)],
        _ detail: String,
        _ source: String?,
    ) async -> Reason {
        let now = clock.time()
        guard let suppressed = strangers.admit(key, now: now) else { return reason }
        var members = about + [("reasons", .array([.string(reason.code.rawValue)]))]
        if !detail.isEmpty { members.append(("detail", .string(EntryWriter.shortened(detail)))) }
        if let source {
            members.append(("circumstances", ["source_address": .string(EntryWriter.shortened(source))]))
        }
        if suppressed > 0 { members.append(("suppressed", .integer(suppressed))) }
        let entry = EntryDraft(
            .channelRefused,
            time: now,
            actor: Actor(type: "User", id: "unknown", via: via),
            members: members,
        )
        return await commit(entry) ?? reason
    }
}
