import CountersignCore
import HTTPTypes

/// Signing in by a one-time link, and out again.
enum SignIn {
    /// The endpoints.
    static let endpoints = [
        Endpoint(page: .get, "/sign-in", .anyone, run: show),
        Endpoint(page: .post, "/sign-in", .anyone, run: begin),
        Endpoint(page: .post, "/sign-out", .user, run: end),
    ]

    /// Shows a button instead of using the link up at once: what a chat fetches for a preview must not burn it.
    @Sendable private static func show(_ exchange: Exchange) async throws -> Reply {
        if case .user = exchange.caller, exchange.query["token"] == nil { return .seeOther("/") }
        return page(exchange.parts, token: exchange.query["token"])
    }

    @Sendable private static func begin(_ exchange: Exchange) async throws -> Reply {
        let form = FormFields(String(decoding: exchange.body, as: UTF8.self)) ?? FormFields()
        guard let token = form["token"], !token.isEmpty, token.utf8.count <= 2048 else {
            return page(exchange.parts, token: nil, isSpent: true, status: 400)
        }
        switch await exchange.parts.dependencies.identities.signIn(link: token) {
        case .success(let new):
            var reply = Reply.seeOther("/")
            let age = max(0, new.session.expiresAt.since(exchange.now).wholeSecondsRoundedUp)
            reply.fields[.setCookie] = cookie(new.cookie, age: age, exchange.parts)
            return reply
        case .failure(let reason) where reason.code.status == 503: throw Problem(reason)
        case .failure: return page(exchange.parts, token: nil, isSpent: true, status: 403)
        }
    }

    @Sendable private static func end(_ exchange: Exchange) async throws -> Reply {
        guard let session = exchange.caller.session else { return .seeOther("/sign-in") }
        try await exchange.parts.dependencies.identities.signOut(session).orProblem()
        var reply = Reply.seeOther("/sign-in")
        reply.fields[.setCookie] = cookie("", age: 0, exchange.parts)
        return reply
    }

    private static func cookie(_ value: String, age: Int64, _ parts: WebParts) -> String {
        let secure = parts.dependencies.secureCookies ? "; Secure" : ""
        return "\(Credentials.cookieName)=\(value); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(age)" + secure
    }

    /// Where somebody goes who must sign in first.
    ///
    /// A strict cookie does not come along when a link is followed from another site, a chat for instance. A page that
    /// loads the same address again from here finds out whether there is one.
    static func redirect(_ fields: HTTPFields, _ parts: WebParts) -> Reply {
        guard fields.single(.fetchSite) == "cross-site" else { return .seeOther("/sign-in") }
        let html = """
            <!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0">
            <title>Countersign</title><p><a href="">Continue to Countersign</a></p></html>
            """
        return .html(Markup(trusted: html))
    }

    private static func page(_ parts: WebParts, token: String?, isSpent: Bool = false, status: Int = 200) -> Reply {
        let content = SignInPage(token: token.map { Markup($0) } ?? .none, isSpent: isSpent)
        let page = PageTemplates.Page(template: "sign_in", chrome: Chrome(title: "Sign in"), content: content)
        return .html(parts.pages.render(page), status: status)
    }
}

/// The sign-in page.
struct SignInPage {
    /// The token of the link; empty if there is none.
    let token: Markup
    /// Whether a link has just failed.
    let isSpent: Bool
}
