package import CountersignCore
import TransparencyLog

/// The file that remembers, beside the database, the largest checkpoint that anybody may have seen.
///
/// A database that was restored from an older backup does not know what was signed after the backup; this file does.
package struct CheckpointFloor: Sendable {
    /// The file's name in the data folder.
    package static let name = "checkpoint"

    /// Where it is in a data folder.
    package static func path(data: String) -> String { data + "/" + name }

    private let folder: any DurableFolder

    /// The floor in a data folder.
    package init(in folder: any DurableFolder) { self.folder = folder }

    /// Where it is, for messages.
    package var place: String { folder.path + "/" + Self.name }

    /// The checkpoint; `nil` if there is no such file.
    package func read() async throws(LedgerError) -> String? {
        do {
            guard let bytes = try await folder.read(Self.name) else { return nil }
            // What is not text is no note, which whoever parses it finds out.
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw LedgerError(.unsigned, "\(error); without this file nothing is signed, so make it readable again")
        }
    }

    /// Raises the floor, durably, before the checkpoint is shown to anybody.
    package func raise(to note: String) async throws(LedgerError) {
        do {
            try await folder.write([FolderFile(name: Self.name, bytes: Array(note.utf8))])
        } catch {
            throw LedgerError(
                .unsigned,
                "\(error); no checkpoint is shown that this file does not remember, so make room, or make the folder "
                    + "writable again; nothing else needs to be done",
            )
        }
    }
}
