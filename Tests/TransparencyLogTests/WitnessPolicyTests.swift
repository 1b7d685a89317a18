import Crypto
import Testing
import TransparencyLog

@Suite("Witness policies", .timeLimit(.minutes(10)))
struct WitnessPolicyTests {
    static let log = NoteSigner(name: "example.com/log", privateKey: .init())
    static let witnesses = (1...6).map { CosignatureSigner(name: "w\($0).example", privateKey: .init()) }
    static let verifiers = witnesses.map(\.verifier)
    static let tree = ReferenceTree(size: 13)
    static let checkpoint = Checkpoint(origin: "example.com/log", size: 13, root: tree.root(size: 13))

    static func note(cosignedBy places: [Int]) throws -> SignedNote {
        var note = try SignedNote(parsing: checkpoint.signed(by: log))
        for place in places {
            note = try note.adding(witnesses[place].cosign(checkpoint, time: 1000 + UInt64(place)))
        }
        return note
    }

    static func policy(_ lines: String) throws(PolicyError) -> TlogPolicy {
        var text = lines
        for (number, verifier) in verifiers.enumerated() {
            text = text.replacing("<W\(number + 1)>", with: verifier.vkey)
        }
        return try TlogPolicy(parsing: Array(text.replacing("<log>", with: log.verifier.vkey).utf8))
    }

    static func isSatisfied(_ policy: WitnessPolicy, by places: [Int]) throws -> Bool {
        policy.isSatisfied(by: try policy.cosigners(of: note(cosignedBy: places)))
    }

    @Test("N of M witnesses are enough, one fewer is not", arguments: 0...3)
    func threshold(required: Int) throws {
        let policy = try WitnessPolicy(required, of: Array(Self.verifiers.prefix(3)))
        for cosigned in [[], [0], [1], [2, 0], [0, 1, 2], [3, 4, 5], [0, 3, 4], [1, 0, 5]] {
            let note = try Self.note(cosignedBy: cosigned)
            let known = cosigned.filter { $0 < 3 }
            let cosigners = try policy.cosigners(of: note)
            #expect(cosigners.map(\.name) == known.map { "w\($0 + 1).example" })
            #expect(cosigners.map(\.time) == known.map { 1000 + UInt64($0) })
            #expect(policy.isSatisfied(by: cosigners) == (known.count >= required))
            if known.count >= required {
                #expect(try policy.verify(note) == cosigners)
            } else {
                #expect(throws: NoteError.tooFewWitnesses) { _ = try policy.verify(note) }
            }
        }
    }

    @Test("one witness counts once, and a stranger's cosignature not at all")
    func countedOnce() throws {
        let policy = try WitnessPolicy(2, of: Array(Self.verifiers.prefix(2)))
        let one = try policy.cosigners(of: Self.note(cosignedBy: [0]))
        #expect(!policy.isSatisfied(by: one + one))
        let others = try WitnessPolicy(0, of: Self.verifiers).cosigners(of: Self.note(cosignedBy: [2, 3, 4]))
        #expect(!policy.isSatisfied(by: one + others))
        // The witness's name with another key is another witness.
        let impostor = CosignatureSigner(name: "w2.example", privateKey: .init())
        let note = try Self.note(cosignedBy: [0]).adding(impostor.cosign(Self.checkpoint, time: 1))
        #expect(throws: NoteError.tooFewWitnesses) { _ = try policy.verify(note) }
    }

