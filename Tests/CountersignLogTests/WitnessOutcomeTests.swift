import CountersignCore
import CountersignTestKit
import Crypto
import Testing
import TransparencyLog

@testable import CountersignLog

@Suite("What a witness answers is judged", .timeLimit(.minutes(10)))
struct WitnessOutcomeTests {
    let log = NoteSigner(name: "gateway.example/log", privateKey: Curve25519.Signing.PrivateKey())
    let witness = CosignatureSigner(name: "w1.example", privateKey: Curve25519.Signing.PrivateKey())

    private func request(old: UInt64 = 3, size: UInt64 = 5, proof: [LogHash] = []) throws -> AddCheckpointRequest {
        let checkpoint = Checkpoint(origin: log.name, size: size, root: .leaf(Array("\(size)".utf8)))
        let note = try SignedNote(parsing: try checkpoint.signed(by: log))
        return try AddCheckpointRequest(oldSize: old, proof: proof, note: note)
    }

    private func judge(
        _ status: Int,
        _ body: String = "",
        type: String? = "text/plain",
        request: AddCheckpointRequest,
        newest: UInt64 = 9,
    ) -> WitnessOutcome {
        let reply = WitnessReply(status: status, contentType: type, body: Array(body.utf8))
        return .judge(reply, to: request, key: witness.verifier, newest: newest)
    }

    private func isFailure(_ outcome: WitnessOutcome) -> Bool {
        if case .failed = outcome { true } else { false }
    }

    @Test("a cosignature of the configured key on this checkpoint is taken, and other lines are left out")
    func cosigned() throws {
        let request = try request()
        let line = try witness.cosign(request.checkpoint, time: 7).line
        let other = CosignatureSigner(name: "other.example", privateKey: Curve25519.Signing.PrivateKey())
        let foreign = try other.cosign(request.checkpoint, time: 7).line
        #expect(judge(200, line + "\n", request: request) == .cosigned(line: line))
        #expect(judge(200, foreign + "\n" + line + "\n", request: request) == .cosigned(line: line))
        #expect(isFailure(judge(200, foreign + "\n", request: request)))
    }

    @Test("a signature that does not fit is never taken")
    func lying() throws {
        let request = try request()
        let line = try witness.cosign(request.checkpoint, time: 7).line
        let old = try witness.cosign(try self.request(old: 0, size: 3).checkpoint, time: 7).line
        let impostor = CosignatureSigner(name: witness.name, privateKey: Curve25519.Signing.PrivateKey())
        let forged = try impostor.cosign(request.checkpoint, time: 7)
        // The impostor's signature under the witness's short hash.
        let head = try witness.cosign(request.checkpoint, time: 7)
        #expect(head.keyHash != forged.keyHash)
        for body in [
            old + "\n", forged.line + "\n", line + "\n" + line + "\n", line, "", "\n", "ok\n", log.verifier.vkey,
        ] {
            #expect(isFailure(judge(200, body, request: request)), "\(body)")
        }
        // The log's own signature line is no cosignature.
        let own = try #require(request.note.signatures.first?.line)
        #expect(isFailure(judge(200, own + "\n", request: request)))
    }

    @Test(
        "409 sends to another size, or says that we went back",
        arguments: [
            ("0\n", WitnessOutcome.knows(0)), ("2\n", .knows(2)), ("5\n", .knows(5)), ("9\n", .knows(9)),
            ("10\n", .ahead(10)), ("18446744073709551615\n", .ahead(.max)),
        ]
    )
    func conflict(_ body: String, _ outcome: WitnessOutcome) throws {
        #expect(judge(409, body, type: "text/x.tlog.size", request: try request()) == outcome)
    }

    @Test("409 with the size that was sent means another root, where nothing was to be proven")
    func otherRoot() throws {
        let type = "text/x.tlog.size"
        #expect(judge(409, "5\n", type: type, request: try request(old: 5)) == .contradicts(5))
        #expect(isFailure(judge(409, "3\n", type: type, request: try request(old: 3))))
        #expect(isFailure(judge(409, "0\n", type: type, request: try request(old: 0, size: 0))))
    }

    @Test("422 means that what the witness has is not the beginning of this log")
    func unprocessable() throws {
        let proof = [LogHash.leaf([1]), .leaf([2])]
        #expect(judge(422, request: try request(old: 3, proof: proof)) == .contradicts(3))
        // Where nothing was to be proven, or no proof was sent, it says nothing.
        #expect(isFailure(judge(422, request: try request(old: 0))))
        #expect(isFailure(judge(422, request: try request(old: 3))))
        #expect(isFailure(judge(422, request: try request(old: 5))))
    }

    @Test(
        "everything else is a failure and no more",
        arguments: [
            (409, "5", "text/x.tlog.size"), (409, "05\n", "text/x.tlog.size"), (409, "5\n", "text/plain"),
            (409, "", "text/x.tlog.size"), (404, "", ""), (403, "", ""), (400, "", ""), (500, "", ""), (503, "", ""),
            (302, "", ""), (204, "", ""), (0, "", ""),
        ]
    )
    func failures(_ status: Int, _ body: String, _ type: String) throws {
        #expect(isFailure(judge(status, body, type: type, request: try request())))
    }

    @Test("what ends a log names the witness, its size, ours and what to do")
    func messages() throws {
        let peer = WitnessSettings.Peer(key: witness.verifier, url: "https://w1.example", host: "w1.example")
        for outcome in [WitnessOutcome.ahead(12), .contradicts(12)] {
            let error = try #require(peer.end(for: outcome, origin: log.name, newest: 9))
            #expect(error.code == .corrupt)
            for part in ["w1.example", "12", "9", "log.origin"] { #expect(error.message.contains(part)) }
        }
        for outcome in [WitnessOutcome.cosigned(line: ""), .knows(2), .failed("x")] {
            #expect(peer.end(for: outcome, origin: log.name, newest: 9) == nil)
        }
    }
}
