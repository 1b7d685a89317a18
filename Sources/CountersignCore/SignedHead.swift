package import TransparencyLog

/// A signed checkpoint of the log that may be shown to anybody.
package struct SignedHead: Hashable, Sendable {
    /// How many entries it covers.
    package let size: UInt64
    /// The root of their tree.
    package let root: LogHash
    /// The signed note (C2SP tlog-checkpoint).
    package let note: String
    /// When it was signed.
    package let time: Timestamp

    /// Joins a checkpoint and its note.
    package init(size: UInt64, root: LogHash, note: String, time: Timestamp) {
        self.size = size
        self.root = root
        self.note = note
        self.time = time
    }
}