    @Test("a bad cosignature of a known witness refuses the note, whatever is required")
    func bad() throws {
        let late = Checkpoint(origin: Self.checkpoint.origin, size: 14, root: .emptyTree)
        let note = try Self.note(cosignedBy: [0]).adding(Self.witnesses[1].cosign(late, time: 1))
        for required in 0...2 {
            #expect(throws: NoteError.invalidSignature) {
                _ = try WitnessPolicy(required, of: Array(Self.verifiers.prefix(2))).verify(note)
            }
        }
        #expect(try WitnessPolicy(1, of: [Self.verifiers[0]]).verify(note).count == 1)
        #expect(try WitnessPolicy.none.verify(note).isEmpty)
    }

    @Test("a policy that cannot hold or counts somebody twice is refused")
    func refused() {
        let one = Self.verifiers[0]
        let key = Curve25519.Signing.PrivateKey()
        let twice = ["a", "b"].map { CosignatureSigner(name: $0, privateKey: key).verifier }
        let namesakes = (1...2).map { _ in CosignatureSigner(name: "a", privateKey: .init()).verifier }
        #expect(throws: PolicyError.impossibleThreshold) { _ = try WitnessPolicy(2, of: [one]) }
        #expect(throws: PolicyError.impossibleThreshold) { _ = try WitnessPolicy(-1, of: [one]) }
        #expect(throws: PolicyError.impossibleThreshold) { _ = try WitnessPolicy(1, of: []) }
        #expect(throws: PolicyError.repeatedKey) { _ = try WitnessPolicy(1, of: [one, one]) }
        #expect(throws: PolicyError.repeatedKey) { _ = try WitnessPolicy(1, of: twice) }
        #expect(throws: PolicyError.repeatedName) { _ = try WitnessPolicy(1, of: namesakes) }
    }

    @Test("the specification's example, groups within groups, means what it says")
    func example() throws {
        let policy = try Self.policy(
            """
            log <log> https://example.com/log

            # The X witnesses.
            \twitness\tX1  <W1> https://w1.example/add
            witness X2 <W2>
            witness X3 <W3>\u{20}
            group X-witnesses 2 X1 X2 X3
              # The Y witnesses.
            witness Y1 <W4>
            witness Y2 <W5>
            witness Y3 <W6>
            group Y-witnesses any Y1 Y2 Y3
            group X-and-Y all X-witnesses Y-witnesses
            quorum X-and-Y

            """
        )
        #expect(policy.logs.map(\.verifier) == [Self.log.verifier])
        #expect(policy.logs.map(\.url) == ["https://example.com/log"])
        #expect(policy.witnesses.map(\.name) == ["X1", "X2", "X3", "Y1", "Y2", "Y3"])
        #expect(policy.witnesses.map(\.verifier) == Self.verifiers)
        #expect(policy.witnesses.map(\.url) == ["https://w1.example/add", nil, nil, nil, nil, nil])
        for enough in [[0, 1, 3], [2, 0, 5], [0, 1, 2, 3, 4, 5]] {
            #expect(try Self.isSatisfied(policy.quorum, by: enough))
            let verified = try policy.verify(Self.note(cosignedBy: enough))
            #expect(verified.checkpoint == Self.checkpoint)
            #expect(verified.cosignatures.count == enough.count)
        }
        for tooFew in [[], [0], [0, 1], [0, 1, 2], [3, 4, 5], [0, 3, 4, 5]] {
            #expect(try !Self.isSatisfied(policy.quorum, by: tooFew))
            #expect(throws: ProofError.note(.tooFewWitnesses)) {
                _ = try policy.verify(Self.note(cosignedBy: tooFew))
            }
        }
    }

    @Test("a quorum may be nobody or a single witness, and a policy may know no log")
    func simpleQuorums() throws {
        let nobody = try Self.policy("quorum none\n")
        #expect(try Self.isSatisfied(nobody.quorum, by: []))
        #expect(throws: ProofError.note(.noKnownSignature)) { _ = try nobody.verify(Self.note(cosignedBy: [])) }
        let one = try Self.policy("witness A <W1>\nwitness B <W2>\nquorum B\nwitness C <W3>\n")
        #expect(try Self.isSatisfied(one.quorum, by: [1]))
        #expect(try !Self.isSatisfied(one.quorum, by: [0, 2]))
        #expect(one.quorum.witnesses.count == 3)
    }

    @Test(
        "a policy with anything out of place is refused, and the line is named",
        arguments: [
            ("", .missingQuorum), ("\n \n#\n", .missingQuorum), ("quorum none", .missingNewline),
            ("quorum none\n ", .missingNewline), ("quorum none\r\n", .line(1, .controlCharacter)),
            ("# \u{7F}\nquorum none\n", .line(1, .controlCharacter)), ("\u{0}\n", .line(1, .controlCharacter)),
            ("quorum none\nquorum none\n", .line(2, .repeatedQuorum)), ("quorum\n", .line(1, .malformedLine)),
            ("quorum none none\n", .line(1, .malformedLine)), ("quorum A\nwitness A <W1>\n", .line(1, .unknownName)),
            ("Quorum none\n", .line(1, .malformedLine)), ("quorum None\n", .line(1, .unknownName)),
            ("quorum none # nobody\n", .line(1, .malformedLine)), ("log\n", .line(1, .malformedLine)),
            ("log <log> u v\n", .line(1, .malformedLine)), ("log x\n", .line(1, .key(.malformedKey))),
            ("log <W1>\n", .line(1, .key(.unsupportedKeyType))), ("log <log>\nlog <log>\n", .line(2, .repeatedKey)),
            ("witness A\n", .line(1, .malformedLine)), ("witness A <W1> u v\n", .line(1, .malformedLine)),
            ("witness A <log>\n", .line(1, .key(.unsupportedKeyType))),
            ("witness A <W1>\nwitness B <W1>\n", .line(2, .repeatedKey)),
            ("witness A <W1>\nwitness A <W2>\n", .line(2, .repeatedName)),
            ("witness none <W1>\n", .line(1, .repeatedName)),
            ("witness A <W1>\ngroup A any A\n", .line(2, .repeatedName)),
            ("witness A <W1>\ngroup none any A\n", .line(2, .repeatedName)),
            ("witness A <W1>\ngroup G any\n", .line(2, .malformedLine)), ("group G any G\n", .line(1, .unknownName)),
            ("group G any none\n", .line(1, .unknownName)), ("group G any a\n", .line(1, .unknownName)),
            ("witness A <W1>\ngroup G any A A\n", .line(2, .repeatedMember)),
            ("witness A <W1>\ngroup G any A\ngroup H any A G\n", .line(3, .repeatedMember)),
            ("witness A <W1>\ngroup G 0 A\n", .line(2, .impossibleThreshold)),
            ("witness A <W1>\ngroup G 2 A\n", .line(2, .impossibleThreshold)),
            ("witness A <W1>\ngroup G 18446744073709551615 A\n", .line(2, .impossibleThreshold)),
            ("witness A <W1>\ngroup G 01 A\n", .line(2, .malformedLine)),
            ("witness A <W1>\ngroup G -1 A\n", .line(2, .malformedLine)),
            ("witness A <W1>\ngroup G ALL A\n", .line(2, .malformedLine)),
            ("witness A\u{A0}<W1>\n", .line(1, .malformedLine)), ("nonsense\n", .line(1, .malformedLine)),
        ] as [(String, PolicyError)],
    )
    func malformed(text: String, error: PolicyError) {
        #expect(throws: error) { _ = try Self.policy(text) }
    }

    @Test("names are bytes: the Kelvin sign is no K, and a composed letter not its parts")
    func opaqueNames() throws {
        #expect(throws: PolicyError.line(2, .unknownName)) { _ = try Self.policy("witness K <W1>\nquorum \u{212A}\n") }
        let both = "witness \u{E9} <W1>\nwitness e\u{301} <W2>\nquorum e\u{301}\n"
        #expect(try Self.isSatisfied(Self.policy(both).quorum, by: [1]))
        let latin = Array("witness ".utf8) + [0xE9] + Array(" \(Self.verifiers[0].vkey)\nquorum ".utf8) + [0xE9, 0x0A]
        #expect(try TlogPolicy(parsing: latin).witnesses.count == 1)
        for bytes in [[0x6C, 0x6F, 0x67, 0x20, 0xE9, 0x0A], Array("log ".utf8) + [0xFF, 0x0A]] as [[UInt8]] {
            #expect(throws: PolicyError.line(1, .key(.malformedKey))) { _ = try TlogPolicy(parsing: bytes) }
        }
        let url = Array("log \(Self.log.verifier.vkey) ".utf8) + [0xE9, 0x0A]
        #expect(throws: PolicyError.line(1, .malformedLine)) { _ = try TlogPolicy(parsing: url) }
    }

    @Test("as many lines as are read are read, and not one more")
    func limits() throws {
        let keys = (0...TlogPolicy.maximumLines).map { CosignatureSigner(name: "w\($0)", privateKey: .init()).verifier }
        var text = keys.dropLast().enumerated().map { "witness n\($0) \($1.vkey)\n" }.joined()
        for group in 0..<TlogPolicy.maximumLines {
            text += group == 0 ? "group g0 any n0\n" : "group g\(group) all g\(group - 1) n\(group)\n"
        }
        text += "quorum g\(TlogPolicy.maximumLines - 1)\n"
        let policy = try TlogPolicy(parsing: Array(text.utf8))
        #expect(policy.witnesses.count == TlogPolicy.maximumLines)
        #expect(!policy.quorum.isSatisfied(by: []))
        let lines = text.utf8.count { $0 == UInt8(ascii: "\n") }
        let more = ["witness more \(keys[keys.count - 1].vkey)\n", "group more any n1\n"]
        for line in more {
            #expect(throws: PolicyError.line(lines + 1, .tooMany)) {
                _ = try TlogPolicy(parsing: Array((text + line).utf8))
            }
        }
        let logs = keys.map { _ in "log \(NoteSigner(name: "l", privateKey: .init()).verifier.vkey)\n" }.joined()
        #expect(throws: PolicyError.line(TlogPolicy.maximumLines + 1, .tooMany)) {
            _ = try TlogPolicy(parsing: Array(logs.utf8))
        }
    }

    @Test("a proof tells who cosigned its checkpoint, and is refused where too few did")
    func proofs() throws {
        let policy = try WitnessPolicy(2, of: Array(Self.verifiers.prefix(3)))
        let leaf = Self.tree.leaves[5]
        func proof(_ places: [Int]) throws -> TlogProof {
            let note = try Self.note(cosignedBy: places).encoded
            return TlogProof(index: 5, proof: Self.tree.path(index: 5, size: 13), checkpoint: note)
        }
        let keys = [Self.log.verifier]
        let verified = try proof([4, 2, 0]).verify(leaf: leaf, with: keys, witnesses: policy)
        #expect(verified.checkpoint == Self.checkpoint)
        #expect(verified.cosignatures.map(\.name) == ["w3.example", "w1.example"])
        #expect(verified.cosignatures.map(\.time) == [1002, 1000])
        #expect(throws: ProofError.note(.tooFewWitnesses)) {
            _ = try proof([0, 4]).verify(leaf: leaf, with: keys, witnesses: policy)
        }
        #expect(throws: ProofError.notIncluded) {
            _ = try proof([0, 1]).verify(leaf: .emptyTree, with: keys, witnesses: policy)
        }
        #expect(throws: ProofError.note(.noKnownSignature)) {
            _ = try proof([0, 1]).verify(leaf: leaf, with: [], witnesses: policy)
        }
        let known = try WitnessPolicy(0, of: Self.verifiers)
        #expect(try proof([]).verify(leaf: leaf, with: keys, witnesses: known).cosignatures.isEmpty)
        #expect(try proof([5]).verify(leaf: leaf, with: keys, witnesses: known).cosignatures.map(\.time) == [1005])
        // Whoever knows only the log's key does not see the witnesses, and does not mind them.
        #expect(try proof([0]).verify(leaf: leaf, with: keys) == Self.checkpoint)
    }
}
