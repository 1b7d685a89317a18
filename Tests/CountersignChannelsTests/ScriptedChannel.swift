import CountersignChannels
import CountersignCore
import Synchronization

/// A channel that does what a test says, and remembers what it was given.
final class ScriptedChannel: Channel {
    let name = ChannelName(unchecked: "slack")
    let kind = ChannelKind.slack
    let manner: ChannelManner
    let pace: ChannelPace
    private let heard = Mutex<[Parcel]>([])
    private let script: Mutex<@Sendable (Parcel) -> Delivery>

    init(
        _ manner: ChannelManner = .card,
        pace: ChannelPace = ChannelPace(),
        _ script: @escaping @Sendable (Parcel) -> Delivery = { .delivered(reference: $0.notice.subject) },
    ) {
        self.manner = manner
        self.pace = pace
        self.script = Mutex(script)
    }

    var parcels: [Parcel] { heard.withLock { $0 } }

    func answer(_ script: @escaping @Sendable (Parcel) -> Delivery) { self.script.withLock { $0 = script } }

    func deliver(_ parcel: Parcel) async -> Delivery {
        heard.withLock { $0.append(parcel) }
        return script.withLock { $0 }(parcel)
    }
}
