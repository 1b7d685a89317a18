/// Which entries a search shows: those that meet every condition given.
package struct EntryQuery: Hashable, Sendable {
    /// Only these kinds; empty for all.
    package var kinds: [EntryKind]
    /// Only about this agent.
    package var agent: AgentID?
    /// Only those that this user has a part in.
    package var user: UserID?
    /// Only about this connection.
    package var connection: ConnectionName?
    /// Only with one of these effects; empty for all.
    package var effects: [Effect]
    /// Only with one of these statuses; empty for all.
    package var statuses: [EntryStatus]
    /// Only of this approval.
    package var approval: ApprovalID?
    /// Not before.
    package var from: Timestamp?
    /// Before.
    package var to: Timestamp?
    /// Words that occur in the entry, as ``EntryWords`` has it.
    package var text: String?
    /// The cursor that the page before gave: a sequence number.
    package var cursor: String?
    /// Oldest first, from after the cursor; newest first otherwise.
    package var ascending: Bool
    /// How many; 1 to 200.
    package var limit: Int

    /// Makes a query.
    package init(
        kinds: [EntryKind] = [],
        agent: AgentID? = nil,
        user: UserID? = nil,
        connection: ConnectionName? = nil,
        effects: [Effect] = [],
        statuses: [EntryStatus] = [],
        approval: ApprovalID? = nil,
        from: Timestamp? = nil,
        to: Timestamp? = nil,
        text: String? = nil,
        cursor: String? = nil,
        ascending: Bool = false,
        limit: Int = 50,
    ) {
        self.kinds = kinds
        self.agent = agent
        self.user = user
        self.connection = connection
        self.effects = effects
        self.statuses = statuses
        self.approval = approval
        self.from = from
        self.to = to
        self.text = text
        self.cursor = cursor
        self.ascending = ascending
        self.limit = limit
    }
}

/// What an entry says became of an action.
///
/// Entries that say nothing of the kind, such as a single decision or a new key, have no status.
package enum EntryStatus: String, Hashable, Sendable, CaseIterable {
    /// `action.allowed`.
    case allowed
    /// `action.denied`, and `approval.settled` by a user's no.
    case denied
    /// `approval.requested`.
    case pending
    /// `approval.settled`: every gate is met.
    case approved
    /// `action.dispatched`: the grant was used.
    case redeemed
    /// `action.completed`: the outcome was good.
    case succeeded
    /// `action.completed`: the outcome was bad.
    case failed
    /// `action.completed`: nobody knows.
    case unknown
    /// `approval.settled`: nobody decided in time.
    case expired
    /// `approval.settled`: the agent withdrew it.
    case withdrawn
    /// `approval.settled`: the grant was not used in time.
    case lapsed
    /// `approval.settled`: the grant was taken back.
    case revoked
}
