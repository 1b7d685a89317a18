import CountersignCore
import CountersignIdentity
import CountersignProxy

/// What `countersign doctor` finds out without changing anything.
package enum Examination {
    /// One thing that was looked at.
    package struct Finding: Hashable, Sendable {
        /// What.
        package let name: String
        /// Whether it is as it must be.
        package let isGood: Bool
        /// What was found, and the mend if it is bad.
        package let message: String
    }

    /// Looks at configuration, policies, keys and settings.
    package static func run(file: String, isNamed: Bool, world: ConfigurationWorld = .system) async -> [Finding] {
        var findings = [Finding]()
        var configuration = Configuration.defaults()
        var gates = [Gate]()
        if isNamed || LocalFile.exists(file) {
            do {
                let files = try LoadedFiles.load(file: file, world: world)
                configuration = files.configuration
                findings.append(Finding(name: "configuration", isGood: true, message: "\(file) is valid"))
                findings.append(policies(files))
                gates = Self.gates(files)
            } catch {
                findings.append(Finding(name: "configuration", isGood: false, message: "\(error)"))
                return findings
            }
        } else {
            findings.append(Finding(name: "configuration", isGood: true, message: "none here; defaults are used"))
        }
        findings.append(keys(configuration))
        findings += owners(configuration)
        findings += channels(configuration, gates: gates)
        findings += await witnesses(configuration.witnesses)
        if !configuration.control.isLoopback, configuration.publicURL.utf8.starts(with: "http://".utf8) {
            findings.append(
                Finding(
                    name: "listen.control",
                    isGood: false,
                    message:
                        "\(configuration.control) is reachable by others without TLS; listen on 127.0.0.1 behind a "
                        + "TLS proxy and set public_url to its https address",
                )
            )
        }
        if !configuration.gateway.isLoopback, configuration.tls == nil {
            findings.append(
                Finding(
                    name: "listen.gateway",
                    isGood: false,
                    message: "\(configuration.gateway) takes agents' keys without TLS; set listen.tls",
                )
            )
        }
        for connection in configuration.connections where !connection.upstream.isTLS && connection.credential != nil {
            let address = Configuration.Address(host: connection.upstream.host, port: connection.upstream.port)
            guard !address.isLoopback else { continue }
            findings.append(
                Finding(
                    name: "connection \(connection.name)",
                    isGood: false,
                    message: "its credential goes to \(address) without TLS; use an https upstream",
                )
            )
        }
        return findings
    }

    private static func policies(_ files: LoadedFiles) -> Finding {
        do {
            let directory = try files.configuration.declaredDirectory()
            let set = try files.policy(groups: directory.groups)
            guard !set.gates.isEmpty else {
                let message = "there are none in \(files.configuration.policies), so every action is denied"
                return Finding(name: "policies", isGood: false, message: message)
            }
            // Tools are known on the gateway's machine only, and once their servers were asked.
            let configuration = files.configuration
            let tools = (try? AcceptedDefinitions(path: configuration.data))?.tools(configuration) ?? []
            let count = set.warnings(directory, tools: tools).count
            let command = "countersign policy check" + (tools.isEmpty ? "" : " --tools \(configuration.data)")
            let more = count == 0 ? "" : "; `\(command)` has \(count) warnings about them"
            return Finding(name: "policies", isGood: true, message: "\(set.gates.count) are valid\(more)")
        } catch {
            return Finding(name: "policies", isGood: false, message: "\(error)")
        }
    }

    /// The gates of the policies; none if they have errors, which is another finding.
    private static func gates(_ files: LoadedFiles) -> [Gate] {
        guard let directory = try? files.configuration.declaredDirectory(),
            let set = try? files.policy(groups: directory.groups)
        else { return [] }
        return set.gates.compactMap { $0 }
    }

    /// Owners that are nearly, but not quite, users: their agents' actions could be approved by them.
    private static func owners(_ configuration: Configuration) -> [Finding] {
        let users = configuration.identities.users.map(\.id.rawValue)
        return configuration.identities.agents.compactMap { agent in
            guard let owner = agent.owner, !users.contains(where: { owner.isSamePerson(asName: $0) }),
                let nearest = NearestName.find(owner.rawValue, among: users)
            else { return nil }
            let message = "its owner \(owner) is no user, but \(nearest) is; the owner must be spelt as the user is"
            return Finding(name: "agent \(agent.id)", isGood: false, message: message)
        }
    }

    /// Asks the operating system for the addresses; only where no server of ours has them.
    package static func ports(_ configuration: Configuration) -> [Finding] {
        [("listen.control", configuration.control), ("listen.gateway", configuration.gateway)].compactMap {
            key,
            address in
            do {
                try PortCheck.check(address, key: key)
                return nil
            } catch {
                return Finding(name: key, isGood: false, message: "\(error)")
            }
        }
    }

    private static func keys(_ configuration: Configuration) -> Finding {
        guard LocalFile.exists(configuration.data) else {
            let message = "\(configuration.data) is not there yet; the first start makes it"
            return Finding(name: "data folder", isGood: true, message: message)
        }
        do {
            guard let key = try DataKeys.verifierKey(data: configuration.data) else {
                let message = "\(configuration.data) has no keys yet; the first start makes them"
                return Finding(name: "data folder", isGood: true, message: message)
            }
            _ = try DataKeys.tokenKey(data: configuration.data)
            let message = "the keys are private; the log's is \(key); `countersign log fsck` examines the log itself"
            return Finding(name: "data folder", isGood: true, message: message)
        } catch {
            return Finding(name: "data folder", isGood: false, message: "\(error)")
        }
    }
}
