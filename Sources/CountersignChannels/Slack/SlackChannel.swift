import CanonicalJSON
import CountersignCards
package import CountersignCore
import Logging
import NIOSSL
import ServiceLifecycle

/// A Slack app: cards in conversations and direct messages, and what people do with them, over HTTP or a socket.
package struct SlackChannel: Channel {
    /// Its name.
    package var name: ChannelName { settings.name }
    /// A Slack app.
    package var kind: ChannelKind { .slack }
    /// A card for each subject.
    package var manner: ChannelManner { .card }
    /// As Slack allows: about one message a second in each conversation.
    package let pace: ChannelPace

    private let settings: SlackSettings
    private let api: SlackAPI
    private let rooms: SlackRooms
    private let people: SlackPeople
    private let intake: SlackIntake
    private let clerk: SlackClerk
    private let callbacks: SlackCallbacks?
    private let socket: SlackSocketMode?
    private let logger: Logger

    /// Opens nothing before it has something to tell, or runs.
    package init(_ settings: SlackSettings, world: ChannelWorld) throws {
        self.settings = settings
        var logger = world.logger
        logger[metadataKey: "channel"] = "\(settings.name)"
        self.logger = logger
        pace = ChannelPace(
            concurrency: 16,
            perSecond: settings.perSecond,
            burst: settings.burst,
            patience: .seconds(30),
        )
        api = SlackAPI(settings)
        rooms = SlackRooms(api)
        people = SlackPeople(settings, api: api, desk: world.desk)
        let intake = SlackIntake(settings, people: people, desk: world.desk)
        self.intake = intake
        clerk = SlackClerk(
            name: settings.name,
            app: settings.app,
            api: api,
            rooms: rooms,
            people: people,
            desk: world.desk,
            publicURL: world.publicURL,
            clock: world.clock,
            logger: logger,
        )
        callbacks = settings.signature.map { signature in
            SlackCallbacks(
                settings: settings,
                signature: signature,
                intake: intake,
                desk: world.desk,
                memory: ReplayMemory(lifetime: SlackSignature.tolerance * 2, maximum: 50_000),
                startedAt: world.clock.time(),
            )
        }
        let isSocketed = settings.appToken != nil
        socket =
            isSocketed
            ? SlackSocketMode(
                settings: settings,
                api: api,
                intake: intake,
                desk: world.desk,
                tls: try NIOSSLContext(configuration: SlackAPI.tls(settings)),
                memory: ReplayMemory(lifetime: .seconds(3600), maximum: 50_000),
                clock: world.clock,
                chance: world.chance,
                logger: logger,
            ) : nil
    }

    /// Tells one notice.
    package func deliver(_ parcel: Parcel) async -> Delivery {
        let delivery = SlackDelivery(api: api, rooms: rooms, app: settings.app, parcel: parcel, logger: logger)
        do throws(SlackFailure) {
            return try await delivery.make()
        } catch {
            return error.delivery
        }
    }

    /// Answers Slack's servers.
    package func receive(_ request: ChannelRequest) async -> ChannelReply {
        await callbacks?.answer(request) ?? .notFound
    }

    /// Keeps the socket open.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.greet() }
            if let socket { group.addTask { await socket.run() } }
        }
    }

    /// Does what people ask for; what was taken before a stop is done.
    package func attend() async {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await work in intake.works {
                    group.addTask {
                        await self.perform(work)
                        self.intake.finished()
                    }
                }
            }
        } onGracefulShutdown: {
            intake.close()
        }
    }

    /// Ends the connections.
    package func close() async { await api.close() }

    /// Learns whose the token is, so that the first click does not wait for it, and says what is wrong with it.
    private func greet() async {
        var wait = Duration.seconds(1)
        var said = ""
        while !Task.isCancelled {
            do throws(SlackFailure) {
                let home = try await people.home()
                return logger.info("Slack knows the app", metadata: ["team": "\(home.team)"])
            } catch {
                if said != error.trouble {
                    logger.warning("Slack does not answer as it should", metadata: ["error": "\(error.trouble)"])
                    said = error.trouble
                }
            }
            try? await Task.sleep(for: wait)
            wait = min(wait * 2, .seconds(60))
        }
    }

    private func perform(_ work: SlackWork) async {
        switch work {
        case .click(let click): await clerk.press(click)
        case .reply(let reply): await clerk.comment(reply)
        case .denial(let submission, let answer):
            let words = await clerk.deny(submission)
            // The window is closed by then.
            if !answer.give(words), let words { await clerk.tell(submission.user, in: nil, words) }
        case .command(let command, let answer):
            let message = await clerk.list(command)
            if !answer.give(message) { await clerk.show(message, to: command.user, in: command.channel) }
        }
    }
}
