/// How far the log has come outside of the ledger: signed, published, cosigned, exported; for `/metrics` and the
/// dashboard.
package struct LogStatus: Hashable, Sendable {
    /// The folder that a file server publishes.
    package struct Folder: Hashable, Sendable {
        /// Where it is.
        package let path: String
        /// How many entries its checkpoint covers; `nil` before the first.
        package let size: UInt64?
        /// Why the latest try to write it failed.
        package let error: String?

        /// Describes a folder.
        package init(path: String, size: UInt64?, error: String?) {
            self.path = path
            self.size = size
            self.error = error
        }
    }

    /// One witness.
    package struct Witness: Hashable, Sendable {
        /// Its key's name.
        package let name: String
        /// The host of its URL.
        package let host: String
        /// How many entries the latest checkpoint covers that it cosigned; `nil` if it has cosigned none.
        package let size: UInt64?
        /// How many signed entries it has not cosigned.
        package let lag: UInt64
        /// Why the latest try failed.
        package let error: String?
        /// When it cosigned last.
        package let time: Timestamp?

        /// Describes a witness.
        package init(name: String, host: String, size: UInt64?, lag: UInt64, error: String?, time: Timestamp?) {
            self.name = name
            self.host = host
            self.size = size
            self.lag = lag
            self.error = error
            self.time = time
        }
    }

    /// How many entries are durable.
    package var size: UInt64
    /// The newest checkpoint that anybody may see.
    package var newest: SignedHead?
    /// Why no newer one can be made now; for operators.
    package var trouble: String?
    /// The published folder, if there is one.
    package var folder: Folder?
    /// How many entries the newest checkpoint covers that enough witnesses have cosigned; `nil` before the first.
    package var cosigned: UInt64?
    /// The witnesses, in the order of the configuration.
    package var witnesses: [Witness]
    /// The exports, in the order of the configuration.
    package var exports: [ExportStatus]

    /// Collects what is known.
    package init(
        size: UInt64,
        newest: SignedHead? = nil,
        trouble: String? = nil,
        folder: Folder? = nil,
        witnesses: [Witness] = [],
        exports: [ExportStatus] = [],
    ) {
        self.size = size
        self.newest = newest
        self.trouble = trouble
        self.folder = folder
        self.witnesses = witnesses
        self.exports = exports
    }

    /// How many durable entries no shown checkpoint covers.
    package var unsigned: UInt64 { size - min(size, newest?.size ?? 0) }
}
