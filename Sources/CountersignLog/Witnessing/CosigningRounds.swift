import CountersignCore
import TransparencyLog

/// The checkpoints that witnesses are asked to cosign, one after the other, and who has cosigned which.
///
/// All witnesses are asked about the same checkpoint, because cosignatures of different ones do not add up. A late
/// cosignature still counts for the checkpoint that it is of, for as long as that is among the latest rounds.
struct CosigningRounds: Sendable {
    /// A checkpoint that all witnesses are asked about.
    struct Round: Sendable {
        let head: SignedHead
        /// The verified signature lines, by the witness's place in the settings.
        fileprivate(set) var lines: [Int: String] = [:]
    }

    /// How many rounds a slow witness's answer may be late.
    static let kept = 8

    let quorum: Int
    /// The rounds, the newest last.
    private(set) var rounds: [Round] = []
    /// What was cosigned before this process began.
    let restored: Restored?

    /// A cosigned note, read again.
    struct Restored: Sendable {
        let text: String
        let size: UInt64
        /// The verified cosignatures, by the witness's place in the settings.
        let signatures: [Int: (line: String, time: UInt64)]

        /// Reads a note; `nil` for what is not a checkpoint.
        init?(_ note: String, _ settings: WitnessSettings) {
            guard let note = try? SignedNote(parsing: note), let checkpoint = try? Checkpoint(parsing: note.text) else {
                return nil
            }
            var signatures = [Int: (line: String, time: UInt64)]()
            for (place, peer) in settings.peers.enumerated() {
                let signature = note.signatures.first {
                    $0.keyHash == peer.key.keyHash && $0.name.utf8.elementsEqual(peer.key.name.utf8)
                }
                guard let signature, let verified = try? note.cosignatures(among: [peer.key]).first else { continue }
                signatures[place] = (signature.line, verified.time)
            }
            text = note.text
            size = checkpoint.size
            self.signatures = signatures
        }
    }

    /// Begins without a round.
    ///
    /// - Parameter cosigned: The note that the ledger remembers, whose cosignatures count again if the log has not grown.
    init(_ settings: WitnessSettings, cosigned: String?) {
        quorum = settings.quorum
        restored = cosigned.flatMap { Restored($0, settings) }
    }

    /// The round that witnesses are asked about now.
    var current: Round? { rounds.last }

    /// Begins a round; its checkpoint must be larger than that of the last.
    mutating func begin(_ head: SignedHead) {
        var round = Round(head: head)
        if let restored, let note = try? SignedNote(parsing: head.note),
            note.text.utf8.elementsEqual(restored.text.utf8)
        {
            round.lines = restored.signatures.mapValues(\.line)
        }
        rounds.append(round)
        if rounds.count > Self.kept { rounds.removeFirst() }
    }

    /// Takes up a cosignature, verified, of the checkpoint of `size`; whether it says something new.
    mutating func add(_ line: String, of witness: Int, size: UInt64) -> Bool {
        guard let index = rounds.firstIndex(where: { $0.head.size == size }) else { return false }
        // The first cosignature stays: another one of the same witness says nothing more.
        guard rounds[index].lines[witness] == nil else { return false }
        rounds[index].lines[witness] = line
        return true
    }

    /// Whether enough witnesses have cosigned the checkpoint of `size`.
    func isCosigned(_ size: UInt64) -> Bool {
        rounds.contains { $0.head.size == size && $0.lines.count >= quorum }
    }

    /// The largest checkpoint that enough witnesses have cosigned, with all their cosignatures.
    var best: (size: UInt64, note: String)? {
        guard let round = rounds.last(where: { $0.lines.count >= quorum }) else { return nil }
        let lines = round.lines.sorted { $0.key < $1.key }.map { $0.value + "\n" }
        return (round.head.size, round.head.note + lines.joined())
    }
}
