import CanonicalJSON
import CountersignCards
package import CountersignCore
import NIOCore
import NIOHTTP1

/// What a Workflows webhook needs to know.
package struct WorkflowsSettings: Sendable {
    /// The channel's name.
    package let name: ChannelName
    /// Where to post; whoever knows it can, so it is never shown.
    package let url: String

    /// Collects settings.
    package init(name: ChannelName, url: String) {
        self.name = name
        self.url = url
    }
}

/// Tells people in Teams by a Workflows webhook, which takes cards and no answers: each leads to its page.
package struct WorkflowsChannel: Channel {
    /// Its name.
    package var name: ChannelName { settings.name }
    /// A Workflows webhook.
    package var kind: ChannelKind { .workflows }
    /// What was posted cannot be changed.
    package var manner: ChannelManner { .message }
    /// A flow is throttled at a few messages a second.
    package let pace = ChannelPace(concurrency: 4, perSecond: 2, burst: 4)

    private let settings: WorkflowsSettings
    private let web = TeamsWeb()
    private let clock: any WallClock

    /// Will post to a flow.
    package init(_ settings: WorkflowsSettings, world: ChannelWorld) {
        self.settings = settings
        clock = world.clock
    }

    /// Ends the connections.
    package func close() async { await web.close() }

    /// Posts what is asked, and how it ended.
    package func deliver(_ parcel: Parcel) async -> Delivery {
        guard parcel.asksOrEnds else { return .nothingToTell }
        let body: [UInt8]
        do {
            body = TeamsMessage.digest(TeamsDigest(try parcel.cards(), page: try parcel.link())).json.canonicalBytes()
        } catch {
            return .refused(trouble: error.description)
        }
        guard let answer = await web.exchange(.POST, settings.url, body: body, within: .seconds(10)) else {
            return .retry(after: nil, scope: .whole, trouble: "the flow does not answer")
        }
        let said = "the flow answered \(answer.status)"
        switch answer.status {
        case 200...299: return .delivered(reference: parcel.reference(parcel.notice.id))
        case 408, 425, 429, 500...599:
            let wait = answer.retryAfter.flatMap { RetryAfter.wait($0, now: clock.time()) }
            return .retry(after: wait, scope: .whole, trouble: said)
        default: return .refused(trouble: said)
        }
    }
}
