import CountersignCore
import CountersignLog
import CountersignTestKit
import Crypto
import Testing
import TransparencyLog

@Suite("A log is never signed below what was shown", .timeLimit(.minutes(10)))
struct CheckpointFloorTests {
    let signer: NoteSigner
    let folder = MemoryFolder()

    init() throws { signer = try Fixtures.logSigner() }

    /// A ledger with these entries.
    private func ledger(_ texts: [String]) async throws -> InMemoryLedger {
        let ledger = InMemoryLedger()
        for text in texts {
            _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: text)]))
        }
        return ledger
    }

    private func head(_ ledger: any LogLedger) -> LogHead { LogHead.testing(ledger, signer: signer, folder: folder) }

    private func floor() throws -> Checkpoint {
        let note = String(decoding: try #require(folder.files[CheckpointFloor.name]), as: UTF8.self)
        return try Checkpoint(parsing: try SignedNote(parsing: note).verified(by: [signer.verifier]))
    }

    private func refusal(_ body: () async throws -> Void) async -> LedgerError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? LedgerError
        }
    }

    @Test("the floor is what was signed last, and the next start accepts it")
    func accepted() async throws {
        let ledger = try await ledger(["a", "b"])
        try await head(ledger).advance()
        #expect(try floor().size == 2)
        _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: "c")]))
        let next = head(ledger)
        try await next.begin()
        try await next.advance()
        #expect(try floor().size == 3)
    }

    @Test("an empty log is signed, too, and can grow")
    func empty() async throws {
        let ledger = try await ledger([])
        try await head(ledger).advance()
        #expect(try floor().size == 0)
        _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: "a")]))
        try await head(ledger).begin()
    }

    @Test("a floor that is missing is made again from what the ledger remembers")
    func missing() async throws {
        let ledger = try await ledger(["a"])
        try await head(ledger).advance()
        folder.files = [:]
        let next = head(ledger)
        try await next.begin()
        try await next.advance()
        #expect(try floor().size == 1)
        // Also while running.
        folder.files = [:]
        _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: "b")]))
        try await next.advance()
        #expect(try floor().size == 2)
    }

    @Test("a restored older ledger is refused, and the message says how far it was shown and what to do")
    func rolledBack() async throws {
        try await head(try await ledger(["a", "b", "c"])).advance()
        let restored = try await ledger(["a", "b"])
        let error = await refusal { try await head(restored).begin() }
        #expect(error?.code == .corrupt)
        for part in ["has 2 entries", "checkpoint of 3", "/memory/checkpoint", "restore", "log.origin"] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
        #expect(try floor().size == 3)
    }

    @Test("a ledger that went another way is refused, whatever its length", arguments: [3, 4, 9])
    func fork(_ length: Int) async throws {
        try await head(try await ledger(["a", "b", "c"])).advance()
        let other = try await ledger(["a", "b", "x"] + (3..<length).map { "\($0)" })
        let error = await refusal { try await head(other).begin() }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("do not continue") == true)
        // Whoever skips the beginning does not get further.
        #expect(await refusal { _ = try await head(other).advance() }?.code == .corrupt)
        #expect(other.halted?.code == .corrupt)
        #expect(try floor().size == 3)
    }

    @Test("a published checkpoint and one that witnesses cosigned count as much as the floor")
    func claims() async throws {
        let whole = try await ledger(["a", "b", "c"])
        let note = try await head(whole).advance().note
        folder.files = [:]
        let restored = try await ledger(["a", "b"])
        let claim = CheckpointClaim(place: "/srv/log/checkpoint", note: note)
        let error = await refusal { try await head(restored).begin(claims: [claim]) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("/srv/log/checkpoint") == true)
        #expect(await refusal { try await head(whole).begin(claims: [claim]) } == nil)
    }

    @Test(
        "a floor that is no checkpoint of this log is refused, at the start and while running",
        arguments: ["", "checkpoint", "cut", "flipped", "other key", "other origin", "not text"],
    )
    func malformed(_ kind: String) async throws {
        let ledger = try await ledger(["a"])
        let running = head(ledger)
        let note = Array(try await running.advance().note.utf8)
        let root = try await ledger.treeHead().root
        switch kind {
        case "cut": folder.files[CheckpointFloor.name] = Array(note.dropLast(10))
        case "flipped":
            var bytes = note
            bytes[bytes.count - 20] = bytes[bytes.count - 20] == 65 ? 66 : 65
            folder.files[CheckpointFloor.name] = bytes
        case "other key":
            let other = NoteSigner(name: signer.name, privateKey: Curve25519.Signing.PrivateKey())
            let text = try Checkpoint(origin: signer.name, size: 1, root: root).signed(by: other)
            folder.files[CheckpointFloor.name] = Array(text.utf8)
        case "other origin":
            let text = try signer.sign(text: Checkpoint(origin: "example.com/other", size: 1, root: root).text)
            folder.files[CheckpointFloor.name] = Array(text.utf8)
        case "not text": folder.files[CheckpointFloor.name] = [0xFF, 0xFE, 0]
        default: folder.files[CheckpointFloor.name] = Array(kind.utf8)
        }
        let left = folder.files
        let error = await refusal { try await head(ledger).begin() }
        #expect(error?.code == .unsigned)
        #expect(error?.message.contains("/memory/checkpoint") == true)
        _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: "b")]))
        #expect(await refusal { _ = try await running.advance() }?.code == .unsigned)
        #expect(folder.files == left)
        #expect(running.newest?.size == 1)
    }

    @Test("a checkpoint is shown only after the ledger and the floor remember it")
    func durableBeforeVisible() async throws {
        let ledger = try await ledger(["a"])
        let head = head(ledger)
        folder.onWrite { _ in #expect(head.newest == nil) }
        try await head.advance()
        #expect(try await ledger.latestCheckpoint() == head.newest?.note)
        ledger.isBroken = true
        #expect(await refusal { _ = try await head.advance() }?.code == .unavailable)
        #expect(folder.writes == 1)
    }

    @Test("while the floor cannot be written nothing new is shown, and actions go on")
    func diskFull() async throws {
        let ledger = try await ledger(["a"])
        let head = head(ledger)
        try await head.advance()
        folder.room = 0
        _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: "b")]))
        #expect(await refusal { _ = try await head.advance() }?.code == .unsigned)
        #expect(head.newest?.size == 1)
        #expect(await refusal { _ = try await head.covering(2) }?.code == .unsigned)
        #expect(try await head.covering(1).size == 1)
        #expect(ledger.halted == nil)
        _ = try await ledger.commit(Commit(entries: [Fixtures.entry(at: ledger.time, text: "c")]))
        folder.room = nil
        #expect(try await head.advance().size == 3)
    }

    @Test("a floor that cannot be read is no reason to sign without it")
    func unreadable() async throws {
        let ledger = try await ledger(["a"])
        folder.readFailure = FolderError("no permission, said a test")
        #expect(await refusal { try await head(ledger).begin() }?.code == .unsigned)
        #expect(await refusal { _ = try await head(ledger).advance() }?.code == .unsigned)
        #expect(folder.writes == 0)
    }

    @Test("a floor that another process raised ends signing and writing for good")
    func otherProcess() async throws {
        let mine = try await ledger(["a", "b"])
        let running = head(mine)
        try await running.advance()
        let other = LogHead.testing(try await ledger(["a", "b", "x", "y"]), signer: signer, folder: folder)
        try await other.advance()
        _ = try await mine.commit(Commit(entries: [Fixtures.entry(at: mine.time, text: "c")]))
        #expect(await refusal { _ = try await running.advance() }?.code == .corrupt)
        let commit = Commit(entries: [Fixtures.entry(at: mine.time)])
        #expect(await refusal { _ = try await mine.commit(commit) }?.code == .corrupt)
        #expect(await refusal { _ = try await running.covering(1) }?.code == .corrupt)
        #expect(running.trouble?.code == .corrupt)
        #expect(try floor().size == 4)
    }

    @Test("whoever has seen more of the log than there is ends signing and writing for good")
    func raised() async throws {
        let ledger = try await ledger(["a", "b"])
        let head = head(ledger)
        try await head.advance()
        try await head.raiseFloor(to: 2, seenBy: "the witness w.example")
        #expect(ledger.halted == nil)
        let error = await refusal { try await head.raiseFloor(to: 3, seenBy: "the witness w.example") }
        #expect(error?.message.contains("the witness w.example has seen a checkpoint of 3") == true)
        #expect(ledger.halted == error)
        #expect(await refusal { _ = try await head.advance() } == error)
    }
}
