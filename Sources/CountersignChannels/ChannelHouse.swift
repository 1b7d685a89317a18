package import CountersignCore

/// All channels of a running server, with their workers.
package struct ChannelHouse: ChannelInbox {
    /// The workers, in the configuration's order.
    package let workers: [ChannelWorker]

    /// Opens every channel.
    package init(
        _ settings: [ChannelSettings],
        world: ChannelWorld,
        ledger: any Ledger,
    ) throws {
        workers = try settings.map { settings in
            ChannelWorker(
                try settings.open(world),
                ledger: ledger,
                publicURL: world.publicURL,
                clock: world.clock,
                chance: world.chance,
                logger: world.logger,
            )
        }
    }

    /// Hands a request to the channel that its path names.
    package func receive(_ request: ChannelRequest) async -> ChannelReply {
        guard let worker = workers.first(where: { $0.channel.name == request.channel }) else { return .notFound }
        return await worker.channel.receive(request)
    }

    /// What each channel did since the start.
    package var activity: [ChannelActivity] {
        workers.map { worker in
            let reading = worker.meter.now
            return ChannelActivity(
                name: worker.channel.name,
                kind: worker.channel.kind,
                delivered: reading.delivered,
                failures: reading.failures,
                lateness: reading.lateness,
                totalLateness: reading.totalLateness,
                trouble: reading.trouble,
            )
        }
    }

    /// Looks into the outbox again.
    package func look() { for worker in workers { worker.look() } }
}
