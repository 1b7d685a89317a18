import CanonicalJSON
import CountersignCards
import CountersignCore
import Synchronization

/// Who people in Slack are: asked of Slack each time, because an account can be closed after it was linked.
///
/// The mutex guards what Slack said of the app's own workspace.
final class SlackPeople: Sendable {
    private let api: SlackAPI
    private let desk: ChannelDesk
    private let settings: SlackSettings
    private let known = Mutex<SlackHome?>(nil)

    init(_ settings: SlackSettings, api: SlackAPI, desk: ChannelDesk) {
        self.api = api
        self.desk = desk
        self.settings = settings
    }

    /// The app's workspace; asked for until Slack has said it once.
    func home() async throws(SlackFailure) -> SlackHome {
        if let home = known.withLock({ $0 }) { return home }
        let answer = try await api.ask(.authTest)
        guard let team = answer["team_id"]?.stringValue, !team.isEmpty else {
            throw SlackFailure(.authTest, .unavailable, "auth.test: Slack named no workspace")
        }
        if let pinned = settings.team, pinned != team {
            throw SlackFailure(
                .authTest,
                .unavailable,
                "the token is for the workspace \(team), and the configuration says team: \(pinned)"
            )
        }
        let home = SlackHome(
            team: team,
            enterprise: answer["enterprise_id"]?.stringValue,
            bot: answer["user_id"]?.stringValue,
        )
        known.withLock { $0 = home }
        return home
    }

    /// The user that an account is, or why it is nobody.
    func user(_ person: SlackUser) async -> Result<(SignedInUser, ChannelIdentity), Reason> {
        let home: SlackHome
        do throws(SlackFailure) {
            home = try await self.home()
        } catch {
            return .failure(Self.unreachable)
        }
        // In a Grid an account is the organisation's, whichever workspace it is in.
        let isForeign = person.team != home.team
        let tenant = home.enterprise ?? home.team
        guard let identity = ChannelIdentity(.slack, tenant: tenant, account: person.id),
            let claimed = ChannelIdentity(.slack, tenant: person.team, account: person.id)
        else {
            let reason = Reason(.accountRefused, "Slack names an account that cannot be one.")
            return .failure(await desk.refuse(reason, nil, settings.name))
        }
        if isForeign, home.enterprise == nil {
            let reason = Reason(.accountRefused, "This account is of another workspace, and may not answer here.")
            return .failure(await desk.refuse(reason, claimed, settings.name))
        }
        return await desk.user(identity, channel: settings.name) { await profile(of: person, home) }
            .map { ($0, identity) }
    }

    private static let unreachable = Reason(
        .channelUnavailable,
        "Slack cannot be asked who you are now. Try again, or decide on the page."
    )

    private func profile(of person: SlackUser, _ home: SlackHome) async -> Result<ChannelDesk.Profile, Reason> {
        let answer: JSONValue
        do throws(SlackFailure) {
            answer = try await api.ask(.usersInfo, [("user", person.id)])
        } catch {
            guard error.code == "user_not_found" || error.code == "user_not_visible" else {
                return .failure(Self.unreachable)
            }
            return .success(ChannelDesk.Profile(email: nil, objection: "Slack does not know it here"))
        }
        guard let account = answer["user"], account["id"]?.stringValue == person.id else {
            return .failure(Self.unreachable)
        }
        if let objection = Self.objection(to: account, home) {
            return .success(ChannelDesk.Profile(email: nil, objection: objection))
        }
        let isConfirmed = account["is_email_confirmed"]?.boolValue == true
        let email = settings.matchesEmail && isConfirmed ? account["profile"]?["email"]?.stringValue : nil
        return .success(ChannelDesk.Profile(email: email, objection: nil))
    }

    /// Why an account is refused whoever it is; what Slack does not say counts as said against it.
    static func objection(to account: JSONValue, _ home: SlackHome) -> String? {
        if account["deleted"]?.boolValue != false { return "it is closed" }
        if account["is_bot"]?.boolValue != false || account["is_workflow_bot"]?.boolValue == true {
            return "it is a bot"
        }
        if account["is_restricted"]?.boolValue != false || account["is_ultra_restricted"]?.boolValue != false {
            return "it is a guest's"
        }
        let isOfTeam = account["team_id"]?.stringValue == home.team
        let grid = account["enterprise_user"]?["enterprise_id"]?.stringValue
        let isOfGrid = home.enterprise != nil && grid == home.enterprise
        if account["is_stranger"]?.boolValue == true || !(isOfTeam || isOfGrid) { return "it is of another workspace" }
        return nil
    }
}
