import CanonicalJSON
import CountersignCards
import CountersignChannels
import CountersignCore
import CountersignTestKit
import Dispatch
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Answers with each list in turn, the last one for ever, and remembers what it was asked.
private final class ScriptedResolver: AddressResolver {
    private let answers: Mutex<[[String]]>
    private let heard = Mutex<[String]>([])

    init(_ answers: [[String]]) { self.answers = Mutex(answers) }

    var asked: [String] { heard.withLock { $0 } }

    func addresses(of host: String) async -> [NetworkAddress] {
        heard.withLock { $0.append(host) }
        let answer = answers.withLock { answers in answers.count > 1 ? answers.removeFirst() : answers.first ?? [] }
        return answer.compactMap { NetworkAddress($0) }
    }
}

@Suite("Where webhooks go", .timeLimit(.minutes(5)))
struct WebhookChannelTests {
    private let clock = ManualClock()

    private func channel(
        _ resolver: ScriptedResolver,
        allow: [String] = ["127.0.0.0/8"],
        isTLS: Bool = true,
        port: Int = 1,
        filter: WebhookFilter = WebhookFilter(),
        timeout: Duration = .seconds(20),
    ) throws -> WebhookChannel {
        let ledger = InMemoryLedger(clock: clock)
        let enforcement = try Fixtures.enforcement(ledger: ledger, clock: clock)
        let settings = WebhookSettings(
            name: ChannelName(unchecked: "hook"),
            // Nobody listens on port 1, so an attempt to connect ends at once.
            target: WebhookTarget(isTLS: isTLS, host: "hooks.example.com", port: port, path: "/in"),
            keys: [try WebhookKey("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")],
            guardian: DeliveryGuard(allowed: try allow.map { try AddressRange($0) }),
            filter: filter,
            timeout: timeout,
            setup: "x",
        )
        let world = ChannelWorld(
            desk: ChannelDesk(enforcement: enforcement, identities: NobodyKnown()),
            places: ledger.places,
            publicURL: "https://countersign.example.com",
            clock: clock,
            chance: .deterministic(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        )
        return try WebhookChannel(settings, world: world, resolver: resolver)
    }

    private func parcel(_ event: EntryKind = .approvalRequested) throws -> Parcel {
        let approval = try Fixtures.approval(1, of: Fixtures.action(path: "/x"), at: clock.time())
        let destination = Destination(channel: ChannelName(unchecked: "hook"))
        let notice = Notice(
            number: 1,
            id: Notice.id(approval.id, destination, .requested, event, revision: 0),
            approval: approval.id,
            batch: nil,
            destination: destination,
            cause: event == .approvalRequested ? .requested : .changed,
            event: event,
            revision: 0,
            status: .pending,
            madeAt: clock.time(),
            dueAt: clock.time(),
            tryAt: clock.time(),
        )
        return Parcel(
            notice: notice,
            approvals: [approval],
            shown: nil,
            isRepeat: false,
            publicURL: "https://countersign.example.com",
            now: clock.time(),
        )
    }

    private func trouble(_ delivery: Delivery) -> String? {
        switch delivery {
        case .retry(_, .whole, let trouble): trouble
        case .retry, .refused, .delivered, .nothingToTell: nil
        }
    }

    @Test(
        "a name is refused when any of its addresses is no public one",
        arguments: [
            ["10.0.0.1"], ["192.168.1.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], ["fd00::1"], ["0.0.0.0"],
            ["64:ff9b::a00:1"], ["2002:a00:1::"], ["8.8.8.8", "10.0.0.1"], ["2606:4700::1", "fe80::1"],
            ["127.0.0.1", "172.16.0.1"],
        ]
    )
    func refuses(addresses: [String]) async throws {
        let parcel = try parcel()
        let channel = try channel(ScriptedResolver([addresses]))
        let trouble = try #require(trouble(await channel.deliver(parcel)))
        #expect(trouble.hasSuffix("(address-refused)"))
    }

    @Test("a name without addresses is waited for")
    func unknown() async throws {
        let parcel = try parcel()
        let channel = try channel(ScriptedResolver([[]]))
        #expect(trouble(await channel.deliver(parcel))?.contains("has no address") == true)
    }

    @Test("each attempt judges anew, and a name that turns private between two is refused then")
    func rebinds() async throws {
        let parcel = try parcel()
        let resolver = ScriptedResolver([["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"]])
        let channel = try channel(resolver)
        #expect(trouble(await channel.deliver(parcel)) == "the receiver cannot be reached")
        #expect(trouble(await channel.deliver(parcel))?.hasSuffix("(address-refused)") == true)
        #expect(trouble(await channel.deliver(parcel)) == "the receiver cannot be reached")
        // Once for each attempt: what was judged is what was connected to, without another question.
        #expect(resolver.asked == Array(repeating: "hooks.example.com", count: 3))
    }

    @Test("without TLS even an address that is allowed must be this host's")
    func plain() async throws {
        let parcel = try parcel()
        let resolver = ScriptedResolver([["10.0.0.1"], ["8.8.8.8"], ["127.0.0.1"]])
        let channel = try channel(resolver, allow: ["10.0.0.0/8", "127.0.0.0/8"], isTLS: false)
        for _ in 0..<2 {
            #expect(trouble(await channel.deliver(parcel))?.hasSuffix("(address-refused)") == true)
        }
        #expect(trouble(await channel.deliver(parcel)) == "the receiver cannot be reached")
    }

    @Test("of a name with many addresses only the first eight are tried")
    func manyAddresses() async throws {
        let parcel = try parcel()
        let ninth = (1...9).map { "127.0.0.\($0)" }
        let reached = Mutex(0)
        let receiver = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { connection in
                reached.withLock { $0 += 1 }
                return connection.close()
            }
            .bind(host: "127.0.0.9", port: 0)
            .get()
        let port = try #require(receiver.localAddress?.port)
        let resolver = ScriptedResolver([ninth, Array(ninth.dropFirst())])
        // However little of the machine this gets beside the other tests.
        let channel = try channel(resolver, isTLS: false, port: port, timeout: .seconds(3600))
        _ = await channel.deliver(parcel)
        #expect(reached.withLock { $0 } == 0)
        _ = await channel.deliver(parcel)
        while reached.withLock({ $0 }) == 0 { await Task.yield() }
        try await receiver.close()
    }

    @Test("after its time, and once it is cancelled, an attempt connects to nothing more")
    func endsInTime() async throws {
        let parcel = try parcel()
        let late = "the receiver was not reached in time"
        let resolver = ScriptedResolver([["127.0.0.1"]])
        #expect(trouble(await (try channel(resolver, timeout: .zero)).deliver(parcel)) == late)
        let channel = try channel(resolver)
        let cancelled = await withTaskGroup(of: Delivery.self) { group in
            group.cancelAll()
            group.addTask { await channel.deliver(parcel) }
            return await group.next()
        }
        #expect(cancelled.flatMap { trouble($0) } == late)
    }

    @Test("what a filter leaves out asks nobody for an address")
    func filtered() async throws {
        for filter in [
            WebhookFilter(types: ["approval.settled"]),
            WebhookFilter(connections: [ConnectionName(unchecked: "other")]),
            WebhookFilter(groups: [GroupName(unchecked: "nobody")]),
        ] {
            let resolver = ScriptedResolver([["127.0.0.1"]])
            let channel = try channel(resolver, filter: filter)
            let parcel = try parcel()
            #expect(await channel.deliver(parcel) == .nothingToTell)
            #expect(resolver.asked.isEmpty)
        }
        let resolver = ScriptedResolver([["127.0.0.1"]])
        let filter = WebhookFilter(types: ["approval.settled"], groups: [Fixtures.approvers])
        let channel = try channel(resolver, filter: filter)
        _ = await channel.deliver(try parcel(.approvalSettled))
        #expect(resolver.asked == ["hooks.example.com"])
    }

    @Test("the system's resolver reads names and every spelling of an address")
    func system() async {
        let resolver = SystemResolver()
        #expect(await resolver.addresses(of: "127.1").map(\.description) == ["127.0.0.1"])
        #expect(await resolver.addresses(of: "::ffff:10.0.0.1").map(\.unmapped.description) == ["10.0.0.1"])
        #expect(await resolver.addresses(of: "no-such-name.invalid").isEmpty)
        #expect(await !resolver.addresses(of: "localhost").isEmpty)
    }

    @Test("names are looked up while the threads on which files are read and written are all busy")
    func ownThreads() async {
        let (pool, gate) = (NIOThreadPool.singleton, DispatchSemaphore(value: 0))
        let work = (0..<NIOSingletons.blockingPoolThreadCountSuggestion).map { _ in
            pool.runIfActive(eventLoop: MultiThreadedEventLoopGroup.singleton.any()) { gate.wait() }
        }
        #expect(await SystemResolver().addresses(of: "127.0.0.1").count == 1)
        for _ in work { gate.signal() }
        for each in work { try? await each.get() }
    }
}
