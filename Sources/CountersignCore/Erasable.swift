/// Which payloads retention is looking for.
package struct ErasableQuery: Hashable, Sendable {
    /// Whose payloads.
    package enum Scope: Hashable, Sendable {
        /// This connection's.
        case connection(ConnectionName)
        /// Those of all connections but these.
        case allExcept([ConnectionName])
    }

    /// Whose.
    package var scope: Scope
    /// The first entry to look at.
    package var from: UInt64
    /// Only entries before this moment.
    package var before: Timestamp
    /// The most payloads on a page.
    package var limit: Int

    /// Makes a query.
    package init(_ scope: Scope, from: UInt64, before: Timestamp, limit: Int) {
        self.scope = scope
        self.from = from
        self.before = before
        self.limit = limit
    }
}

/// Payloads that may be erased.
package struct ErasablePage: Hashable, Sendable {
    /// One payload.
    package struct Item: Hashable, Sendable {
        /// The entry beside which it stands.
        package let sequence: UInt64
        /// The entry's connection.
        package let connection: ConnectionName?

        /// Names a payload.
        package init(sequence: UInt64, connection: ConnectionName?) {
            self.sequence = sequence
            self.connection = connection
        }
    }

    /// The payloads, oldest first.
    package let items: [Item]
    /// The first entry before the next page that must be looked at again, because its approval is under way.
    package let skipped: UInt64?
    /// Where to go on.
    package let next: UInt64
    /// Whether there is nothing more to look at now.
    package let isLast: Bool

    /// Makes a page.
    package init(items: [Item], skipped: UInt64?, next: UInt64, isLast: Bool) {
        self.items = items
        self.skipped = skipped
        self.next = next
        self.isLast = isLast
    }
}
