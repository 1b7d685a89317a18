import CountersignCore
import GRDB

extension LedgerError {
    /// What a failure below means to an operator, and how to mend it.
    init(store error: any Error) {
        if let error = error as? LedgerError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.unavailable, "the ledger failed: \(error)")
            return
        }
        let detail = "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(
                .unavailable,
                "the disk, or its quota, is full: make room, nothing else needs to be done. \(detail)"
            )
        case .SQLITE_IOERR:
            self.init(.unavailable, "the disk cannot be read or written: look into the system's log. \(detail)")
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            self.init(
                .unavailable,
                "the ledger cannot be opened for writing: the data folder and everything in it must belong to the user "
                    + "that the gateway runs as. \(detail)",
            )
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .unavailable,
                "another program keeps the ledger locked: end it, for instance a database shell. \(detail)",
            )
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(.corrupt, "the ledger's file is damaged: restore it from a backup. \(detail)")
        default:
            self.init(.unavailable, "the ledger failed: \(detail)")
        }
    }
}
