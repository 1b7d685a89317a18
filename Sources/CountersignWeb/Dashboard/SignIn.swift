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
            let origin = exchange.fields.cookie(originCookie)
            var reply = Reply.seeOther(origin.flatMap { isApproval($0) ? $0 : nil } ?? "/")
            let age = max(0, new.session.expiresAt.since(exchange.now).wholeSecondsRoundedUp)
            reply.fields[.setCookie] = cookie(Credentials.cookieName, new.cookie, age: age, exchange.parts)
            if origin != nil {
                let spent = cookie(originCookie, "", age: 0, exchange.parts)
                reply.fields.append(HTTPField(name: .setCookie, value: spent))
            }
            return reply
        case .failure(let reason) where reason.code.status == 503: throw Problem(reason)
        case .failure: return page(exchange.parts, token: nil, isSpent: true, status: 403)
        }
    }

    @Sendable private static func end(_ exchange: Exchange) async throws -> Reply {
        guard let session = exchange.caller.session else { return .seeOther("/sign-in") }
        try await exchange.parts.dependencies.identities.signOut(session).orProblem()
        var reply = Reply.seeOther("/sign-in")
        reply.fields[.setCookie] = cookie(Credentials.cookieName, "", age: 0, exchange.parts)
        return reply
    }

    private static func cookie(_ name: String, _ value: String, age: Int64, _ parts: WebParts) -> String {
        let secure = parts.dependencies.secureCookies ? "; Secure" : ""
        return "\(name)=\(value); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(age)" + secure
    }

    /// The name of the cookie that keeps the page for which somebody came, until they have signed in.
    private static let originCookie = "countersign_return"

    /// How long it keeps it: as long as one waits for a sign-in link.
    private static let originAge: Int64 = 3600

    /// Whether an address is one of those that notices lead to, and can be in a cookie.
    ///
    /// A browser may bring anything as its cookie, and a redirect must not leave this server.
    private static func isApproval(_ target: String) -> Bool {
        let isPlain = target.utf8.allSatisfy { byte in
            (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || "/?=&-_.".utf8.contains(byte)
        }
        return isPlain && target.utf8.starts(with: "/approvals/".utf8) && target.utf8.count <= 512
    }

    /// Where somebody goes who must sign in first, and is led back from to the approval that they came for.
    ///
    /// A strict cookie does not come along when a link is followed from another site, a chat for instance. A page that
    /// loads the same address again from here finds out whether there is one.
    static func redirect(_ fields: HTTPFields, from target: String?, _ parts: WebParts) -> Reply {
        guard fields.single(.fetchSite) == "cross-site" else {
            var reply = Reply.seeOther("/sign-in")
            if let target, isApproval(target) {
                reply.fields[.setCookie] = cookie(originCookie, target, age: originAge, parts)
            }
            return reply
        }
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
