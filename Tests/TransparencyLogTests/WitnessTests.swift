import Crypto
import Testing
import TransparencyLog

@Suite("Witnessing", .timeLimit(.minutes(10)))
struct WitnessTests {
    static let log = NoteSigner(name: "example.com/log", privateKey: .init())
    static let tree = ReferenceTree(size: 20)

    static func checkpoint(_ size: Int, root: LogHash? = nil, origin: String = "example.com/log") -> Checkpoint {
        Checkpoint(origin: origin, size: UInt64(size), root: root ?? tree.root(size: size))
    }

    static func request(
        from old: Int,
        to size: Int,
        root: LogHash? = nil,
        proof: [LogHash]? = nil,
        signer: NoteSigner = log,
    ) throws -> AddCheckpointRequest {
        let built = old > 0 && old < size ? tree.proof(from: old, to: size) : []
        let note = try SignedNote(parsing: signer.sign(text: checkpoint(size, root: root).text))
        return try AddCheckpointRequest(oldSize: UInt64(old), proof: proof ?? built, note: note)
    }

    static func known(_ size: Int, verifiers: [NoteVerifier] = [log.verifier]) -> WitnessedLog {
        WitnessedLog(
            origin: "example.com/log",
            verifiers: verifiers,
            tree: WitnessedTree(size: UInt64(size), root: tree.root(size: size)),
        )
    }

    @Test("every growth of a log is cosigned, once its old size is the stored one", arguments: 0...12)
    func growth(old: Int) throws {
        for size in 0...12 {
            let request = try Self.request(from: old, to: size)
            for stored in Set([old, 0, size, old + 1]) {
                let verdict = Witness.judge(request, log: Self.known(stored))
                if old > size {
                    #expect(verdict == .badRequest)
                } else if old != stored {
                    #expect(verdict == .conflict(size: UInt64(stored)))
                } else {
                    #expect(verdict == .cosign(Self.checkpoint(size)))
                    #expect(verdict.tree == Self.known(size).tree)
                    #expect(verdict.refusal == nil)
                }
            }
        }
    }

    @Test("a log that is not configured is not found, before anything else is looked at")
    func notFound() throws {
        let unsigned = try Self.request(from: 9, to: 3, signer: NoteSigner(name: "x", privateKey: .init()))
        #expect(Witness.judge(unsigned, log: nil) == .notFound)
        let other = WitnessedLog(origin: "example.com/Log", verifiers: [Self.log.verifier])
        #expect(Witness.judge(try Self.request(from: 0, to: 3), log: other) == .notFound)
        #expect(WitnessVerdict.notFound.refusal?.status == 404)
        #expect(WitnessVerdict.notFound.tree == nil)
    }

    @Test("what the log did not sign is forbidden, before its sizes are looked at")
    func forbidden() throws {
        let impostor = NoteSigner(name: "example.com/log", privateKey: .init())
        let request = try Self.request(from: 9, to: 3, signer: impostor)
        #expect(Witness.judge(request, log: Self.known(5)) == .forbidden)
        #expect(Witness.judge(request, log: Self.known(5, verifiers: [])) == .forbidden)
        #expect(Witness.judge(request, log: Self.known(5, verifiers: [impostor.verifier])) == .badRequest)
        #expect(WitnessVerdict.forbidden.refusal?.status == 403)
        #expect(WitnessVerdict.badRequest.refusal?.status == 400)
        // A bad signature of the log's own key beside one of another of its keys.
        let both = [Self.log.verifier, impostor.verifier]
        let bad = try SignedNote(parsing: Self.log.sign(text: "else\n")).signatures[0]
        let note = try Self.request(from: 0, to: 3, signer: impostor).note.adding(bad)
        let disputed = try AddCheckpointRequest(oldSize: 0, proof: [], note: note)
        #expect(Witness.judge(disputed, log: Self.known(0, verifiers: both)) == .forbidden)
        #expect(Witness.judge(disputed, log: Self.known(0, verifiers: [impostor.verifier])).tree != nil)
    }

