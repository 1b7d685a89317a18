import CanonicalJSON

/// Why a receipt was refused.
package struct ReceiptError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in words for the receipt's holder.
    package let description: String

    /// Says what is wrong.
    package init(_ description: String) { self.description = description }
}

/// The entries of one action with proofs that they are in the log, as one canonical JSON object (DESIGN 7).
///
/// There is exactly one spelling of a receipt, so that every byte of it is either proven or refused.
package struct Receipt: Hashable, Sendable {
    /// One entry and its proof.
    package struct ProvenEntry: Hashable, Sendable {
        /// The entry's exact text, the leaf of the Merkle tree.
        package let text: String
        /// The `c2sp.org/tlog-proof@v1` of the entry.
        package let proof: String

        /// Joins an entry and its proof.
        package init(text: String, proof: String) {
            self.text = text
            self.proof = proof
        }
    }

    /// What stands beside the log and is committed to by an entry: the action document.
    package struct Document: Hashable, Sendable {
        /// The entry that commits to it.
        package let sequence: UInt64
        /// What was hashed before the text.
        package let salt: [UInt8]
        /// The document.
        package let text: String

        /// Joins a document and its salt.
        package init(sequence: UInt64, salt: [UInt8], text: String) {
            self.sequence = sequence
            self.salt = salt
            self.text = text
        }
    }

    /// The log's origin.
    package let log: String
    /// The approval that the entries belong to; `nil` for an action that needed none.
    package let approval: ApprovalID?
    /// The entries, in the log's order.
    package let entries: [ProvenEntry]
    /// The documents that were not erased, in the order of their entries.
    package let documents: [Document]

    /// What the member `format` says.
    package static let format = "countersign-receipt@v1"

    /// Puts a receipt together.
    package init(log: String, approval: ApprovalID?, entries: [ProvenEntry], documents: [Document]) {
        self.log = log
        self.approval = approval
        self.entries = entries
        self.documents = documents
    }

    /// The receipt's one spelling: RFC 8785, without a newline at the end.
    package var canonicalBytes: [UInt8] {
        var object = JSONObject([
            (
                "documents",
                .array(
                    documents.map { document in
                        .object(
                            JSONObject([
                                ("salt", .string(Base64URL.encode(document.salt))),
                                ("sequence", .integer(Int64(clamping: document.sequence))),
                                ("text", .string(document.text)),
                            ])
                        )
                    }
                )
            ),
            (
                "entries",
                .array(
                    entries.map { entry in
                        .object(JSONObject([("entry", .string(entry.text)), ("proof", .string(entry.proof))]))
                    }
                )
            ),
            ("format", .string(Self.format)), ("log", .string(log)),
        ])
        if let approval { object["approval"] = .string(approval.rawValue) }
        return JSONValue.object(object).canonicalBytes()
    }

    /// Reads a receipt strictly: what is read is exactly what is written.
    ///
    /// Nothing is proven yet.
    package init(parsing bytes: [UInt8]) throws(ReceiptError) {
        let limits = JSONLimits(maxDepth: 8, maxBytes: 256 << 20, allowsNoncharacters: true)
        let root: JSONObject
        do {
            root = try JSONParser.parse(bytes, limits: limits).objectValue ?? JSONObject()
        } catch {
            throw ReceiptError("this is not a receipt: \(error)")
        }
        guard root["format"]?.stringValue.map({ $0.utf8.elementsEqual(Self.format.utf8) }) ?? false else {
            throw ReceiptError("this is not a \(Self.format)")
        }
        guard let log = root["log"]?.stringValue, let entries = root["entries"]?.arrayValue,
            let documents = root["documents"]?.arrayValue
        else { throw ReceiptError("the receipt lacks a member: log, entries and documents are needed") }
        var approval: ApprovalID?
        if let member = root["approval"] {
            guard let id = member.stringValue.flatMap({ ApprovalID($0) }) else {
                throw ReceiptError("the receipt's approval is malformed")
            }
            approval = id
        }
        var proven = [ProvenEntry]()
        for entry in entries {
            guard let text = entry["entry"]?.stringValue, let proof = entry["proof"]?.stringValue else {
                throw ReceiptError("an entry of the receipt lacks its text or its proof")
            }
            proven.append(ProvenEntry(text: text, proof: proof))
        }
        var kept = [Document]()
        for document in documents {
            guard let sequence = document["sequence"]?.integerValue.flatMap({ UInt64(exactly: $0) }),
                let salt = document["salt"]?.stringValue.flatMap({ Base64URL.decode($0) }),
                let text = document["text"]?.stringValue
            else { throw ReceiptError("a document of the receipt is malformed") }
            kept.append(Document(sequence: sequence, salt: salt, text: text))
        }
        self.init(log: log, approval: approval, entries: proven, documents: kept)
        // Also refuses members that nothing reads, and every other spelling of those that are read.
        guard canonicalBytes == bytes else {
            throw ReceiptError("the receipt is not in canonical form (RFC 8785), or has members that are unknown")
        }
    }
}
