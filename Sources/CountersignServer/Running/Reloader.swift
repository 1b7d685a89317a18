import CountersignChannels
import CountersignCore
import CountersignIdentity
import CountersignLog
import CountersignProxy
import Logging
import ServiceLifecycle

/// Puts changed files into force while running: configuration and policies as one unit, or not at all.
struct Reloader: Service {
    let registry: IdentityRegistry
    let current: CurrentSnapshot
    let connections: CurrentConnections
    let clock: any WallClock
    let logger: Logger
    let requests: AsyncStream<Void>
    let first: LoadedFiles
    let load: @Sendable () throws -> LoadedFiles

    private static let pace = Duration.seconds(1)

    func run() async throws {
        let (wakes, wake) = AsyncStream<Bool>.makeStream()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { for await _ in requests { wake.yield(true) } }
                group.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Self.pace)
                        wake.yield(false)
                    }
                    wake.finish()
                }
                var running = first
                var seen = first.stamps
                for await isAsked in wakes {
                    let stamps = running.stampsNow()
                    guard isAsked || stamps != seen else { continue }
                    seen = stamps
                    if let next = await reload(running) {
                        running = next
                        seen = next.stamps
                    }
                }
            }
        }
    }

    /// One try; what does not load is logged and changes nothing.
    private func reload(_ running: LoadedFiles) async -> LoadedFiles? {
        do {
            let files = try load()
            let configuration = files.configuration
            let old = current.snapshot
            try await registry.reconfigure(
                configuration.identities,
                connections: configuration.described,
                prepare: { directory in
                    let snapshot = Snapshot(
                        policy: try files.policy(groups: directory.groups),
                        directory: directory,
                        settings: configuration.settings,
                        configurationVersion: configuration.version,
                        routing: configuration.routing,
                    )
                    let versions = (old.policy.version, old.configurationVersion)
                    let entries = Change.entries(
                        from: versions,
                        to: snapshot,
                        file: configuration.file,
                        at: clock.time()
                    )
                    return (snapshot, entries)
                },
                activate: { connections.replace(with: configuration.connections, mcp: configuration.mcp) },
            )
            logger.notice(
                "configuration and policies reloaded",
                metadata: [
                    "policy_version": "\(current.snapshot.policy.version)",
                    "configuration_version": "\(configuration.version)",
                ],
            )
            if running.configuration.origin != configuration.origin {
                logger.warning(
                    "a log keeps its origin for life; the next start is refused unless log.origin is set back"
                )
            }
            for key in running.configuration.restartKeys(comparedWith: configuration) {
                logger.warning("a changed setting takes effect at the next start", metadata: ["key": "\(key)"])
            }
            return files
        } catch let error as LedgerError {
            logger.error("the reload could not be logged, so nothing changed", metadata: ["error": "\(error.message)"])
        } catch {
            logger.error("the changed files have errors, so nothing changed", metadata: ["error": "\(error)"])
        }
        return nil
    }
}

extension Configuration {
    /// The keys that differ and that only a start reads.
    fileprivate func restartKeys(comparedWith other: Configuration) -> [String] {
        var keys = [String]()
        if data != other.data { keys.append("data") }
        if control != other.control { keys.append("listen.control") }
        if gateway != other.gateway { keys.append("listen.gateway") }
        if tls?.certificate != other.tls?.certificate || tls?.key != other.tls?.key { keys.append("listen.tls") }
        if publicURL != other.publicURL { keys.append("public_url") }
        if payloads.key != other.payloads.key { keys.append("payloads.key") }
        if payloads.previous != other.payloads.previous { keys.append("payloads.previous") }
        if logFolder != other.logFolder { keys.append("log.folder") }
        if logFolderHasEntries != other.logFolderHasEntries { keys.append("log.folder_entries") }
        if witnesses?.peers != other.witnesses?.peers { keys.append("log.witnesses") }
        if witnesses?.quorum != other.witnesses?.quorum { keys.append("log.quorum") }
        if logEntriesArePublic != other.logEntriesArePublic { keys.append("log.entries") }
        if exports != other.exports { keys.append("exports") }
        if channels.map(\.fingerprint) != other.channels.map(\.fingerprint) { keys.append("channels") }
        if accessRequests != other.accessRequests { keys.append("api.access_requests") }
        return keys
    }
}
