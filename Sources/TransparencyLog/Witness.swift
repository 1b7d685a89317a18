/// The latest tree of a log that a witness cosigned.
package struct WitnessedTree: Hashable, Sendable {
    /// The number of leaves.
    package let size: UInt64
    /// The root of the tree of that size.
    package let root: LogHash

    /// Joins size and root.
    package init(size: UInt64, root: LogHash) {
        self.size = size
        self.root = root
    }

    /// What a witness knows of a log before it cosigned anything.
    package static let none = WitnessedTree(size: 0, root: .emptyTree)
}

/// What a witness knows of one log.
package struct WitnessedLog: Hashable, Sendable {
    /// The log's name.
    package let origin: String
    /// The keys that are trusted to sign for it.
    package let verifiers: [NoteVerifier]
    /// The latest tree that the witness cosigned.
    package let tree: WitnessedTree

    /// Joins what is configured about a log and what was cosigned.
    package init(origin: String, verifiers: [NoteVerifier], tree: WitnessedTree = .none) {
        self.origin = origin
        self.verifiers = verifiers
        self.tree = tree
    }
}

/// What a witness does with a request (C2SP tlog-witness, add-checkpoint).
package enum WitnessVerdict: Hashable, Sendable {
    /// Store the tree in place of the one judged against, in one durable step, and cosign only if that succeeded.
    ///
    /// Where the stored tree is no longer that one, the answer is a conflict with what is stored now.
    case cosign(Checkpoint)
    /// The log is not known.
    case notFound
    /// None of the log's keys signed the checkpoint, or one of them badly.
    case forbidden
    /// The old size is beyond the checkpoint's.
    case badRequest
    /// The old size or root is not that of the tree cosigned last, whose size this is.
    case conflict(size: UInt64)
    /// The proof does not lead from the tree cosigned last to the checkpoint.
    case unprocessable

    /// What the witness will have cosigned last once it did; nil where it does not cosign.
    package var tree: WitnessedTree? {
        guard case .cosign(let checkpoint) = self else { return nil }
        return WitnessedTree(size: checkpoint.size, root: checkpoint.root)
    }

    /// What is answered where nothing is cosigned.
    package var refusal: AddCheckpointResponse? {
        switch self {
        case .cosign: nil
        case .notFound: .refused(status: 404)
        case .forbidden: .refused(status: 403)
        case .badRequest: .refused(status: 400)
        case .conflict(let size): .conflict(size: size)
        case .unprocessable: .refused(status: 422)
        }
    }
}

/// The rules by which a witness cosigns.
package enum Witness {
    /// Judges a request against what the witness knows of its log, in the order of the specification.
    ///
    /// `log` is what is stored under the checkpoint's origin; nil where that is not configured.
    package static func judge(_ request: AddCheckpointRequest, log: WitnessedLog?) -> WitnessVerdict {
        let checkpoint = request.checkpoint
        guard let log, log.origin.utf8.elementsEqual(checkpoint.origin.utf8) else { return .notFound }
        guard (try? request.note.verified(by: log.verifiers)) != nil else { return .forbidden }
        guard request.oldSize <= checkpoint.size else { return .badRequest }
        guard request.oldSize == log.tree.size else { return .conflict(size: log.tree.size) }
        if request.oldSize == 0 || request.oldSize == checkpoint.size {
            // The empty tree is the beginning of every tree, and every tree of itself: nothing is left to prove.
            guard request.proof.isEmpty else { return .unprocessable }
            guard checkpoint.size != log.tree.size || checkpoint.root == log.tree.root else {
                return .conflict(size: log.tree.size)
            }
            return .cosign(checkpoint)
        }
        let isConsistent = ConsistencyProof.verify(
            from: log.tree.size,
            to: checkpoint.size,
            oldRoot: log.tree.root,
            newRoot: checkpoint.root,
            proof: request.proof,
        )
        return isConsistent ? .cosign(checkpoint) : .unprocessable
    }
}
