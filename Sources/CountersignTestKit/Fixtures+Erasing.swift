import CanonicalJSON
package import CountersignCore

extension Fixtures {
    /// A commit that erases payloads, with the entry that tells of it.
    package static func erasure(of sequences: [UInt64], at time: Timestamp) -> Commit {
        let erased: JSONValue = [
            "count": .integer(Int64(sequences.count)), "reason": "request",
            "sequences": .array(sequences.map { .integer(Int64(clamping: $0)) }),
        ]
        let entry = EntryDraft(
            .payloadErased,
            time: time,
            actor: .gateway,
            members: [("erased", erased), ("reason", "a test said so")],
        )
        return Commit(entries: [entry], erasures: sequences)
    }
}
