import CountersignCore
import CountersignTestKit
import Crypto
import Testing

@testable import CountersignStore

@Suite("What is sealed opens only whole, in its place and with its key", .timeLimit(.minutes(10)))
struct PayloadSealerTests {
    private let payload = EntryDraft.Payload(salt: [UInt8](repeating: 3, count: 16), bytes: Array("a secret".utf8))

    private func expectCorrupt(_ body: () throws -> Void, line: Int = #line) {
        #expect("line \(line)") { try body() } throws: { ($0 as? LedgerError)?.code == .corrupt }
    }

    @Test("what was sealed opens again, and shows nothing of itself")
    func opens() throws {
        let sealer = PayloadSealer(key: try .fixture(1))
        for bytes in [[], Array("a secret".utf8), [UInt8](repeating: 7, count: 100_000)] {
            let payload = EntryDraft.Payload(salt: payload.salt, bytes: bytes)
            let sealed = try sealer.seal(payload)
            #expect(sealed.count == bytes.count + 17 + PayloadSealer.overhead)
            #expect(try sealer.payload(sealed, commitment: payload.commitment) == payload)
            #expect(sealed.firstRange(of: payload.salt) == nil)
            if bytes.count > 4 { #expect(sealed.firstRange(of: bytes.prefix(8)) == nil) }
        }
    }

    @Test("the same payload is sealed differently every time, under a key of its own")
    func fresh() throws {
        let sealer = PayloadSealer(key: try .fixture(1))
        let sealed = try (0..<200).map { _ in try sealer.seal(payload) }
        #expect(Set(sealed.map { Array($0[5..<21]) }).count == sealed.count)
        #expect(Set(sealed.map { Array($0[21..<33]) }).count == sealed.count)
    }

    @Test("a value's key is HKDF's, so that what older versions sealed opens")
    func derivation() throws {
        let key = try PayloadKey.fixture(4)
        let pseudoRandomKey = HKDF<SHA256>.extract(
            inputKeyMaterial: SymmetricKey(data: [UInt8](repeating: 4, count: 32)),
            salt: Array("countersign payloads at rest v1".utf8),
        )
        for first in UInt8(0)..<3 {
            let random = (first..<(first + 16)).map { $0 }
            let expected = HKDF<SHA256>.expand(pseudoRandomKey: pseudoRandomKey, info: random, outputByteCount: 32)
            #expect(key.valueKey(random[...]) == expected)
        }
    }

    @Test("no bit of it may be another one")
    func bitFlips() throws {
        let sealer = PayloadSealer(key: try .fixture(1))
        let sealed = try sealer.seal(payload)
        for index in sealed.indices {
            for bit in 0..<8 {
                var changed = sealed
                changed[index] ^= 1 << UInt8(bit)
                expectCorrupt { _ = try sealer.payload(changed, commitment: payload.commitment) }
            }
        }
    }

    @Test("nothing may be cut off or added")
    func truncated() throws {
        let sealer = PayloadSealer(key: try .fixture(1))
        let sealed = try sealer.seal(payload)
        for count in sealed.indices {
            expectCorrupt { _ = try sealer.payload(Array(sealed[..<count]), commitment: payload.commitment) }
        }
        expectCorrupt { _ = try sealer.payload(sealed + [0], commitment: payload.commitment) }
    }

    @Test("values do not change places")
    func swapped() throws {
        let sealer = PayloadSealer(key: try .fixture(1))
        let other = EntryDraft.Payload(salt: payload.salt, bytes: Array("another".utf8))
        expectCorrupt { _ = try sealer.payload(sealer.seal(payload), commitment: other.commitment) }
        let (one, two) = (ApprovalID(unchecked: "apr_1"), ApprovalID(unchecked: "apr_2"))
        let document = try sealer.seal(payload.bytes, .document(one))
        #expect(try sealer.open(document, .document(one)) == payload.bytes)
        expectCorrupt { _ = try sealer.open(document, .document(two)) }
        expectCorrupt { _ = try sealer.open(document, .response(one)) }
        // Where a text ends is part of what is authenticated.
        let answer = try sealer.seal(payload.bytes, .answer(IdempotencyKey(caller: "ab", key: "c")))
        expectCorrupt { _ = try sealer.open(answer, .answer(IdempotencyKey(caller: "a", key: "bc"))) }
    }

    @Test("a value under an old key opens while the key is named, and says which one is missing when it is not")
    func rotation() throws {
        let (old, new) = (try PayloadKey.fixture(1), try PayloadKey.fixture(2))
        let sealed = try PayloadSealer(key: old).seal(payload)
        let both = PayloadSealer(key: new, previous: [old])
        #expect(try both.payload(sealed, commitment: payload.commitment) == payload)
        #expect(PayloadSealer.keyID(try both.seal(payload)) == new.id)
        #expect { try PayloadSealer(key: new).payload(sealed, commitment: payload.commitment) } throws: { error in
            let message = (error as? LedgerError)?.message ?? ""
            return message.contains(old.name) && message.contains("payloads.previous")
        }
    }

    @Test("a key with another's id does not open what is the other's")
    func forgedID() throws {
        let (old, new) = (try PayloadKey.fixture(1), try PayloadKey.fixture(2))
        var sealed = try PayloadSealer(key: old).seal(payload)
        sealed.replaceSubrange(1..<5, with: new.id.bigEndianBytes)
        expectCorrupt { _ = try PayloadSealer(key: new).payload(sealed, commitment: payload.commitment) }
    }

    @Test("a key has 32 bytes", arguments: [0, 16, 31, 33, 64])
    func lengths(_ count: Int) { #expect(PayloadKey(bytes: [UInt8](repeating: 1, count: count)) == nil) }
}
