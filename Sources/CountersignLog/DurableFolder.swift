/// A folder whose files are replaced whole: whoever reads one, also after a crash, finds all of it or the one before.
///
/// Names are relative paths with `/` between their parts. Only one process writes to a folder.
package protocol DurableFolder: Sendable {
    /// Where it is, for messages.
    var path: String { get }
    /// A file's bytes; `nil` if there is none.
    func read(_ name: String) async throws(FolderError) -> [UInt8]?
    /// Replaces files, or makes them with their folders; all of them are durable when it returns.
    ///
    /// An error says that any of them may be there, each of them whole.
    func write(_ files: [FolderFile]) async throws(FolderError)
    /// Removes files; those that are not there count as removed.
    func remove(_ names: [String]) async throws(FolderError)
    /// The names of what is in a folder inside, sorted; empty if there is no such folder.
    func names(in folder: String) async throws(FolderError) -> [String]
}

/// A file to be.
package struct FolderFile: Hashable, Sendable {
    /// Its relative path.
    package let name: String
    /// All of it.
    package let bytes: [UInt8]

    /// Names bytes.
    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// What could not be done in a folder.
package struct FolderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What, where and why; for operators.
    package let description: String

    /// States what is wrong.
    package init(_ description: String) { self.description = description }
}
