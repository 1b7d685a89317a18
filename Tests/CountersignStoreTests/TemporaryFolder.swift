import Foundation
import Synchronization

/// How many tests may have a folder, and so a ledger, at once.
///
/// The writer of an open ledger has a thread of Dispatch's pool for itself, and the pool has 255: with a ledger for each
/// test that Swift Testing starts, none would get any further. The mutex guards who waits.
private final class Folders: Sendable {
    private struct State {
        var free = 24
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// The one that all tests share.
    static let shared = Folders()
    /// Whether the test has one already; what it needs more is part of it.
    @TaskLocal static var isTaken = false

    private let state = Mutex(State())

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free == 0 {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}

/// Lends a new, empty folder and removes it.
func withTemporaryFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    if Folders.isTaken { return try await withFolder(body) }
    await Folders.shared.take()
    defer { Folders.shared.give() }
    return try await Folders.$isTaken.withValue(true) { try await withFolder(body) }
}

private func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("countersign-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}

/// A file's permission bits.
func permissions(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
}
