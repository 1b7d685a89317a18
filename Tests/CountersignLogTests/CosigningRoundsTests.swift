import CountersignCore
import CountersignTestKit
import Crypto
import Testing
import TransparencyLog

@testable import CountersignLog

@Suite("Cosignatures are gathered", .timeLimit(.minutes(10)))
struct CosigningRoundsTests {
    let log = NoteSigner(name: "gateway.example/log", privateKey: Curve25519.Signing.PrivateKey())
    let witnesses = (1...3).map {
        CosignatureSigner(name: "w\($0).example", privateKey: Curve25519.Signing.PrivateKey())
    }

    private func settings(quorum: Int) throws -> WitnessSettings {
        let peers = witnesses.map { WitnessSettings.Peer(key: $0.verifier, url: "https://\($0.name)", host: $0.name) }
        return try WitnessSettings(peers: peers, quorum: quorum)
    }

    private func checkpoint(_ size: UInt64) -> Checkpoint {
        Checkpoint(origin: log.name, size: size, root: .leaf(Array("\(size)".utf8)))
    }

    private func head(_ size: UInt64) throws -> SignedHead {
        let checkpoint = checkpoint(size)
        let note = try checkpoint.signed(by: log)
        return SignedHead(size: size, root: checkpoint.root, note: note, time: ManualClock().time())
    }

    private func line(_ witness: Int, _ size: UInt64) throws -> String {
        try witnesses[witness].cosign(checkpoint(size), time: 7).line
    }

    /// Who cosigned a note, by the tools of whoever checks it.
    private func cosigners(_ note: String) throws -> [String] {
        let note = try SignedNote(parsing: note)
        #expect(try note.verified(by: [log.verifier]) == note.text)
        return try note.cosignatures(among: witnesses.map(\.verifier)).map(\.name)
    }

    @Test("a checkpoint is cosigned when the quorum has cosigned it, and late cosignatures are added")
    func quorum() throws {
        var rounds = CosigningRounds(try settings(quorum: 2), cosigned: nil)
        rounds.begin(try head(5))
        #expect(rounds.add(try line(2, 5), of: 2, size: 5))
        #expect(rounds.best == nil)
        #expect(!rounds.isCosigned(5))
        // The same witness again is not another one.
        #expect(!rounds.add(try line(2, 5), of: 2, size: 5))
        #expect(!rounds.isCosigned(5))
        #expect(rounds.add(try line(0, 5), of: 0, size: 5))
        #expect(rounds.isCosigned(5))
        #expect(try cosigners(try #require(rounds.best?.note)) == ["w1.example", "w3.example"])
        #expect(rounds.add(try line(1, 5), of: 1, size: 5))
        #expect(try cosigners(try #require(rounds.best?.note)).count == 3)
    }

    @Test("cosignatures of different checkpoints do not add up")
    func apart() throws {
        var rounds = CosigningRounds(try settings(quorum: 2), cosigned: nil)
        rounds.begin(try head(5))
        rounds.begin(try head(6))
        _ = rounds.add(try line(0, 5), of: 0, size: 5)
        _ = rounds.add(try line(1, 6), of: 1, size: 6)
        #expect(rounds.best == nil)
        // The older one is completed late, and counts until a newer one is complete.
        _ = rounds.add(try line(1, 5), of: 1, size: 5)
        #expect(rounds.best?.size == 5)
        _ = rounds.add(try line(0, 6), of: 0, size: 6)
        #expect(rounds.best?.size == 6)
        #expect(!rounds.add(try line(0, 6), of: 0, size: 4))
    }

    @Test("only the latest rounds are kept")
    func kept() throws {
        var rounds = CosigningRounds(try settings(quorum: 1), cosigned: nil)
        for size in 1...UInt64(CosigningRounds.kept + 3) { rounds.begin(try head(size)) }
        #expect(rounds.rounds.count == CosigningRounds.kept)
        #expect(!rounds.add(try line(0, 1), of: 0, size: 1))
        #expect(rounds.current?.head.size == UInt64(CosigningRounds.kept + 3))
    }

    @Test("what was cosigned before a restart counts again, as far as it verifies")
    func restored() throws {
        let forged = try line(1, 4)
        let note = try head(5).note + "\(try line(0, 5))\n\(forged)\n"
        var rounds = CosigningRounds(try settings(quorum: 1), cosigned: note)
        #expect(rounds.restored?.signatures.keys.sorted() == [0])
        rounds.begin(try head(5))
        #expect(rounds.isCosigned(5))
        #expect(try cosigners(try #require(rounds.best?.note)) == ["w1.example"])
        // Another checkpoint begins from nothing.
        var other = CosigningRounds(try settings(quorum: 1), cosigned: note)
        other.begin(try head(6))
        #expect(other.best == nil)
        let board = WitnessBoard(try settings(quorum: 1), cosigned: note)
        #expect(board.standings.map(\.cosigned) == [5, nil, nil])
        #expect(board.remembered == 5)
        #expect(WitnessBoard(try settings(quorum: 2), cosigned: note).remembered == nil)
    }

    @Test("a time that no clock has is read, and does no harm")
    func strangeTime() throws {
        let line = try witnesses[0].cosign(checkpoint(5), time: UInt64(Int64.max)).line
        let board = WitnessBoard(try settings(quorum: 1), cosigned: try head(5).note + line + "\n")
        #expect(board.standings[0].time?.rfc3339.hasPrefix("9999-12-31") == true)
    }

    @Test("a quorum that cannot be, and a witness twice, are refused")
    func settings() throws {
        let peer = WitnessSettings.Peer(key: witnesses[0].verifier, url: "https://a", host: "a")
        for (peers, quorum) in [([peer], 2), ([peer, peer], 1)] {
            #expect(throws: PolicyError.self) { _ = try WitnessSettings(peers: peers, quorum: quorum) }
        }
    }
}
