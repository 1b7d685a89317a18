import CanonicalJSON
import CountersignCore
import CountersignLog
import CountersignTestKit
import Crypto
import Testing
import TransparencyLog

@Suite("Receipts with witnesses", .timeLimit(.minutes(10)))
struct CosignedReceiptTests {
    let ledger = InMemoryLedger()
    let head: LogHead
    let log: LogSigner
    let key: NoteVerifier
    let first = CosignatureSigner(name: "w1.example", privateKey: Curve25519.Signing.PrivateKey())
    let second = CosignatureSigner(name: "w2.example", privateKey: Curve25519.Signing.PrivateKey())

    init() throws {
        let signer = try Fixtures.logSigner()
        key = signer.verifier
        head = LogHead.testing(ledger, signer: signer)
        log = try LogSigner.testing(ledger, head)
    }

    /// A receipt of one entry whose checkpoint these witnesses cosigned, at second 1,767,225,600.
    private func receipt(_ witnesses: [CosignatureSigner]) async throws -> [UInt8] {
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: ManualClock())
        guard case .allowed(let entry) = await enforcement.admit(Fixtures.action(effect: .read), Circumstances())
        else { throw Unexpected() }
        #expect(await enforcement.commit(entry) == nil)
        let signed = try await head.advance()
        var note = try SignedNote(parsing: signed.note)
        for witness in witnesses {
            note = try note.adding(try witness.cosign(Checkpoint(parsing: note.text), time: 1_767_225_600))
        }
        if !witnesses.isEmpty { try await ledger.rememberCosigned(note.encoded, size: signed.size) }
        return try #require(try await log.receipt(forEntry: 0))
    }

    private struct Unexpected: Error {}

    private func verify(_ bytes: [UInt8], _ witnesses: WitnessPolicy = .none) throws -> ReceiptSummary {
        try Receipt(parsing: bytes).verify(with: key, witnesses: witnesses)
    }

    @Test("a cosigned checkpoint is preferred, and signatures that no key is for are told of")
    func unchecked() async throws {
        let summary = try verify(try await receipt([first, second]))
        #expect(summary.signatures.unchecked == ["w1.example", "w2.example"])
        #expect(summary.signatures.cosigned == [])
        #expect(summary.json["unchecked_signatures"] == ["w1.example", "w2.example"])
    }

    @Test("cosignatures are verified under the given keys, and the quorum is demanded")
    func quorum() async throws {
        let bytes = try await receipt([first])
        let both = [first.verifier, second.verifier]
        let summary = try verify(bytes, try WitnessPolicy(1, of: both))
        #expect(summary.signatures.cosigned.map(\.witness) == ["w1.example"])
        #expect(summary.signatures.cosigned.map(\.time) == ["2026-01-01T00:00:00.000000Z"])
        #expect(summary.signatures.unchecked == [])
        #expect(throws: ReceiptError.self) { try verify(bytes, try WitnessPolicy(2, of: both)) }
        #expect(throws: ReceiptError.self) { try verify(bytes, try WitnessPolicy(1, of: [second.verifier])) }
    }

    @Test("of a cosigned receipt no byte can be changed unnoticed, once the witness's key is given")
    func everyByte() async throws {
        let bytes = try await receipt([first])
        let policy = try WitnessPolicy(1, of: [first.verifier])
        _ = try verify(bytes, policy)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(throws: ReceiptError.self, "byte \(index)") { try verify(changed, policy) }
        }
    }

    @Test("a checkpoint that was cosigned before the entry came is not the one of its receipt")
    func older() async throws {
        _ = try await receipt([first])
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: ManualClock())
        guard case .held(let approval) = await enforcement.admit(Fixtures.action(), Circumstances()) else {
            throw Unexpected()
        }
        try await head.advance()
        let summary = try verify(try #require(try await log.receipt(for: approval.id)))
        #expect(summary.treeSize == 2)
        #expect(summary.signatures.cosigned.isEmpty && summary.signatures.unchecked.isEmpty)
    }
}
