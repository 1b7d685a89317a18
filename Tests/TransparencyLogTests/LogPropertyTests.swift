import Testing
import TransparencyLog

/// The short, repeatable part of the fuzzing; `script/fuzz log` goes on from here for as long as one likes.
@Suite("Parsers under mutation", .timeLimit(.minutes(10)))
struct LogPropertyTests {
    @Test("every sample is read and violates nothing")
    func samples() throws {
        for seed in LogSamples.seeds { #expect(LogProperty.violation(by: seed) == nil) }
        #expect(Set(LogSamples.seeds.map { $0[0] }) == Set(LogProperty.allCases.map(\.rawValue)))
        #expect(try SignedNote(parsing: LogSamples.cosigned.encoded).signatures.count == 2)
        let policy = try WitnessPolicy(1, of: [LogSamples.witness.verifier])
        let proof = TlogProof(index: 5, proof: LogSamples.path, checkpoint: LogSamples.cosigned.encoded)
        let verified = try proof.verify(leaf: LogSamples.leaf, with: [LogSamples.log.verifier], witnesses: policy)
        #expect(verified.checkpoint == LogSamples.checkpoint)
        #expect(Witness.judge(LogSamples.request, log: LogSamples.witnessed) == .cosign(LogSamples.checkpoint))
    }

    @Test("no mutation of the samples violates anything", arguments: [1, 2, 3, 4] as [UInt64])
    func mutations(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        for _ in 0..<2500 {
            guard var input = LogSamples.seeds.randomElement(using: &numbers) else { return }
            for _ in 0..<Int.random(in: 1...4, using: &numbers) { Self.mutate(&input, &numbers) }
            if let violation = LogProperty.violation(by: input) {
                Issue.record("\(violation): \(String(decoding: input, as: UTF8.self).debugDescription)")
            }
        }
    }

    @Test("random bytes violate nothing", arguments: LogProperty.allCases)
    func noise(property: LogProperty) {
        var numbers = SeededNumbers(seed: UInt64(property.rawValue))
        for _ in 0..<1000 {
            let length = Int.random(in: 0...200, using: &numbers)
            let input = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
            #expect(property.violation(by: input) == nil)
        }
    }

    /// Changes, removes, repeats or inserts something behind the first byte, which chooses the property.
    private static func mutate(_ input: inout [UInt8], _ numbers: inout SeededNumbers) {
        guard input.count > 1 else { return }
        let start = Int.random(in: 1..<input.count, using: &numbers)
        let end = Int.random(in: start...min(input.count, start + 40), using: &numbers)
        switch Int.random(in: 0..<6, using: &numbers) {
        case 0: input[start] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 1: input[start] = Array(" \n\t+/=0x\u{2014}".utf8).randomElement(using: &numbers) ?? 0
        case 2: input.removeSubrange(start..<end)
        case 3: input.insert(contentsOf: input[start..<end], at: Int.random(in: 1...input.count, using: &numbers))
        case 4: input.insert(UInt8.random(in: .min ... .max, using: &numbers), at: start)
        default: input.swapAt(start, Int.random(in: 1..<input.count, using: &numbers))
        }
    }
}
