import CountersignCore
import CountersignStore
import CountersignTestKit
import Crypto
import Foundation
import GRDB
import Testing
import TransparencyLog

@Suite("A witness's memory", .timeLimit(.minutes(10)))
struct WitnessStoreTests {
    let signer: NoteSigner

    init() throws { signer = try Fixtures.logSigner() }

    private func root(_ size: UInt64) -> LogHash { size == 0 ? .emptyTree : .leaf(Array("tree of \(size)".utf8)) }

    private func memory(_ size: UInt64, time: UInt64 = 1_767_225_600) throws -> WitnessStore.Memory {
        let checkpoint = Checkpoint(origin: signer.name, size: size, root: root(size))
        return WitnessStore.Memory(checkpoint: checkpoint, time: time, note: try checkpoint.signed(by: signer))
    }

    private func refusal(_ body: () async throws -> Void) async -> LedgerError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? LedgerError)?.code
        }
    }

    @Test("a step is there for whoever opens the file next, also when nobody closed it")
    func durable() async throws {
        try await withTemporaryFolder { folder in
            let store = try WitnessStore(path: folder + "/a/witness.db")
            #expect(try await store.memory(of: signer.name) == nil)
            #expect(try await store.step(from: .none, to: memory(3)) == .taken)
            // What a killed process leaves: the file as it is, without a journal to come back from.
            try FileManager.default.copyItem(atPath: folder + "/a/witness.db", toPath: folder + "/copy.db")
            #expect(!FileManager.default.fileExists(atPath: folder + "/a/witness.db-journal"))
            let copy = try WitnessStore(path: folder + "/copy.db")
            #expect(try await copy.memory(of: signer.name) == memory(3))
            #expect(try await copy.all() == [memory(3)])
            #expect(try permissions(folder + "/a/witness.db") == 0o600)
            #expect(try permissions(folder + "/a") == 0o700)
            try await copy.close()
            try await store.close()
        }
    }

    @Test("a step that began from another tree is refused, and told what is stored")
    func compareAndSet() async throws {
        try await withTemporaryFolder { folder in
            let store = try WitnessStore(path: folder + "/witness.db")
            let stored = try memory(3)
            #expect(try await store.step(from: WitnessedTree(size: 2, root: root(2)), to: stored) == .overtaken(nil))
            #expect(try await store.step(from: .none, to: stored) == .taken)
            #expect(try await store.step(from: .none, to: memory(5)) == .overtaken(stored))
            let other = WitnessedTree(size: 3, root: root(4))
            #expect(try await store.step(from: other, to: memory(5)) == .overtaken(stored))
            #expect(try await store.memory(of: signer.name) == stored)
            #expect(try await store.step(from: stored.tree, to: memory(5)) == .taken)
            // Another log is another row.
            #expect(try await store.memory(of: "other.example/log") == nil)
            try await store.close()
        }
    }

    @Test("of many steps from one tree, one is taken")
    func race() async throws {
        try await withTemporaryFolder { folder in
            let store = try WitnessStore(path: folder + "/witness.db")
            let taken = try await withThrowingTaskGroup(of: UInt64?.self) { group in
                for size in UInt64(1)...32 {
                    let next = try memory(size)
                    group.addTask { try await store.step(from: .none, to: next) == .taken ? size : nil }
                }
                return try await group.reduce(into: [UInt64]()) { taken, size in
                    if let size { taken.append(size) }
                }
            }
            #expect(taken.count == 1)
            #expect(try await store.memory(of: signer.name)?.checkpoint.size == taken.first)
            try await store.close()
        }
    }

    @Test("no step is older than the one before")
    func clock() async throws {
        try await withTemporaryFolder { folder in
            let store = try WitnessStore(path: folder + "/witness.db")
            let first = try memory(3, time: 100)
            _ = try await store.step(from: .none, to: first)
            #expect(try await store.step(from: first.tree, to: memory(5, time: 99)) == .clockWentBack(100))
            #expect(try await store.memory(of: signer.name) == first)
            #expect(try await store.step(from: first.tree, to: memory(5, time: 100)) == .taken)
            try await store.close()
        }
    }

    @Test("a full disk is an error, and what was stored stays")
    func full() async throws {
        try await withTemporaryFolder { folder in
            // The empty file fills its limit, so that the first row that needs another page finds none.
            let store = try WitnessStore(path: folder + "/witness.db", maximumSize: 3 * 4096)
            var origin = 0
            var code: LedgerError.Code?
            repeat {
                let checkpoint = Checkpoint(origin: "\(origin).example/log", size: 1, root: root(1))
                let note = try checkpoint.signed(
                    by: NoteSigner(name: checkpoint.origin, privateKey: Curve25519.Signing.PrivateKey())
                )
                let next = WitnessStore.Memory(checkpoint: checkpoint, time: 1, note: note)
                code = await refusal { _ = try await store.step(from: .none, to: next) }
                origin += 1
            } while code == nil && origin < 1000
            #expect(code == .unavailable)
            #expect(try await store.all().count == origin - 1)
            try await store.close()
        }
    }

    @Test("two processes never have one state open")
    func locked() async throws {
        try await withTemporaryFolder { folder in
            let store = try WitnessStore(path: folder + "/witness.db")
            #expect(await refusal { _ = try WitnessStore(path: folder + "/witness.db") } == .locked)
            try await store.close()
            #expect(await refusal { _ = try await store.all() } == .unavailable)
            let next = try WitnessStore(path: folder + "/witness.db")
            try await next.close()
        }
    }

    @Test(
        "what is no witness's state, or a newer one, is refused and not changed",
        arguments: ["text", "ledger", "new"]
    )
    func foreign(_ kind: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/witness.db"
            switch kind {
            case "text": try Data(repeating: 65, count: 5000).write(to: URL(fileURLWithPath: path))
            case "ledger": try await SQLiteLedger(path: path, clock: ManualClock(), sealer: .fixture).close()
            default:
                try await WitnessStore(path: path).close()
                let queue = try DatabaseQueue(path: path)
                try await queue.write { try $0.execute(sql: "PRAGMA user_version = 2") }
                try queue.close()
            }
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(await refusal { _ = try WitnessStore(path: path) } == (kind == "new" ? .newer : .corrupt))
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        }
    }

    @Test(
        "a row that does not fit its note is damage",
        arguments: ["size = 4", "root = zeroblob(32)", "origin = x'61'"]
    )
    func damaged(_ change: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/witness.db"
            let store = try WitnessStore(path: path)
            _ = try await store.step(from: .none, to: memory(3))
            try await store.close()
            let queue = try DatabaseQueue(path: path)
            try await queue.write { try $0.execute(sql: "UPDATE log SET \(change)") }
            try queue.close()
            #expect(await refusal { _ = try WitnessStore(path: path) } == .corrupt)
        }
    }
}
