import CountersignCore
import CountersignIdentity

/// Where the API is and with which right a command calls it.
package struct ControlAccess: Sendable {
    /// The configuration that was found, or the defaults.
    package let configuration: Configuration
    /// Whether the caller named the server, instead of taking the configuration's.
    package let isServerNamed: Bool
    private let address: HTTPAddress
    private let token: String?
    private let user: String?

    /// Takes what the command line and the environment say; both beat the configuration.
    package init(
        configuration: Configuration,
        url: String?,
        token: String?,
        user: String?,
        world: ConfigurationWorld = .system,
    ) throws(StartupError) {
        self.configuration = configuration
        let named = url ?? world.environment("COUNTERSIGN_URL")
        isServerNamed = named != nil
        let text = named ?? "http://\(configuration.control.reachable)"
        guard let address = HTTPAddress(text) else {
            throw StartupError("\"\(text)\" is not the URL of a server, for instance http://127.0.0.1:8640")
        }
        self.address = address
        guard token == nil || user == nil else { throw StartupError("give --token or --as, not both") }
        // Who is named on the command line acts, not whom the environment happens to know.
        self.token = token ?? (user == nil ? world.environment("COUNTERSIGN_TOKEN") : nil)
        self.user = user
    }

    /// A client that may read, and decide where it is somebody: with the token given, else as the local administrator.
    package func caller() throws -> ControlClient {
        guard token == nil, let user else { return try administrator() }
        return ControlClient(address: address, token: try mint(user, isLocalAdministrator: false, life: .seconds(600)))
    }

    /// Whether somebody is named who may decide.
    package var namesUser: Bool { token != nil || user != nil }

    /// A client that may change agents, users and keys.
    package func administrator() throws -> ControlClient {
        if let token { return ControlClient(address: address, token: token) }
        let name = user ?? UserTokens.localAdministrator.rawValue
        return ControlClient(address: address, token: try mint(name, isLocalAdministrator: true, life: .seconds(600)))
    }

    /// A client without any right, for what everybody may read.
    package func anyone() -> ControlClient { ControlClient(address: address, token: nil) }

    /// A bearer token for a user, signed with the data folder's key.
    package func mint(_ user: String, isLocalAdministrator: Bool, life: Duration) throws -> String {
        let (tokens, id) = try signer(user)
        return try tokens.makeToken(
            for: id,
            isLocalAdministrator: isLocalAdministrator,
            life: life,
            now: SystemClock().time(),
            chance: .system,
        )
    }

    /// A one-time sign-in link for a user.
    package func link(_ user: String, life: Duration) throws -> String {
        let (tokens, id) = try signer(user)
        let secret = try tokens.makeLink(for: id, life: life, now: SystemClock().time(), chance: .system)
        return configuration.publicURL + "/sign-in?token=" + secret
    }

    /// The log's verifier key as the data folder has it; `nil` if there is none.
    package func verifierKey() throws -> String? { try DataKeys.verifierKey(data: configuration.data) }

    private func signer(_ user: String) throws -> (UserTokens, UserID) {
        guard let id = UserID(user) else { throw StartupError("\"\(user)\" is not a user's id") }
        guard let key = try DataKeys.tokenKey(data: configuration.data) else {
            throw StartupError(
                "there is no token key in \(configuration.data); name the data folder's configuration with --config, a "
                    + "token with --token, or start the server once"
            )
        }
        return (UserTokens(key: key), id)
    }
}
