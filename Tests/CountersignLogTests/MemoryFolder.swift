import CountersignLog
import Synchronization

/// A folder without a disk that can fail, and whose every state between two writes can be looked at.
final class MemoryFolder: DurableFolder {
    private struct State {
        var files: [String: [UInt8]] = [:]
        var writes = 0
        /// After how many more single files writing fails, as on a full disk.
        var room: Int?
        var readFailure: FolderError?
        var onWrite: (@Sendable (String) -> Void)?
    }

    let path = "/memory"
    private let state = Mutex(State())

    init(_ files: [String: [UInt8]] = [:]) { state.withLock { $0.files = files } }

    var files: [String: [UInt8]] {
        get { state.withLock { $0.files } }
        set { state.withLock { $0.files = newValue } }
    }

    /// How many single files were written.
    var writes: Int { state.withLock { $0.writes } }

    var room: Int? {
        get { state.withLock { $0.room } }
        set { state.withLock { $0.room = newValue } }
    }

    var readFailure: FolderError? {
        get { state.withLock { $0.readFailure } }
        set { state.withLock { $0.readFailure = newValue } }
    }

    func onWrite(_ body: @escaping @Sendable (String) -> Void) { state.withLock { $0.onWrite = body } }

    func read(_ name: String) async throws(FolderError) -> [UInt8]? {
        if let failure = readFailure { throw failure }
        return files[name]
    }

    func write(_ files: [FolderFile]) async throws(FolderError) {
        for file in files {
            state.withLock { $0.onWrite }?(file.name)
            let isKept = state.withLock { state in
                if state.room == 0 { return false }
                state.room = state.room.map { $0 - 1 }
                state.files[file.name] = file.bytes
                state.writes += 1
                return true
            }
            guard isKept else { throw FolderError("the disk is full, said a test") }
        }
    }

    func remove(_ names: [String]) async throws(FolderError) {
        state.withLock { state in for name in names { state.files[name] = nil } }
    }

    func names(in folder: String) async throws(FolderError) -> [String] {
        let prefix = folder.isEmpty ? "" : folder + "/"
        let inside = files.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        return Set(inside.compactMap { $0.split(separator: "/").first.map(String.init) }).sorted()
    }
}
