import CountersignChannels
import CountersignCore

extension Examination {
    /// Looks for people who would not be asked, and for channels that nobody is asked by.
    static func channels(_ configuration: Configuration, gates: [Gate]) -> [Finding] {
        let routing = configuration.routing
        var findings = [Finding]()
        if !routing.isEmpty {
            var groups = [GroupName: String]()
            for gate in gates {
                for group in gate.approvers where !routing.reaches(group) && groups[group] == nil {
                    groups[group] = gate.policy
                }
            }
            for (group, policy) in groups.sorted(by: { $0.key < $1.key }) {
                let message =
                    "the gate \(policy) asks the group \(group), and no route of `routing` reaches it; add one, or one of "
                    + "groups: [\"*\"]"
                findings.append(Finding(name: "routing", isGood: false, message: message))
            }
            let url = HTTPAddress(configuration.publicURL)
            if url.map({ Configuration.Address(host: $0.host, port: $0.port).isLoopback }) ?? false {
                let message =
                    "notices have links to \(configuration.publicURL), which only this machine can open; set public_url"
                findings.append(Finding(name: "public_url", isGood: false, message: message))
            }
        }
        let used = Set(routing.destinations.map(\.channel))
        for channel in configuration.channels where !used.contains(channel.name) {
            let message = "it is configured and no route of `routing` uses it; name it under notify, or remove it"
            findings.append(Finding(name: "channel \(channel.name)", isGood: false, message: message))
        }
        if findings.isEmpty, !configuration.channels.isEmpty {
            let count = configuration.channels.count
            let message =
                "\(count == 1 ? "1 is" : "\(count) are") configured, and every group that gates name is reached"
            findings.append(Finding(name: "channels", isGood: true, message: message))
        }
        return findings
    }
}
