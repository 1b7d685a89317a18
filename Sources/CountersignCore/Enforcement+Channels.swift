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
        let now = clock.time()
        guard let suppressed = strangers.admit(identity?.description ?? source, now: now) else { return reason }
        var members: [(String, JSONValue)] = [("reasons", [.string(reason.code.rawValue)])]
        if let channel { members.append(("channel", .string(channel.rawValue))) }
        if let identity { members.append(("account", .string(identity.description))) }
        if !detail.isEmpty { members.append(("detail", .string(EntryWriter.shortened(detail)))) }
        if let source {
            members.append(("circumstances", ["source_address": .string(EntryWriter.shortened(source))]))
        }
        if suppressed > 0 { members.append(("suppressed", .integer(suppressed))) }
        let actor = Actor(type: "User", id: "unknown", via: identity?.kind.rawValue ?? "channel")
        let entry = EntryDraft(.channelRefused, time: now, actor: actor, members: members)
        return await commit(entry) ?? reason
    }
}