    @Test("signatures of unknown keys beside the log's are ignored")
    func unknownSignatures() throws {
        let stranger = NoteSigner(name: "stranger", privateKey: .init())
        let signature = try SignedNote(parsing: stranger.sign(text: "x\n")).signatures[0]
        let note = try Self.request(from: 0, to: 3).note.adding(signature)
        let request = try AddCheckpointRequest(oldSize: 0, proof: [], note: note)
        #expect(Witness.judge(request, log: Self.known(0)) == .cosign(Self.checkpoint(3)))
    }

    @Test("a proof that does not lead from the stored tree to the checkpoint is unprocessable")
    func unprocessable() throws {
        let good = Self.tree.proof(from: 5, to: 13)
        #expect(!good.isEmpty)
        for proof in [[], Array(good.dropLast()), good + [.emptyTree], Array(good.reversed()), [.emptyTree]] {
            let request = try Self.request(from: 5, to: 13, proof: proof)
            #expect(Witness.judge(request, log: Self.known(5)) == .unprocessable)
        }
        let forked = try Self.request(from: 5, to: 13, root: .emptyTree)
        #expect(Witness.judge(forked, log: Self.known(5)) == .unprocessable)
        #expect(WitnessVerdict.unprocessable.refusal?.status == 422)
        let rewritten = WitnessedLog(
            origin: "example.com/log",
            verifiers: [Self.log.verifier],
            tree: WitnessedTree(size: 5, root: .leaf([1])),
        )
        #expect(Witness.judge(try Self.request(from: 5, to: 13), log: rewritten) == .unprocessable)
    }

    @Test("from nothing and to the same size there is nothing to prove")
    func emptyProofs() throws {
        for (old, size) in [(0, 0), (0, 7), (7, 7)] {
            let proven = try Self.request(from: old, to: size, proof: [.emptyTree])
            #expect(Witness.judge(proven, log: Self.known(old)) == .unprocessable)
        }
        // Any first tree is taken up, but there is only one empty one.
        #expect(Witness.judge(try Self.request(from: 0, to: 7, root: .leaf([1])), log: Self.known(0)).tree?.size == 7)
        let odd = try Self.request(from: 0, to: 0, root: .leaf([1]))
        #expect(Witness.judge(odd, log: Self.known(0)) == .conflict(size: 0))
    }

    @Test("another root of the same size is a conflict")
    func split() throws {
        let verdict = Witness.judge(try Self.request(from: 7, to: 7, root: .leaf([1])), log: Self.known(7))
        #expect(verdict == .conflict(size: 7))
        let response = try #require(verdict.refusal)
        #expect(response.status == 409)
        #expect(response.contentType == "text/x.tlog.size")
        #expect(response.body == "7\n")
    }

