import CountersignCards
import CountersignChannels
import CountersignCore

/// What an operator needs to set up the bot in Teams.
package enum TeamsSetup {
    /// The archive of the app package that a channel needs; without a name, of the only one of its kind.
    package static func package(_ configuration: Configuration, channel: String?) throws(StartupError) -> [UInt8] {
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
                version: Product.version,
            )
            return app.zip
        } catch {
            throw StartupError(error.message)
        }
    }
}
