import CanonicalJSON
import CountersignCards
import CountersignCore
import NIOCore
import NIOHTTP1
import Synchronization

/// Asks the connector who people are.
///
/// The mutex guards what is remembered of conversations' members.
final class TeamsPeople: Sendable {
    private struct Roster {
        let viewers: [String]
        let until: Timestamp
    }

    private let settings: TeamsSettings
    private let web: TeamsWeb
    private let token: BotToken
    private let clock: any WallClock
    private let rosters = Mutex<[String: Roster]>([:])

    /// How long a conversation's members are remembered; without an answer, for how long nobody asks again.
    private static let memory = (members: Duration.seconds(900), nothing: Duration.seconds(60))
    private static let maximumRosters = 1000
    /// The longest id of a viewer, in bytes; 60 of them leave room for a card.
    private static let maximumViewer = 160
    /// What a member of the tenant is called; everybody else is a guest, or something new.
    private static let roles: Set<String> = ["user", "member", "owner"]

    init(_ settings: TeamsSettings, web: TeamsWeb, token: BotToken, clock: any WallClock) {
        self.settings = settings
        self.web = web
        self.token = token
        self.clock = clock
    }

    /// What the tenant knows of the one who did something: asked each time, because accounts are closed.
    func profile(of activity: TeamsActivity, within limit: TimeAmount) async -> Result<ChannelDesk.Profile, Reason> {
        let silence = Reason(.channelUnavailable, "Teams does not say who this account is. Try again, or use the page.")
        guard let token = await token.get(within: limit) else { return .failure(silence) }
        let url = activity.serviceURL.appending(
            "v3",
            "conversations",
            activity.conversation,
            "members",
            activity.sender
        )
        guard let answer = await web.exchange(.GET, url, token: token, within: limit) else { return .failure(silence) }
        if answer.status == 401 { self.token.forget(token) }
        if answer.status == 404 {
            return .success(ChannelDesk.Profile(email: nil, objection: "it is not a member of the conversation"))
        }
        guard answer.status == 200, let member = answer.json else { return .failure(silence) }
        return .success(Self.profile(member, of: activity, settings))
    }

    /// Judges what the connector says of a member; what it does not say counts against it.
    static func profile(
        _ member: JSONValue,
        of activity: TeamsActivity,
        _ settings: TeamsSettings,
    ) -> ChannelDesk.Profile {
        func refused(_ why: String) -> ChannelDesk.Profile { ChannelDesk.Profile(email: nil, objection: why) }
        let ids = ["aadObjectId", "objectId"].compactMap { member[$0]?.stringValue?.lowercased() }
        guard let account = activity.account, !ids.isEmpty, ids.allSatisfy({ $0 == account }) else {
            return refused("the conversation knows it as somebody else")
        }
        guard member["tenantId"]?.stringValue?.lowercased() == settings.tenant else {
            return refused("it is of another tenant")
        }
        let name = member["userPrincipalName"]?.stringValue
        let email = member["email"]?.stringValue
        let isGuest = [name, email].contains { $0?.lowercased().contains("#ext#") ?? false }
        // Without a role, only the principal name tells a guest from a member.
        let isMember = member["userRole"].map { roles.contains($0.stringValue?.lowercased() ?? "") } ?? (name != nil)
        guard !isGuest, isMember else { return refused("it is a guest, or nothing says that it is none") }
        // The tenant owns the domain of a principal name; an address in the directory may be anybody's.
        return ChannelDesk.Profile(email: settings.matchesEmail ? name ?? email : nil, objection: nil)
    }

    /// Who is shown a view of their own in a conversation: its first ``TeamsCard/maximumViewers`` members; nobody if the
    /// connector does not say.
    func viewers(in conversation: String, of service: TeamsServiceURL, within limit: TimeAmount) async -> [String] {
        let now = clock.time()
        let known = rosters.withLock { $0[conversation].flatMap { now < $0.until ? $0.viewers : nil } }
        if let known { return known }
        let found = await members(conversation, service, limit)
        let until = clock.time().adding(found == nil ? Self.memory.nothing : Self.memory.members)
        rosters.withLock { rosters in
            if rosters.count >= Self.maximumRosters { rosters.removeAll() }
            rosters[conversation] = Roster(viewers: found ?? [], until: until)
        }
        return found ?? []
    }

    private func members(_ conversation: String, _ service: TeamsServiceURL, _ limit: TimeAmount) async -> [String]? {
        guard let token = await token.get(within: limit) else { return nil }
        let url =
            service.appending("v3", "conversations", conversation, "pagedmembers")
            + "?pageSize=\(TeamsCard.maximumViewers)"
        guard let answer = await web.exchange(.GET, url, token: token, within: limit), answer.status == 200,
            let members = answer.json?["members"]?.arrayValue
        else { return nil }
        return members.prefix(TeamsCard.maximumViewers).compactMap { member in
            guard let id = member["id"]?.stringValue, TeamsActivity.isIdentifier(id),
                id.utf8.count <= Self.maximumViewer
            else { return nil }
            return id
        }
    }
}
