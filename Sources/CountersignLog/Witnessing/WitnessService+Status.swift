package import CountersignCore
import Synchronization
import TransparencyLog

extension WitnessService {
    /// How far each witness has come, in the order of the configuration.
    package var status: [LogStatus.Witness] {
        let newest = head.newest?.size ?? 0
        let standings = board.withLock { $0.standings }
        return zip(settings.peers, standings).map { peer, standing in
            LogStatus.Witness(
                name: peer.key.name,
                host: peer.host,
                size: standing.cosigned,
                lag: newest - min(newest, standing.cosigned ?? 0),
                error: standing.error,
                time: standing.time,
            )
        }
    }

    /// The size of the largest checkpoint that enough witnesses have cosigned; `nil` before the first.
    package var cosigned: UInt64? { board.withLock { $0.remembered } }
}
