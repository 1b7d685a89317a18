import CountersignCards
import CountersignChannels
import CountersignCore

/// What an operator needs to set up the bot in Teams.
package enum TeamsSetup {
    /// The archive of the app package that a channel needs; without a name, of the only one of its kind.
    ///
    /// Teams takes a package for an update of one that it has only if its version is higher.
    package static func package(
        _ configuration: Configuration,
        channel: String?,
        version: String,
    ) throws(StartupError) -> [UInt8] {
        guard isVersion(version) else {
            throw StartupError("\"\(version)\" is not the version of an app; write three numbers, for instance 1.0.1")
        }
        let all = configuration.channels.filter { $0.kind == .teams }
        let found = channel.map { name in all.filter { $0.name.rawValue == name } } ?? all
        guard found.count == 1, let application = found.first?.application else {
            let known = all.map(\.name.rawValue).joined(separator: ", ")
            throw StartupError(
                all.isEmpty
                    ? "the configuration has no channel of the kind teams"
                    : "name one of the channels of the kind teams with --name: \(known)"
            )
        }
        do throws(ChannelFault) {
            let app = try TeamsAppPackage(
                application: application,
                publicURL: configuration.publicURL,
                version: version,
            )
            return app.zip
        } catch {
            throw StartupError(error.message)
        }
    }

    /// Whether a text is three numbers as Semantic Versioning has them, which is what Teams compares.
    private static func isVersion(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 3
            && parts.allSatisfy { part in
                (1...9).contains(part.count) && part.allSatisfy { (48...57).contains($0) }
                    && (part.count == 1 || part.first != UInt8(ascii: "0"))
            }
    }
}
