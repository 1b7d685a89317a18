package import CountersignCore
import CountersignIdentity
import CountersignStore

/// How a command reaches agents, users and keys: through the running server, or the ledger itself when none runs.
package enum Administration: Sendable {
    /// A server runs; its API does it.
    case remote(ControlClient)
    /// None runs; the ledger is open here, and nobody else can open it meanwhile.
    case local(LocalAdministration)

    /// Finds out which it is.
    ///
    /// A named server is never passed by.
    package static func open(_ access: ControlAccess) async throws -> Administration {
        let client = try access.administrator()
        do {
            _ = try await client.send("GET", "/healthz", timeout: .seconds(5))
            return .remote(client)
        } catch let error as UnreachableError {
            guard !access.isServerNamed else { throw error }
            return .local(try await LocalAdministration(configuration: access.configuration))
        }
    }
}

/// The ledger, opened by a command while no server runs.
package struct LocalAdministration: Sendable {
    /// Agents, users and keys.
    package let identities: any Identities
    /// Who makes the changes.
    package let actor = Actor(type: "System", id: "local-administrator", via: "command-line")
    private let ledger: SQLiteLedger

    init(configuration: Configuration) async throws {
        guard LocalFile.exists(configuration.data) else {
            throw StartupError(
                "there is no server at \(configuration.control) and no data folder \(configuration.data); start the "
                    + "server once, or name its configuration with --config"
            )
        }
        let clock = SystemClock()
        let keys = try DataKeys.load(data: configuration.data, origin: configuration.origin)
        ledger = try SQLiteLedger(
            path: Countersign.ledgerPath(configuration.data),
            clock: clock,
            sealer: try configuration.sealer(makesMissing: true),
        )
        let book = IdentityBook(declared: configuration.identities, records: try await ledger.identities())
        let directory = try book.directory(connections: configuration.described)
        let snapshot = Snapshot(
            policy: try GatedPolicySet(parsing: [], groups: []),
            directory: directory,
            settings: configuration.settings,
            configurationVersion: configuration.version,
        )
        identities = IdentityRegistry(
            book: book,
            current: CurrentSnapshot(snapshot),
            ledger: ledger,
            clock: clock,
            chance: .system,
            tokens: UserTokens(key: keys.token),
        )
    }

    /// Gives the ledger back.
    package func close() async throws { try await ledger.close() }
}
