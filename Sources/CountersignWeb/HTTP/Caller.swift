import CountersignCore
import Crypto
import HTTPTypes

/// Who sent a request.
enum Caller: Sendable {
    /// Nobody who said who they are.
    case anonymous
    /// An agent, by its key.
    case agent(AgentID)
    /// A user, by a bearer token or the dashboard's cookie.
    case user(SignedInUser)
    /// A program that brings humans' decisions, by its token.
    case client(DecisionClient)

    /// The dashboard session, if that is how the caller proved who they are.
    var session: Session? {
        switch self {
        case .anonymous, .agent, .client: nil
        case .user(let user): user.session
        }
    }

    /// The name under which idempotency keys are kept.
    var ledgerName: String? {
        switch self {
        case .anonymous: nil
        case .agent(let id): "Agent:" + id.rawValue
        case .user(let user): "User:" + user.user.id.rawValue
        case .client(let client): "Client:" + client.id.rawValue
        }
    }
}

/// The proof of identity that a request carries.
struct Credentials: Sendable {
    /// The name of the dashboard's cookie.
    static let cookieName = "countersign_session"

    private enum Kind: Sendable {
        case none
        case malformed
        case bearer(String)
        case cookie(String)
    }

    private let kind: Kind

    /// Finds the credentials in a request's fields.
    ///
    /// `Authorization` goes before the cookie; two of them are none.
    init(_ fields: HTTPFields) {
        let authorizations = fields[values: .authorization]
        if let value = authorizations.first {
            let parts = value.split(separator: " ", maxSplits: 1)
            if authorizations.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" {
                kind = .bearer(String(parts[1].drop { $0 == " " }))
            } else {
                kind = .malformed
            }
        } else if let cookie = fields.cookie(Self.cookieName) {
            kind = .cookie(cookie)
        } else {
            kind = .none
        }
    }

    /// Who that is now; throws if the credential is unknown, expired or revoked.
    func caller(_ authenticator: any Authenticator, now: Timestamp) throws(Problem) -> Caller {
        switch kind {
        case .none: return .anonymous
        case .malformed: throw Problem(Reason(.invalidCredential, "Send one field: Authorization: Bearer KEY-OR-TOKEN"))
        case .bearer(let secret):
            if secret.utf8.starts(with: "cst_".utf8) {
                if let user = authenticator.user(token: secret, now: now) { return .user(user) }
            } else if secret.utf8.starts(with: "cso_".utf8) {
                if let client = authenticator.client(token: secret, now: now) { return .client(client) }
            } else if let agent = authenticator.agent(key: secret, now: now) {
                return .agent(agent)
            }
            throw Problem(.invalidCredential)
        case .cookie(let cookie):
            // A browser keeps a cookie longer than we do; whoever has a stale one is simply nobody.
            return authenticator.user(cookie: cookie, now: now).map { .user($0) } ?? .anonymous
        }
    }
}

/// Whether two secrets are the same; takes as long whether they differ early or late.
func isSameSecret(_ left: String, _ right: String) -> Bool {
    SHA256.hash(data: Array(left.utf8)) == SHA256.hash(data: Array(right.utf8))
}
