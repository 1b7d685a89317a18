package import CountersignCards
package import CountersignCore
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// What a webhook needs to know.
package struct WebhookSettings: Sendable {
    /// The channel's name.
    package let name: ChannelName
    /// Where to post.
    package let target: WebhookTarget
    /// What signs; several during a rotation.
    package let keys: [WebhookKey]
    /// Which addresses may be reached.
    package let guardian: DeliveryGuard
    /// What it is told of.
    package let filter: WebhookFilter
    /// How long an attempt may take.
    package let timeout: Duration
    /// A PEM file of authorities that are trusted beside the system's; `nil` for none.
    package let authorities: String?
    /// A digest of all of this.
    package let setup: String

    /// Collects settings.
    package init(
        name: ChannelName,
        target: WebhookTarget,
        keys: [WebhookKey],
        guardian: DeliveryGuard,
        filter: WebhookFilter = WebhookFilter(),
        timeout: Duration = .seconds(20),
        authorities: String? = nil,
        setup: String,
    ) {
        self.name = name
        self.target = target
        self.keys = keys
        self.guardian = guardian
        self.filter = filter
        self.timeout = timeout
        self.authorities = authorities
        self.setup = setup
    }
}

/// Tells a program by Standard Webhooks 1.0.0: a thin payload with an id and a link, signed.
///
/// Each attempt looks the name up anew, has every address judged, and connects to one that was judged. A receiver that
/// answers 410 is left alone until an operator switches the channel on or sets it up anew. The mutex guards whether it
/// is known to be on.
package final class WebhookChannel: Channel {
    /// Its name.
    package var name: ChannelName { settings.name }
    /// A webhook.
    package var kind: ChannelKind { .webhook }
    /// Everything that happens.
    package var manner: ChannelManner { .events }
    /// As the specification proposes.
    package let pace: ChannelPace

    private let settings: WebhookSettings
    private let resolver: any AddressResolver
    private let desk: ChannelDesk
    private let context: NIOSSLContext?
    private let clock: any WallClock
    private let logger: Logger
    private let isKnownOn = Mutex(false)

    /// Will post to an address.
    package init(
        _ settings: WebhookSettings,
        world: ChannelWorld,
        resolver: any AddressResolver = SystemResolver(),
    ) throws {
        self.settings = settings
        self.resolver = resolver
        desk = world.desk
        clock = world.clock
        logger = world.logger
        pace = ChannelPace(concurrency: 16, patience: settings.timeout, backOff: .standard)
        context = settings.target.isTLS ? try ChannelTLS.context(authorities: settings.authorities) : nil
    }

    /// Posts one notice.
    package func deliver(_ parcel: Parcel) async -> Delivery {
        guard let approval = parcel.approvals.first(where: { $0.id == parcel.notice.approval }) else {
            return .nothingToTell
        }
        let end = NIODeadline.now() + TimeAmount(settings.timeout)
        do {
            let payload = try WebhookPayload(parcel.notice, approval, publicURL: parcel.publicURL)
            guard settings.filter.admits(payload.type, approval) else { return .nothingToTell }
            if let delivery = await objection() { return delivery }
            let message = try WebhookMessage(id: parcel.notice.id, body: payload.body)
            let fields = try message.headers(at: clock.time(), keys: settings.keys).fields
            let addresses: [NetworkAddress]
            do throws(ChannelFault) {
                addresses = try judged(await resolver.addresses(of: settings.target.host))
            } catch {
                // The name may be mended, and the notice is not to be lost until then.
                return .retry(after: nil, scope: .whole, trouble: error.description)
            }
            let post = WebhookPost(target: settings.target, context: context, end: end)
            return await judge(try await post.send(message.body, fields: fields, to: addresses))
        } catch let trouble as WebhookPost.Trouble {
            return .retry(after: nil, scope: .whole, trouble: trouble.words)
        } catch {
            return .refused(trouble: "\(error)")
        }
    }

    /// The addresses that may be connected to; without TLS, only this host's.
    private func judged(_ addresses: [NetworkAddress]) throws(ChannelFault) -> [NetworkAddress] {
        let pinned = try settings.guardian.pinned(addresses)
        guard settings.target.isTLS || pinned.allSatisfy({ $0.unmapped.addressClass == .loopback }) else {
            throw ChannelFault(addressRefused: "Without TLS a webhook goes to this host only: use https://.")
        }
        return pinned
    }

    private func judge(_ answer: WebhookPost.Answer) async -> Delivery {
        let said = "the receiver answered \(answer.status)"
        switch WebhookDelivery(status: answer.status, retryAfter: answer.retryAfter, now: clock.time()) {
        case .delivered: return .delivered(reference: nil)
        case .failed: return .refused(trouble: "\(said), and redirects are not followed: mend the url")
        case .disabled: return await switchOff()
        case .retry(let after): return .retry(after: after, scope: .notice, trouble: said)
        }
    }

    /// Why nothing is posted now, if the receiver wanted nothing more.
    private func objection() async -> Delivery? {
        if isKnownOn.withLock({ $0 }) { return nil }
        do throws(LedgerError) {
            let isOff = try await desk.lastSwitch(of: name)?.isOff(settings.setup) ?? false
            isKnownOn.withLock { $0 = !isOff }
            return isOff ? .refused(trouble: Self.isOff(name)) : nil
        } catch {
            return .retry(after: nil, scope: .whole, trouble: "whether the channel is switched off cannot be read")
        }
    }

    private func switchOff() async -> Delivery {
        isKnownOn.withLock { $0 = false }
        let detail = "the receiver answered 410: it wants no more"
        if await desk.switchOff(name, setup: settings.setup, detail: detail) != nil {
            return .retry(after: nil, scope: .whole, trouble: "that the receiver answered 410 cannot be written")
        }
        logger.error("a receiver switched its channel off", metadata: ["channel": "\(name)"])
        return .refused(trouble: Self.isOff(name))
    }

    private static func isOff(_ name: ChannelName) -> String {
        "switched off, because the receiver answered 410; `countersign channels enable \(name)` switches it on"
    }
}
