import CountersignIdentity
import HTTPWire

/// Where the gateway is, and the agent's key: what an agent's own machine has.
package struct GatewayAccess: Sendable {
    /// Where agents reach the gateway when nobody says.
    package static let standardURL = "http://127.0.0.1:8641"

    let address: HTTPAddress
    private let key: String
    private let human: String?

    /// Takes what the command line says, else the environment: `COUNTERSIGN_GATEWAY`, `COUNTERSIGN_KEY`.
    ///
    /// `key` is a reference, `keyFile` a path; a key itself would be in the list of processes.
    package init(
        url: String?,
        key: String?,
        keyFile: String?,
        onBehalfOf human: String?,
        world: ConfigurationWorld = .system,
    ) throws(StartupError) {
        let text = url ?? world.environment("COUNTERSIGN_GATEWAY") ?? Self.standardURL
        guard let address = HTTPAddress(text) else {
            throw StartupError("\"\(text)\" is not the URL of a gateway, for instance \(Self.standardURL)")
        }
        guard key == nil || keyFile == nil else { throw StartupError("give --key or --key-file, not both") }
        let reference: SecretReference
        if let keyFile {
            reference = .file(keyFile)
        } else if let key {
            guard let named = SecretReference(key) else {
                throw StartupError("--key takes env:NAME or file:PATH; a key itself would be seen by others")
            }
            reference = named
        } else {
            reference = .environment("COUNTERSIGN_KEY")
        }
        switch reference.resolve(world, relativeTo: "") {
        case .failure(let problem): throw StartupError("no agent's key: \(problem.message)")
        case .success(let secret):
            guard secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw StartupError("the agent's key has characters that no key has")
            }
            self.key = secret
        }
        self.address = address
        self.human = human ?? world.environment("COUNTERSIGN_ON_BEHALF_OF")
        guard self.human?.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) ?? true else {
            throw StartupError("\"\(self.human ?? "")\" is not a user's id")
        }
    }

    /// The human for whom the agent acts, if it says so.
    var onBehalfOf: String? { human }

    /// Calls the agents' part of the API.
    var client: ControlClient { ControlClient(address: address, token: key) }

    /// The fields of every request.
    var fields: HeaderFields {
        var fields: HeaderFields = ["Authorization": "Bearer \(key)"]
        if let human { fields.append(name: "Countersign-On-Behalf-Of", value: human) }
        return fields
    }
}
