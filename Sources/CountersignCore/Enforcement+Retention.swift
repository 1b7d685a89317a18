extension Enforcement {
    /// Erases every payload whose connection has kept it for its term; how many.
    ///
    /// Where it got to is remembered, so that a sweep never looks at what an earlier one has passed. Time is that of the
    /// entries: a clock that goes back makes payloads live longer, never shorter.
    package func sweepPayloads(portion: Int = 500) async throws(LedgerError) -> Int {
        let rules = current.snapshot.settings.retention
        var erased = 0
        for (name, term) in rules.connections.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard case .during(let duration) = term else { continue }
            erased += try await sweep(
                .connection(name),
                duration,
                reader: "retention/connection/\(name.rawValue)",
                portion,
            )
        }
        if case .during(let duration) = rules.standard {
            let names = rules.connections.keys.sorted { $0.rawValue < $1.rawValue }
            // With other exceptions, older payloads may be in its scope: then it begins anew.
            let digest = ActionDigest(of: Array(names.map(\.rawValue).joined(separator: ",").utf8))
            erased += try await sweep(
                .allExcept(names),
                duration,
                reader: "retention/others/\(digest.rawValue)",
                portion,
            )
        }
        return erased
    }

    private func sweep(
        _ scope: ErasableQuery.Scope,
        _ term: Duration,
        reader: String,
        _ portion: Int,
    ) async throws(LedgerError) -> Int {
        let start = try await ledger.cursor(reader) ?? 0
        var next = start
        var remembered = start
        var skipped: UInt64?
        var erased = 0
        while !Task.isCancelled {
            let (count, page) = try await eraseExpired(scope, term: term, from: next, limit: portion)
            erased += count
            next = page.next
            skipped = skipped ?? page.skipped
            // A crash before this line looks at the same entries again, and finds nothing beside them.
            let passed = skipped ?? next
            if passed > remembered {
                try await ledger.moveCursor(reader, to: passed)
                remembered = passed
            }
            if page.isLast { break }
            await Task.yield()
        }
        return erased
    }
}
