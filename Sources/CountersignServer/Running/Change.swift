import CanonicalJSON
import CountersignCore

/// Writes the entries that tell which policies and which configuration are in force.
enum Change {
    /// `policy.changed` and `configuration.changed`, each only if its version is another one.
    static func entries(
        from old: (policy: String?, configuration: String?),
        to snapshot: Snapshot,
        file: String,
        at now: Timestamp,
    ) -> [EntryDraft] {
        var entries = [EntryDraft]()
        if old.configuration != snapshot.configurationVersion {
            let version = snapshot.configurationVersion
            let members = [("configuration", value(version, old.configuration, [("file", .string(file))]))]
            entries.append(EntryDraft(.configurationChanged, time: now, actor: .gateway, members: members))
        }
        if old.policy != snapshot.policy.version {
            let count = JSONValue.integer(Int64(snapshot.policy.gates.count))
            let members = [("policy", value(snapshot.policy.version, old.policy, [("policies", count)]))]
            entries.append(EntryDraft(.policyChanged, time: now, actor: .gateway, members: members))
        }
        return entries
    }

    /// The versions that the log's last entries of these kinds name.
    static func versions(
        in ledger: any Ledger,
    ) async throws(LedgerError) -> (policy: String?, configuration: String?) {
        (
            try await latest(.policyChanged, "policy", in: ledger),
            try await latest(.configurationChanged, "configuration", in: ledger)
        )
    }

    /// The version that the newest entry of a kind names; that of an accepted tool definition names none.
    private static func latest(
        _ kind: EntryKind,
        _ member: String,
        in ledger: any Ledger,
    ) async throws(LedgerError) -> String? {
        var query = EntryQuery(kinds: [kind], limit: 1)
        while true {
            let page = try await ledger.entries(query)
            for entry in page.items {
                let version = StoredJSON.value(entry.bytes)?[member]?["version"]?.stringValue
                if let version { return version }
            }
            guard let next = page.next else { return nil }
            (query.cursor, query.limit) = (next, 200)
        }
    }

    private static func value(_ version: String, _ previous: String?, _ more: [(String, JSONValue)]) -> JSONValue {
        .object(
            JSONObject(more + [("previous", previous.map { .string($0) } ?? .null), ("version", .string(version))])
        )
    }
}
