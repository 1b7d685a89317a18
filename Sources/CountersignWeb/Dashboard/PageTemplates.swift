import HTTPTypes
import Mustache

/// The templates of the dashboard, parsed once.
struct PageTemplates: Sendable {
    private let library: MustacheLibrary

    /// Parses the templates in the resources.
    ///
    /// - Throws: If one is broken.
    init() throws {
        var library = MustacheLibrary()
        let sources: [(String, [UInt8])] = [
            ("layout", PackageResources.layout_mustache),
            ("problem", PackageResources.problem_mustache),
            ("sign_in", PackageResources.sign_in_mustache),
            ("inbox", PackageResources.inbox_mustache),
            ("approval", PackageResources.approval_mustache),
            ("activity", PackageResources.activity_mustache),
            ("entry", PackageResources.entry_mustache),
            ("agents", PackageResources.agents_mustache),
            ("tools", PackageResources.tools_mustache),
            ("tool", PackageResources.tool_mustache),
            ("log", PackageResources.log_mustache),
            ("channels", PackageResources.channels_mustache),
            ("batch", PackageResources.batch_mustache),
        ]
        for (name, bytes) in sources { try library.register(String(decoding: bytes, as: UTF8.self), named: name) }
        self.library = library
    }

    /// Writes a page.
    func render<Content>(_ page: Page<Content>) -> Markup {
        Markup(trusted: library.render(page, withTemplate: page.template) ?? "")
    }

    /// A page that says why there is no other.
    func problem(_ problem: Problem) -> Reply {
        let content = ProblemPage(
            title: Markup(Problem.title(problem.status)),
            detail: VisibleText.line(problem.detail),
            code: Markup(problem.code),
        )
        let page = Page(template: "problem", chrome: Chrome(title: Problem.title(problem.status)), content: content)
        var reply = Reply.html(render(page), status: problem.status)
        if let seconds = problem.retryAfter { reply.fields[.retryAfter] = String(seconds) }
        return reply
    }

    /// A page and what surrounds it.
    struct Page<Content> {
        /// The template's name.
        let template: String
        /// What surrounds it.
        let chrome: Chrome
        /// What the template is about.
        let content: Content
    }
}

/// What every page has around its content.
struct Chrome {
    /// The page's title.
    let title: Markup
    /// Who is signed in; empty for nobody.
    let user: Markup
    /// The CSRF token of the session's forms.
    let csrf: Markup
    /// The version of style sheet and script.
    let assets = Markup(DashboardAssets.version)
    /// Whether the page follows events.
    let isLive: Bool
    /// Whether this is the inbox, an approval, the activity, the list of agents, the tools, the log: for the navigation.
    let atInbox: Bool
    /// See ``atInbox``.
    let atActivity: Bool
    /// See ``atInbox``.
    let atAgents: Bool
    /// See ``atInbox``.
    let atTools: Bool
    /// See ``atInbox``.
    let atLog: Bool
    /// See ``atInbox``.
    let atChannels: Bool

    /// The rooms of the dashboard.
    enum Room { case inbox, activity, agents, tools, channels, log }

    /// The surroundings of a page.
    init(title: String, user: SignedInViewer? = nil, room: Room? = nil, isLive: Bool = false) {
        self.title = Markup(title)
        self.user = user.map { Markup($0.name) } ?? .none
        csrf = user.map { Markup($0.csrf) } ?? .none
        self.isLive = isLive
        atInbox = room == .inbox
        atActivity = room == .activity
        atAgents = room == .agents
        atTools = room == .tools
        atLog = room == .log
        atChannels = room == .channels
    }
}

/// Who looks at a page.
struct SignedInViewer: Sendable {
    /// The user's id.
    let name: String
    /// The session's CSRF token.
    let csrf: String
}

/// Why there is no other page.
struct ProblemPage {
    /// In two words.
    let title: Markup
    /// In a sentence.
    let detail: Markup
    /// The stable code.
    let code: Markup
}
