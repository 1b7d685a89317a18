import CountersignCore
import CountersignLog
import CountersignTestKit
import Crypto

extension LogSigner {
    /// Speaks for a ledger with a grant key of its own.
    static func testing(_ ledger: any Ledger, _ head: LogHead) throws -> LogSigner {
        LogSigner(ledger: ledger, head: head, grantKey: Curve25519.Signing.PrivateKey(), clock: ManualClock())
    }
}

extension InMemoryLedger {
    /// A moment for entries.
    var time: Timestamp { ManualClock().time() }
}
