import CountersignCore

/// What is known of each witness and of the rounds; a value under the service's mutex.
struct WitnessBoard: Sendable {
    /// What is known of one witness.
    struct Standing: Sendable {
        /// The size of the latest checkpoint that it has, as far as is known: what the next proof starts from.
        var known: UInt64 = 0
        /// The size of the latest checkpoint of which its cosignature was verified here; `nil` before the first.
        var cosigned: UInt64?
        /// When that came.
        var time: Timestamp?
        /// Why the latest try failed.
        var error: String?
        /// How many tries failed since the last that did not.
        var failures = 0

        /// Who wants to ask this witness again waits for a round beyond this size.
        var beyond: UInt64 {
            // A witness that is ahead of the round is asked about the next one that reaches it.
            max(cosigned ?? 0, known == 0 ? 0 : known - 1)
        }
    }

    var rounds: CosigningRounds
    var standings: [Standing]
    /// The size of the largest checkpoint that enough witnesses have cosigned and the ledger remembers.
    var remembered: UInt64?

    init(_ settings: WitnessSettings, cosigned: String?) {
        rounds = CosigningRounds(settings, cosigned: cosigned)
        standings = settings.peers.map { _ in Standing() }
        guard let restored = rounds.restored else { return }
        for (place, signature) in restored.signatures {
            standings[place].known = restored.size
            standings[place].cosigned = restored.size
            // A witness may write any time; this one ends with the year 9999.
            standings[place].time = Timestamp(microseconds: Int64(min(signature.time, 253_402_300_799)) * 1_000_000)
        }
        if restored.signatures.count >= settings.quorum { remembered = restored.size }
    }

    /// A witness cosigned the checkpoint of `size`; whether that says something new.
    mutating func cosigned(_ line: String, by witness: Int, size: UInt64, now: Timestamp) -> Bool {
        standings[witness].known = size
        standings[witness].cosigned = size
        standings[witness].time = now
        standings[witness].error = nil
        standings[witness].failures = 0
        return rounds.add(line, of: witness, size: size)
    }

    /// A witness gave nothing; the number of failures in a row.
    mutating func failed(_ witness: Int, _ message: String) -> Int {
        standings[witness].error = message
        standings[witness].failures += 1
        return standings[witness].failures
    }
}
