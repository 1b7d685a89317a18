/// How an export of the log stands, for `/metrics` and the dashboard.
package struct ExportStatus: Hashable, Sendable {
    /// The export's name.
    package let name: String
    /// Where it goes, without secrets.
    package let destination: String
    /// How many entries are committed and not delivered.
    package let lagEntries: UInt64
    /// How old the oldest of them is.
    package let lagTime: Duration
    /// How many entries were delivered since the start.
    package let delivered: UInt64
    /// How many tries failed since the start.
    package let failures: UInt64
    /// What is wrong with the last try, if it failed.
    package let problem: String?

    /// Collects numbers.
    package init(
        name: String,
        destination: String,
        lagEntries: UInt64,
        lagTime: Duration,
        delivered: UInt64,
        failures: UInt64,
        problem: String?,
    ) {
        self.name = name
        self.destination = destination
        self.lagEntries = lagEntries
        self.lagTime = lagTime
        self.delivered = delivered
        self.failures = failures
        self.problem = problem
    }
}
