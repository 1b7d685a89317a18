import CanonicalJSON

/// Whether a channel is used: a receiver can switch it off, and an operator on again.
///
/// The log keeps it: the newest `channel.changed` of a channel counts, as long as the channel is set up as it was then.
package struct ChannelSwitch: Hashable, Sendable {
    /// The states.
    package enum State: String, Hashable, Sendable {
        /// It is left alone.
        case disabled
        /// It is used.
        case enabled
    }

    /// Which.
    package let state: State
    /// The digest of how the channel was set up then.
    package let setup: String

    /// Whether a channel that is set up like this is left alone.
    package func isOff(_ setup: String) -> Bool {
        state == .disabled && setup.utf8.elementsEqual(self.setup.utf8)
    }
}

extension Enforcement {
    /// The last change of a channel; `nil` of one that never changed.
    package func lastSwitch(of channel: ChannelName) async throws(LedgerError) -> ChannelSwitch? {
        var query = EntryQuery(kinds: [.channelChanged], limit: 200)
        while true {
            let page = try await ledger.entries(query)
            for entry in page.items {
                guard let members = StoredJSON.value(entry.bytes), members["channel"]?.stringValue == channel.rawValue
                else { continue }
                guard let state = members["state"]?.stringValue.flatMap({ ChannelSwitch.State(rawValue: $0) }),
                    let setup = members["setup"]?.stringValue
                else { throw LedgerError(.corrupt, "entry \(entry.sequence) does not say how \(channel) stands") }
                return ChannelSwitch(state: state, setup: setup)
            }
            guard let next = page.next else { return nil }
            query.cursor = next
        }
    }

    /// Switches a channel off or on; the entry is on disk when this returns without a reason.
    package func switchChannel(
        _ channel: ChannelName,
        _ state: ChannelSwitch.State,
        setup: String,
        detail: String,
        by actor: Actor,
    ) async -> Reason? {
        let members: [(String, JSONValue)] = [
            ("channel", .string(channel.rawValue)), ("detail", .string(EntryWriter.shortened(detail))),
            ("setup", .string(setup)), ("state", .string(state.rawValue)),
        ]
        return await commit(EntryDraft(.channelChanged, time: clock.time(), actor: actor, members: members))
    }

    /// Uses a channel again that its receiver switched off.
    package func enableChannel(_ channel: ChannelName, by actor: Actor) async -> Result<Void, Reason> {
        do throws(LedgerError) {
            guard let last = try await lastSwitch(of: channel), last.state == .disabled else {
                return .failure(Reason(.wrongState, "The channel \(channel) is not switched off."))
            }
            let detail = "switched on by an operator"
            let reason = await switchChannel(channel, .enabled, setup: last.setup, detail: detail, by: actor)
            return reason.map { .failure($0) } ?? .success(())
        } catch {
            return .failure(error.reason)
        }
    }
}
