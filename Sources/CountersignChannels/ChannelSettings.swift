package import CountersignCore
package import Logging

/// One configured channel.
package struct ChannelSettings: Sendable {
    /// Its name.
    package let name: ChannelName
    /// What kind it is.
    package let kind: ChannelKind
    /// What the platform knows our app by, where it gives an app an id.
    package let application: String?
    /// Whether one message of it can tell of several approvals.
    package let gathers: Bool
    /// The most bytes of a destination's address in it.
    package let longestAddress: Int
    /// What is wrong with an address of a destination in it, or `nil`; the text goes into the configuration's error.
    package let objection: @Sendable (_ address: String) -> String?
    /// A digest of all that is set, secrets too: what a reload compares.
    package let fingerprint: String
    /// Opens the channel.
    package let open: @Sendable (ChannelWorld) throws -> any Channel

    /// Describes a channel.
    package init(
        name: ChannelName,
        kind: ChannelKind,
        application: String? = nil,
        gathers: Bool,
        fingerprint: String,
        longestAddress: Int = Destination.maximumAddress,
        objection: @escaping @Sendable (_ address: String) -> String?,
        open: @escaping @Sendable (ChannelWorld) throws -> any Channel,
    ) {
        self.name = name
        self.kind = kind
        self.application = application
        self.gathers = gathers
        self.fingerprint = fingerprint
        self.longestAddress = longestAddress
        self.objection = objection
        self.open = open
    }
}

/// What every channel may use.
package struct ChannelWorld: Sendable {
    /// Where answers go.
    package let desk: ChannelDesk
    /// The places that chats proved.
    package let places: any PlaceBook
    /// The base of links.
    package let publicURL: String
    /// Reads the time.
    package let clock: any WallClock
    /// Where random bits come from.
    package let chance: Chance
    /// For operators; a channel adds its name.
    package let logger: Logger

    /// Collects it.
    package init(
        desk: ChannelDesk,
        places: any PlaceBook,
        publicURL: String,
        clock: any WallClock,
        chance: Chance,
        logger: Logger,
    ) {
        self.desk = desk
        self.places = places
        self.publicURL = publicURL
        self.clock = clock
        self.chance = chance
        self.logger = logger
    }
}
