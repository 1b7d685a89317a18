package import CountersignCore
import CountersignLog
import CountersignStore

/// Reads a data folder's log as exports write it, beside the running server or without one; it changes nothing.
package struct EntryExport {
    /// Which entries are wanted.
    package struct Filter: Sendable {
        /// Only these kinds; empty for all.
        package var kinds: [EntryKind]
        /// Only about this agent.
        package var agent: AgentID?
        /// Not before this moment.
        package var from: Timestamp?
        /// Before this moment.
        package var to: Timestamp?

        /// Wants all, or some.
        package init(kinds: [EntryKind] = [], agent: AgentID? = nil, from: Timestamp? = nil, to: Timestamp? = nil) {
            self.kinds = kinds
            self.agent = agent
            self.from = from
            self.to = to
        }
    }

    /// What a line is; ``ExportSettings/Format`` for those who know only this target.
    package enum Format: Hashable, Sendable {
        /// The entry: the Merkle tree's leaf.
        case ndjson
        /// An OCSF event.
        case ocsf
    }

    private let excerpt: LedgerExcerpt
    private let source: OCSFEvent.Source

    /// Opens the ledger of a configuration's data folder.
    package init(_ configuration: Configuration) throws {
        let ledger = Countersign.ledgerPath(configuration.data)
        guard LocalFile.exists(ledger) else {
            throw StartupError("\(configuration.data) is no data folder: there is no ledger.db in it")
        }
        excerpt = try LedgerExcerpt(path: ledger, sealer: try configuration.sealer(makesMissing: false))
        source = OCSFEvent.Source(origin: configuration.origin, version: Product.version)
    }

    /// Visits the entries, oldest first, each as one line without its end.
    package func each(
        _ filter: Filter,
        as format: Format,
        _ visit: (_ line: [UInt8]) throws -> Void,
    ) throws {
        let form: ExportSettings.Format = format == .ocsf ? .ocsf : .ndjson
        let kinds = filter.kinds.isEmpty ? EntryKind.allCases : filter.kinds
        try excerpt.each(kinds: kinds, agent: filter.agent, from: filter.from, to: filter.to) { entry in
            let record = try ExportRecord(entry, as: form, from: source) { id throws(LedgerError) in
                try excerpt.approval(id).map { OCSFEvent.Subject($0) }
            }
            try visit(record.bytes)
        }
    }
}
