/// Whom to believe: known logs, known witnesses and the quorum, as a text file (C2SP tlog-policy).
///
/// Of the key types that the text may have, ours are Ed25519 for logs (0x01) and for witnesses (0x04); a file with
/// others is refused, since without them it would mean something else.
package struct TlogPolicy: Hashable, Sendable {
    /// A log that is believed.
    package struct Log: Hashable, Sendable {
        /// The log's key, whose name is the log's origin.
        package let verifier: NoteVerifier
        /// Where the log is.
        package let url: String?
    }

    /// A witness and where it is.
    package struct Witness: Hashable, Sendable {
        /// The name that the file gives it; it means nothing outside the file.
        package let name: String
        /// The witness's key.
        package let verifier: CosignatureVerifier
        /// Where the witness is: its submission prefix.
        package let url: String?
    }

    /// The logs, in the order of the file; none where they are known from elsewhere.
    package let logs: [Log]
    /// The witnesses, in the order of the file.
    package let witnesses: [Witness]
    /// The rule about the witnesses.
    package let quorum: WitnessPolicy

    /// How many logs, witnesses and groups each are read; the specification asks for at least 32.
    package static let maximumLines = 256

    /// Reads a policy's bytes.
    package init(parsing bytes: [UInt8]) throws(PolicyError) {
        var reader = PolicyReader()
        var lines = NoteLines(bytes[...])
        var number = 0
        while let line = lines.next() {
            number += 1
            do {
                try reader.read(line)
            } catch {
                throw .line(number, error)
            }
        }
        guard lines.isAtEnd else { throw .missingNewline }
        guard let quorum = reader.quorum else { throw .missingQuorum }
        self.logs = reader.logs
        self.witnesses = reader.witnesses
        self.quorum = WitnessPolicy(witnesses: reader.witnesses.map(\.verifier), quorum: quorum)
    }

    /// Checks that a note is a checkpoint that one of the logs signed and that enough witnesses cosigned.
    ///
    /// Without logs in the policy nothing verifies: who knows the log from elsewhere applies `quorum`.
    package func verify(_ note: SignedNote) throws(ProofError) -> VerifiedCheckpoint {
        try VerifiedCheckpoint(note, logs: self.logs.map(\.verifier), witnesses: self.quorum)
    }
}

/// What was read of a policy so far.
private struct PolicyReader {
    var logs: [TlogPolicy.Log] = []
    var witnesses: [TlogPolicy.Witness] = []
    var quorum: WitnessPolicy.Quorum?
    /// What names stand for; they are bytes, so that two spellings of one letter are two names.
    private var names: [[UInt8]: WitnessPolicy.Quorum] = [:]
    private var members: Set<[UInt8]> = []
    private var groups = 0

    mutating func read(_ line: ArraySlice<UInt8>) throws(PolicyError) {
        let tab = UInt8(ascii: "\t")
        guard line.allSatisfy({ ($0 >= 0x20 || $0 == tab) && $0 != 0x7F }) else { throw .controlCharacter }
        let items = line.split { $0 == UInt8(ascii: " ") || $0 == tab }.map { Array($0) }
        guard let keyword = items.first, keyword.first != UInt8(ascii: "#") else { return }
        switch (String(decoding: keyword, as: UTF8.self), items.count) {
        case ("log", 2...3): try self.readLog(items)
        case ("witness", 3...4): try self.readWitness(items)
        case ("group", 4...): try self.readGroup(items)
        case ("quorum", 2): try self.readQuorum(items[1])
        default: throw .malformedLine
        }
    }

    private mutating func readLog(_ items: [[UInt8]]) throws(PolicyError) {
        guard self.logs.count < TlogPolicy.maximumLines else { throw .tooMany }
        let verifier = try Self.key { () throws(NoteError) in try NoteVerifier(vkey: Self.vkey(items[1])) }
        let isRepeated = self.logs.contains { log in
            log.verifier.publicKey == verifier.publicKey
                || log.verifier.keyHash == verifier.keyHash && log.verifier.isNamed(verifier.name)
        }
        guard !isRepeated else { throw .repeatedKey }
        self.logs.append(TlogPolicy.Log(verifier: verifier, url: try Self.url(items.dropFirst(2))))
    }

    private mutating func readWitness(_ items: [[UInt8]]) throws(PolicyError) {
        guard self.witnesses.count < TlogPolicy.maximumLines else { throw .tooMany }
        let verifier = try Self.key { () throws(NoteError) in try CosignatureVerifier(vkey: Self.vkey(items[2])) }
        let isRepeated = self.witnesses.contains { witness in
            witness.verifier.publicKey == verifier.publicKey
                || witness.verifier.keyHash == verifier.keyHash && witness.verifier.isNamed(verifier.name)
        }
        guard !isRepeated else { throw .repeatedKey }
        try self.define(items[1], as: .witness(self.witnesses.count))
        let name = String(decoding: items[1], as: UTF8.self)
        self.witnesses.append(
            TlogPolicy.Witness(name: name, verifier: verifier, url: try Self.url(items.dropFirst(3)))
        )
    }

    private mutating func readGroup(_ items: [[UInt8]]) throws(PolicyError) {
        guard self.groups < TlogPolicy.maximumLines else { throw .tooMany }
        self.groups += 1
        var members: [WitnessPolicy.Quorum] = []
        for name in items.dropFirst(3) {
            guard let member = self.names[name] else { throw .unknownName }
            guard self.members.insert(name).inserted else { throw .repeatedMember }
            members.append(member)
        }
        let threshold: Int
        switch String(decoding: items[2], as: UTF8.self) {
        case "all": threshold = members.count
        case "any": threshold = 1
        default:
            guard let number = NoteLines.number(items[2][...]) else { throw .malformedLine }
            guard number >= 1, number <= UInt64(members.count) else { throw .impossibleThreshold }
            threshold = Int(number)
        }
        try self.define(items[1], as: .group(threshold, members))
    }

    private mutating func readQuorum(_ name: [UInt8]) throws(PolicyError) {
        guard self.quorum == nil else { throw .repeatedQuorum }
        if name.elementsEqual(Self.none) {
            self.quorum = WitnessPolicy.Quorum.none
        } else if let quorum = self.names[name] {
            self.quorum = quorum
        } else {
            throw .unknownName
        }
    }

    private mutating func define(_ name: [UInt8], as meaning: WitnessPolicy.Quorum) throws(PolicyError) {
        guard !name.elementsEqual(Self.none), self.names.updateValue(meaning, forKey: name) == nil else {
            throw .repeatedName
        }
    }

    private static let none = Array("none".utf8)

    private static func vkey(_ item: [UInt8]) throws(NoteError) -> String {
        guard let text = String(validating: item, as: UTF8.self) else { throw .malformedKey }
        return text
    }

    private static func url(_ items: ArraySlice<[UInt8]>) throws(PolicyError) -> String? {
        guard let item = items.first else { return nil }
        guard let text = String(validating: item, as: UTF8.self) else { throw .malformedLine }
        return text
    }

    private static func key<Key>(_ body: () throws(NoteError) -> Key) throws(PolicyError) -> Key {
        do {
            return try body()
        } catch {
            throw .key(error)
        }
    }
}
