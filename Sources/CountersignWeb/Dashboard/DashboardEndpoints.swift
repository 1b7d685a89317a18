import CountersignCore

/// The pages for people.
enum DashboardEndpoints {
    /// All of them.
    static let all =
        DashboardAssets.endpoints + SignIn.endpoints + InboxRoom.endpoints + BatchRoom.endpoints
        + ApprovalRoom.endpoints + ActivityRoom.endpoints + AgentsRoom.endpoints + ToolsRoom.endpoints
        + ChannelsRoom.endpoints
        + LogRoom.endpoints
}

extension Exchange {
    /// Who looks at the page.
    func viewer() throws(Problem) -> SignedInViewer {
        let user = try user()
        return SignedInViewer(name: user.user.id.rawValue, csrf: user.session?.csrfToken ?? "")
    }

    /// Writes a page for the viewer.
    func page<Content>(
        _ template: String,
        _ title: String,
        _ content: Content,
        room: Chrome.Room? = nil,
        isLive: Bool = false,
    ) throws(Problem) -> Reply {
        let chrome = Chrome(title: title, user: try viewer(), room: room, isLive: isLive)
        return .html(parts.pages.render(PageTemplates.Page(template: template, chrome: chrome, content: content)))
    }
}
