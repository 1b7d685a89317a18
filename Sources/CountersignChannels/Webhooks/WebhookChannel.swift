import AsyncHTTPClient
import CanonicalJSON
package import CountersignCards
package import CountersignCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// What a webhook needs to know.
package struct WebhookSettings: Sendable {
    /// The channel's name.
    package let name: ChannelName
    /// Where to post.
    package let url: String
    /// What signs; several during a rotation.
    package let keys: [WebhookKey]
    /// Which addresses may be reached.
    package let guardian: DeliveryGuard

    /// Collects settings.
    package init(name: ChannelName, url: String, keys: [WebhookKey], guardian: DeliveryGuard) {
        self.name = name
        self.url = url
        self.keys = keys
        self.guardian = guardian
    }
}

/// Tells a program by Standard Webhooks 1.0.0: a thin payload with an id and a link, signed.
package struct WebhookChannel: Channel {
    /// Its name.
    package var name: ChannelName { settings.name }
    /// A webhook.
    package var kind: ChannelKind { .webhook }
    /// Everything that happens.
    package var manner: ChannelManner { .events }
    /// As the specification proposes.
    package let pace = ChannelPace(concurrency: 16, patience: .seconds(20), backOff: .standard)

    private let settings: WebhookSettings
    private let client: HTTPClient
    private let clock: any WallClock

    /// Will post to an address.
    package init(_ settings: WebhookSettings, world: ChannelWorld) {
        self.settings = settings
        clock = world.clock
        client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: HTTPClient.Configuration(redirectConfiguration: .disallow),
        )
    }

    /// Keeps the connections for as long as the server runs.
    package func run() async {
        try? await Task.sleep(for: .seconds(Int64.max / 4))
        try? await client.shutdown()
    }

    /// Posts one notice.
    package func deliver(_ parcel: Parcel) async -> Delivery {
        do {
            let message = try WebhookMessage(id: parcel.notice.id, body: try Self.body(parcel))
            var request = HTTPClientRequest(url: settings.url)
            request.method = .POST
            request.headers.add(name: "Content-Type", value: "application/json")
            for (name, value) in try message.headers(at: clock.time(), keys: settings.keys).fields {
                request.headers.add(name: name, value: value)
            }
            request.body = .bytes(ByteBuffer(bytes: message.body))
            let answer = try await client.execute(request, timeout: .seconds(15))
            let status = Int(answer.status.code)
            let said = "the receiver answered \(status)"
            switch WebhookDelivery(
                status: status,
                retryAfter: answer.headers.first(name: "Retry-After"),
                now: clock.time()
            ) {
            case .delivered: return .delivered(reference: nil)
            case .failed, .disabled: return .refused(trouble: said)
            case .retry(let after): return .retry(after: after, scope: .notice, trouble: said)
            }
        } catch let fault as ChannelFault {
            return .refused(trouble: fault.description)
        } catch {
            return .retry(after: nil, scope: .whole, trouble: "the receiver cannot be reached")
        }
    }

    /// What is sent: enough to find the approval, nothing of what it does.
    static func body(_ parcel: Parcel) throws(ChannelFault) -> [UInt8] {
        let notice = parcel.notice
        let link = try CardLink(publicURL: parcel.publicURL, approval: notice.approval)
        let data: JSONObject = [
            "cause": .string(notice.cause.rawValue), "id": .string(notice.approval.rawValue),
            "revision": .integer(Int64(notice.revision)), "status": .string(notice.status.rawValue),
            "url": .string(link.url),
        ]
        let payload: JSONValue = [
            "data": .object(data), "timestamp": .string(notice.madeAt.rfc3339),
            "type": .string(notice.event.rawValue),
        ]
        return payload.canonicalBytes()
    }
}
