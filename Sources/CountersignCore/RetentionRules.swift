/// How long payloads are kept, connection by connection.
package struct RetentionRules: Hashable, Sendable {
    /// How long.
    package enum Term: Hashable, Sendable {
        /// Until somebody erases them.
        case forever
        /// For so long after their entry.
        case during(Duration)
    }

    /// Where a connection says nothing; also for connections that are no longer configured.
    package var standard: Term
    /// What connections say themselves.
    package var connections: [ConnectionName: Term]

    /// The shortest term: what is shorter would race with the approvals that need the documents.
    package static let shortest = Duration.seconds(3600)

    /// Sets terms.
    package init(standard: Term = .forever, connections: [ConnectionName: Term] = [:]) {
        self.standard = standard
        self.connections = connections
    }
}
