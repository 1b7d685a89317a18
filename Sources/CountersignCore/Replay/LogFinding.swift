/// One thing that is wrong with a ledger, where, and what to do about it.
///
/// Says what was found and expected by digests, numbers and names, never by what somebody wrote.
package struct LogFinding: Hashable, Sendable {
    /// What is wrong, for programs.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// SQLite cannot read the file, or finds its structure damaged.
        case databaseDamaged = "database-damaged"
        /// Tables, indexes or triggers are not those of this product.
        case schemaChanged = "schema-changed"
        /// An entry is not there.
        case entryMissing = "entry-missing"
        /// An entry stands where none can be.
        case entrySurplus = "entry-surplus"
        /// An entry is not the one that the tree has.
        case entryChanged = "entry-changed"
        /// An entry's bytes are not what this product writes.
        case entryMalformed = "entry-malformed"
        /// A column beside an entry does not repeat what the entry says.
        case entryColumn = "entry-column"
        /// The time went back.
        case entryTime = "entry-time"
        /// An entry says what cannot have happened after those before it.
        case entryImpossible = "entry-impossible"
        /// A tile is not there.
        case tileMissing = "tile-missing"
        /// A tile does not follow from what is below it.
        case tileChanged = "tile-changed"
        /// A tile stands where none can be.
        case tileSurplus = "tile-surplus"
        /// A checkpoint cannot be read, or is not signed by the log's key.
        case checkpointInvalid = "checkpoint-invalid"
        /// There is no key to check signatures with.
        case keyAbsent = "key-absent"
        /// Nothing signed is remembered.
        case checkpointAbsent = "checkpoint-absent"
        /// The file that remembers the newest checkpoint is not there.
        case floorAbsent = "floor-absent"
        /// A file of the published folder is not there.
        case publishedMissing = "published-missing"
        /// A file of the published folder is not what the log has.
        case publishedChanged = "published-changed"
        /// The published folder has files that its checkpoint does not speak of.
        case publishedSurplus = "published-surplus"
        /// What was signed is longer than the log.
        case logCut = "log-cut"
        /// The log's beginning is not what was signed.
        case logRewritten = "log-rewritten"
        /// A receipt does not have all entries of its approval.
        case receiptThin = "receipt-thin"
        /// What stood beside an entry is gone.
        case payloadMissing = "payload-missing"
        /// What stands beside an entry is not what it commits to.
        case payloadChanged = "payload-changed"
        /// Something stands beside an entry that commits to nothing.
        case payloadSurplus = "payload-surplus"
        /// Payloads are sealed, and their key is not here.
        case payloadsUnread = "payloads-unread"
        /// The search index is not of this log, or damaged.
        case searchStale = "search-stale"
        /// A row of a state table is not what the entries say.
        case stateChanged = "state-changed"
        /// A row is gone that the entries say is there.
        case stateMissing = "state-missing"
        /// A row is there that no entry tells of.
        case stateSurplus = "state-surplus"
    }

    /// What is wrong, for programs.
    package let code: Code
    /// Where: `entry 4711`, `tile 1/3`, `approval apr_…`.
    package let place: String
    /// What is wrong, in one sentence.
    package let message: String
    /// What should be there, if that can be said shortly.
    package let expected: String?
    /// What is there.
    package let found: String?
    /// Whether nothing is lost or false, so that the ledger passes all the same.
    package let isWarning: Bool

    /// Reports something.
    package init(
        _ code: Code,
        _ place: String,
        _ message: String,
        expected: String? = nil,
        found: String? = nil,
        isWarning: Bool = false,
    ) {
        self.code = code
        self.place = place
        self.message = message
        self.expected = expected
        self.found = found
        self.isWarning = isWarning
    }

    /// What to do about it.
    package var remedy: String {
        switch code {
        case .databaseDamaged:
            "Stop the gateway, keep the file for inquiry, and restore the newest backup that passes; look into the disk."
        case .schemaChanged:
            "Somebody changed the database with another program: keep the file for inquiry and restore a backup."
        case .entryMissing, .entrySurplus, .entryChanged, .entryMalformed, .entryColumn, .tileMissing, .tileChanged,
            .tileSurplus, .logCut, .logRewritten:
            "Stop the gateway, keep the file for inquiry, and restore the newest backup that passes. Whoever holds a "
                + "receipt or a cosigned checkpoint can tell what was there."
        case .entryTime:
            "The gateway refuses entries that run back; these were written by something else. Treat it as rewritten."
        case .entryImpossible:
            "The gateway's own rules forbid this: the entry was made by something else, or by a defect. Keep the file "
                + "and report it."
        case .checkpointInvalid:
            "Check that keys/log.key belongs to this data folder; if it does, restore the newest backup that passes."
        case .keyAbsent: "Name the log's verifier key with --key; whoever has receipts of this log has it."
        case .checkpointAbsent: "Start the gateway: it signs the log's head and remembers it."
        case .floorAbsent: "Start the gateway: it writes the file with the next checkpoint."
        case .publishedMissing, .publishedChanged:
            "Remove the folder's files, its checkpoint last, and start the gateway: it writes the whole log there again. "
                + "Find out who else can write there."
        case .publishedSurplus: "They do no harm: remove them, or leave them."
        case .receiptThin:
            "What it has is proven. It was taken before the others were written, or was cut: take it again to have them all."
        case .payloadMissing, .payloadChanged, .payloadSurplus:
            "The entry still verifies; what stood beside it may be in a backup. Somebody else wrote to the file: find out who."
        case .payloadsUnread: "Name the configuration whose payloads.key and payloads.previous have the keys."
        case .searchStale: "Nothing is lost: stop the gateway, remove the file and start it, which makes it anew."
        case .stateChanged, .stateMissing, .stateSurplus:
            "The entries are what happened. Stop the gateway, keep the file for inquiry, and restore the newest backup "
                + "that passes."
        }
    }
}
