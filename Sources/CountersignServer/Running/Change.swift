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
        let policy = try await latest(.policyChanged, in: ledger)?["policy"]?["version"]?.stringValue
        let configuration = try await latest(.configurationChanged, in: ledger)?["configuration"]?["version"]
        return (policy, configuration?.stringValue)
    }

    private static func latest(_ kind: EntryKind, in ledger: any Ledger) async throws(LedgerError) -> JSONValue? {
        let page = try await ledger.entries(EntryQuery(kinds: [kind], limit: 1))
        return page.items.first.flatMap { StoredJSON.value($0.bytes) }
    }

    private static func value(_ version: String, _ previous: String?, _ more: [(String, JSONValue)]) -> JSONValue {
        .object(
            JSONObject(more + [("previous", previous.map { .string($0) } ?? .null), ("version", .string(version))])
        )
    }
}
