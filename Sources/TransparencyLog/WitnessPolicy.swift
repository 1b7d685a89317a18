/// Which witnesses must have cosigned a checkpoint before it is believed.
///
/// It decides nothing about the log's own signature, which whoever applies the policy checks as well.
package struct WitnessPolicy: Hashable, Sendable {
    /// The rule: which cosignatures together are enough.
    indirect enum Quorum: Hashable, Sendable {
        /// None is needed.
        case none
        /// That of one witness, by its place in `witnesses`.
        case witness(Int)
        /// Those of at least so many members.
        case group(Int, [Quorum])
    }

    /// The witnesses known; no two have the same public key.
    package let witnesses: [CosignatureVerifier]
    let quorum: Quorum

    /// Needs no cosignature and knows no witness.
    package static let none = WitnessPolicy(witnesses: [], quorum: .none)

    /// Demands that at least `required` of the witnesses have cosigned.
    ///
    /// With 0 their cosignatures are checked where they are present, and not missed where they are not.
    package init(_ required: Int, of witnesses: [CosignatureVerifier]) throws(PolicyError) {
        guard (0...witnesses.count).contains(required) else { throw .impossibleThreshold }
        guard Set(witnesses.map(\.publicKey)).count == witnesses.count else { throw .repeatedKey }
        guard Set(witnesses.map { Array($0.name.utf8) }).count == witnesses.count else { throw .repeatedName }
        self.init(
            witnesses: witnesses,
            quorum: required == 0 ? .none : .group(required, witnesses.indices.map { .witness($0) }),
        )
    }

    init(witnesses: [CosignatureVerifier], quorum: Quorum) {
        self.witnesses = witnesses
        self.quorum = quorum
    }

    /// The cosignatures that the policy's witnesses put on a note, whether they are enough or not.
    ///
    /// A bad or repeated signature of one of them refuses the whole note.
    package func cosigners(of note: SignedNote) throws(NoteError) -> [Cosignature] {
        try note.cosignatures(among: self.witnesses)
    }

    /// Whether cosignatures, all of one note, are enough.
    package func isSatisfied(by cosignatures: [Cosignature]) -> Bool {
        self.holds(self.quorum, Set(cosignatures.map(\.witness)))
    }

    /// The cosignatures on a note, once they are enough.
    package func verify(_ note: SignedNote) throws(NoteError) -> [Cosignature] {
        let cosignatures = try self.cosigners(of: note)
        guard self.isSatisfied(by: cosignatures) else { throw .tooFewWitnesses }
        return cosignatures
    }

    private func holds(_ quorum: Quorum, _ cosigned: Set<CosignatureVerifier>) -> Bool {
        switch quorum {
        case .none: true
        case .witness(let place): cosigned.contains(self.witnesses[place])
        case .group(let threshold, let members): members.count { self.holds($0, cosigned) } >= threshold
        }
    }
}