    @Test("a request is written line by line as the specification shows, and read back")
    func format() throws {
        let request = try Self.request(from: 5, to: 13)
        let hashes = request.proof.map { "\($0.base64)\n" }.joined()
        #expect(request.text == "old 5\n\(hashes)\n\(request.note.encoded)")
        let read = try AddCheckpointRequest(parsing: Array(request.text.utf8))
        #expect(read.text == request.text)
        #expect(read.oldSize == 5)
        #expect(read.proof == request.proof)
        #expect(read.checkpoint == request.checkpoint)
        let longest = [LogHash](repeating: .emptyTree, count: 63)
        let long = try Self.request(from: 5, to: 13, proof: longest)
        #expect(try AddCheckpointRequest(parsing: Array(long.text.utf8)).proof == longest)
        #expect(throws: AddCheckpointError.tooLongProof) {
            _ = try Self.request(from: 5, to: 13, proof: longest + [.emptyTree])
        }
        let tooLong = long.text.replacing("old 5\n", with: "old 5\n\(LogHash.emptyTree.base64)\n")
        #expect(throws: AddCheckpointError.tooLongProof) {
            _ = try AddCheckpointRequest(parsing: Array(tooLong.utf8))
        }
    }

    @Test(
        "a malformed request is refused for what is wrong with it",
        arguments: [
            ("old 5\n", "", .malformedOldSize), ("old 5\n", "old  5\n", .malformedOldSize),
            ("old 5\n", "old 05\n", .malformedOldSize), ("old 5\n", "old -1\n", .malformedOldSize),
            ("old 5\n", "old \n", .malformedOldSize), ("old 5\n", "Old 5\n", .malformedOldSize),
            ("old 5\n", "old 5\r\n", .malformedOldSize), ("old 5\n", "old 18446744073709551616\n", .malformedOldSize),
            ("old 5\n", "old 5", .malformedOldSize), ("old 5\n", "old 5\nAAAA\n", .malformedProof),
            ("old 5\n", "old 5\n \n", .malformedProof), ("old 5\n", "\nold 5\n", .malformedOldSize),
            ("old 5\n", "old 5\n\n", .checkpoint(.malformedSize)), ("=\n\n", "=\n", .malformedProof),
            ("\n13\n", "\n013\n", .checkpoint(.malformedSize)), ("\u{2014} ", "- ", .note(.malformedNote)),
            ("example.com/log\n13", "example.com/log\r\n13", .note(.malformedNote)),
        ] as [(String, String, AddCheckpointError)],
    )
    func malformed(part: String, replacement: String, error: AddCheckpointError) throws {
        let text = try Self.request(from: 5, to: 13).text.replacing(part, with: replacement)
        #expect(throws: error) { _ = try AddCheckpointRequest(parsing: Array(text.utf8)) }
    }

    @Test("a request cut off anywhere or with something behind it is refused")
    func truncated() throws {
        let bytes = Array(try Self.request(from: 5, to: 13).text.utf8)
        for length in bytes.indices {
            #expect(throws: AddCheckpointError.self) {
                _ = try AddCheckpointRequest(parsing: Array(bytes.prefix(length)))
            }
        }
        #expect(throws: AddCheckpointError.self) { _ = try AddCheckpointRequest(parsing: bytes + [0x0A]) }
        #expect(throws: AddCheckpointError.self) { _ = try AddCheckpointRequest(parsing: bytes + [0x20]) }
    }

    @Test("what a witness answers, a log reads")
    func responses() throws {
        let witness = CosignatureSigner(name: "w", privateKey: .init())
        let signature = try witness.cosign(Self.checkpoint(13), time: 77)
        let cosigned = AddCheckpointResponse.cosigned([signature])
        #expect(cosigned.status == 200)
        #expect(cosigned.contentType == "text/plain; charset=utf-8")
        #expect(cosigned.body == "\(signature.line)\n")
        let read = try AddCheckpointResponse(status: 200, contentType: nil, body: Array(cosigned.body.utf8))
        guard case .cosigned(let lines) = read else { Issue.record("not cosigned"); return }
        let note = try Self.request(from: 5, to: 13).note.adding(lines, of: [witness.verifier])
        #expect(try note.cosignatures(among: [witness.verifier]).map(\.time) == [77])
        for type in ["text/x.tlog.size", "Text/X.Tlog.Size", "text/x.tlog.size; charset=utf-8"] {
            let conflict = try AddCheckpointResponse(status: 409, contentType: type, body: Array("20852163\n".utf8))
            guard case .conflict(20_852_163) = conflict else { Issue.record("no conflict"); return }
            #expect(conflict.body == "20852163\n")
        }
        for (status, type) in [(409, nil), (409, "text/plain"), (404, nil), (500, "text/x.tlog.size"), (204, nil)] {
            let refused = try AddCheckpointResponse(status: status, contentType: type, body: Array("7\n".utf8))
            guard case .refused(status) = refused else { Issue.record("not refused"); return }
            #expect(refused.status == status && refused.body.isEmpty && refused.contentType == nil)
        }
    }

    @Test("a response that is not what its status says is refused")
    func malformedResponses() throws {
        let line = try CosignatureSigner(name: "w", privateKey: .init()).cosign(Self.checkpoint(13), time: 77).line
        let many = String(repeating: "\(line)\n", count: SignedNote.maximumSignatures + 1)
        for body in ["", "\n", line, "\(line)\r\n", "\(line)\n\n", "\n\(line)\n", "x\n", "\(line)\nx", many] {
            #expect(throws: AddCheckpointError.malformedResponse) {
                _ = try AddCheckpointResponse(status: 200, contentType: nil, body: Array(body.utf8))
            }
        }
        for body in ["", "\n", "7", "07\n", "-7\n", "7\n\n", "7 \n", " 7\n", "7\r\n", "18446744073709551616\n"] {
            #expect(throws: AddCheckpointError.malformedResponse) {
                _ = try AddCheckpointResponse(status: 409, contentType: "text/x.tlog.size", body: Array(body.utf8))
            }
        }
    }
}
