import CountersignCore
import CountersignStore
import CountersignTestKit
import Testing

/// The ledgers that the contract is for.
enum LedgerKind: CaseIterable {
    case memory
    case sqlite
    /// With an index that follows at its own pace.
    case indexed

    /// Lends an empty ledger of this kind.
    func withLedger(_ clock: ManualClock, _ body: (any Ledger) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(InMemoryLedger(clock: clock))
        case .sqlite, .indexed:
            try await withTemporaryFolder { folder in
                let search = SearchSetting(path: folder + "/search.db") { Issue.record("\($0)") }
                let ledger = try SQLiteLedger(
                    path: folder + "/ledger.sqlite",
                    clock: clock,
                    sealer: .fixture,
                    search: self == .indexed ? search : nil,
                )
                try await body(ledger)
                try await ledger.audit()
                try await ledger.close()
            }
        }
    }
}

@Suite("Every ledger keeps the contract", .timeLimit(.minutes(10)))
struct LedgerContractTests {
    @Test("the contract", arguments: LedgerContract.rules, LedgerKind.allCases)
    func contract(_ rule: LedgerRule, _ kind: LedgerKind) async throws {
        let clock = ManualClock()
        try await kind.withLedger(clock) { ledger in try await rule.check(ledger, clock) }
    }
}
