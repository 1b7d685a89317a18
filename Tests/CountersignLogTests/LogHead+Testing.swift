import CountersignCore
import CountersignLog
import CountersignTestKit
import Logging
import TransparencyLog

extension LogHead {
    /// A head with a floor in memory, whose waits never end by themselves.
    static func testing(
        _ ledger: any LogLedger,
        clock: ManualClock = ManualClock(),
        signer: NoteSigner,
        folder: any DurableFolder = MemoryFolder(),
        pause: ManualPause = ManualPause(),
    ) -> LogHead {
        LogHead(
            ledger: ledger,
            signer: signer,
            floor: CheckpointFloor(in: folder),
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            sleep: { try await pause.hold($0) },
        )
    }
}
