import CountersignCore
import CountersignIdentity
import CountersignStore
import TransparencyLog

/// A witness's data folder: its key and what it cosigned.
///
/// The two belong together: a key without its state would cosign what contradicts what it cosigned before.
struct WitnessData: Sendable {
    let signer: CosignatureSigner
    let store: WitnessStore
    let memories: [WitnessStore.Memory]

    /// Opens a folder, and makes what is missing in a new one.
    static func open(_ data: String, name: String?) async throws -> WitnessData {
        try WitnessKey.makeFolder(data)
        let path = data + "/witness.db"
        // The state comes before the key at a first start, so a key alone is always one whose state was lost.
        if try WitnessKey.load(data: data, name: name) != nil, try !WitnessStore.exists(path) {
            throw StartupError(
                "\(WitnessKey.path(in: data)) is there, but \(path), what it cosigned, is not: a witness that forgets "
                    + "protects nobody. Put the newest state back if it was only moved; otherwise begin a new witness with "
                    + "another --data folder and another --name, and give its key to the gateways and to whoever checks "
                    + "receipts. docs/operations.md, \"Witnesses\", has the steps."
            )
        }
        let store = try WitnessStore(path: path)
        do {
            let memories = try await store.all()
            let signer = try key(data, name: name, isNew: memories.isEmpty)
            for memory in memories { try check(memory, of: signer, path) }
            return WitnessData(signer: signer, store: store, memories: memories)
        } catch {
            try? await store.close()
            throw error
        }
    }

    /// The key of a folder that another process may have open; `nil` if there is none.
    static func key(_ data: String, name: String?) throws -> CosignatureVerifier? {
        try WitnessKey.load(data: data, name: name)?.verifier
    }

    private static func key(_ data: String, name: String?, isNew: Bool) throws -> CosignatureSigner {
        if let signer = try WitnessKey.load(data: data, name: name) { return signer }
        guard isNew else {
            throw StartupError(
                "\(WitnessKey.path(in: data)) is missing: restore the key from your backup, or begin a new witness in "
                    + "another --data folder"
            )
        }
        guard let name else {
            throw StartupError("a new witness needs a name: --name witness.example.com/w1, for instance")
        }
        return try WitnessKey.make(data: data, name: name)
    }

    /// What is remembered must bear this witness's own cosignature, so that no bit of it can have changed.
    private static func check(_ memory: WitnessStore.Memory, of signer: CosignatureSigner, _ path: String) throws {
        let note = try? SignedNote(parsing: memory.note)
        let cosignatures = try? note?.cosignatures(among: [signer.verifier])
        guard let cosignature = cosignatures?.first, cosignature.time == memory.time else {
            throw StartupError(
                "the witness's state \(path) is damaged, or belongs to another key: what it remembers of "
                    + "\"\(memory.checkpoint.origin)\" does not bear the cosignature of \(signer.name). Put the key and "
                    + "the state that belong together back, or begin a new witness in another --data folder."
            )
        }
    }
}
