import CountersignCore
import CountersignTestKit
import Crypto
import Testing
import TransparencyLog

@testable import CountersignLog

@Suite("An exchange with another machine ends in time", .timeLimit(.minutes(10)))
struct DeadlineTests {
    @Test("a witness that sends its answer a byte at a time did not answer")
    func witness() async throws {
        try await DribblingPeer.serving { peer in
            let key = CosignatureSigner(name: "w1.example", privateKey: Curve25519.Signing.PrivateKey()).verifier
            let settings = WitnessSettings.Peer(key: key, url: peer.url, host: "127.0.0.1")
            let link = HTTPWitnessLink(to: settings, limit: .milliseconds(300))
            await #expect { try await link.submit("old 0\n") } throws: { error in
                (error as? WitnessFailure)?.description.contains("did not answer in time") ?? false
            }
            await link.close()
        }
    }

    @Test("a receiver of an export that sends its answer a byte at a time cannot be reached")
    func export() async throws {
        try await DribblingPeer.serving { peer in
            let settings = ExportSettings(name: "e", destination: .http(peer.url), timeout: .milliseconds(300))
            let source = OCSFEvent.Source(origin: Fixtures.logOrigin, version: "1")
            let sink = try HTTPSink(url: peer.url, settings: settings, source: source, clock: ManualClock())
            let time = ManualClock().time()
            let record = ExportRecord(sequence: 0, kind: "", time: time, severity: .low, bytes: Array("{}".utf8))
            let batch = try #require(ExportBatch([record]))
            await #expect { try await sink.deliver(batch) } throws: { error in
                guard let failure = error as? ExportFailure else { return false }
                return failure.kind == .unreachable && failure.message.contains("did not answer in time")
            }
            await sink.close()
        }
    }

    @Test("whoever is in time has their answer, and whoever is late is cancelled")
    func race() async {
        let (pause, never) = (ManualPause(), ManualPause())
        let inTime = await Deadline.within(.seconds(1), sleep: { try await pause.hold($0) }, late: 0) { 1 }
        #expect(inTime == 1)
        async let late = Deadline.within(.seconds(2), sleep: { try await pause.hold($0) }, late: 0) {
            try? await never.hold(.seconds(1))
            return Task.isCancelled ? 2 : 1
        }
        while await pause.next() != .seconds(2) {}
        pause.pass()
        #expect(await late == 0)
    }
}
