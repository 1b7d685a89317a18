import CanonicalJSON

/// What the gateway answers to a question.
public enum Verdict: Sendable {
    /// Do it; the entry is in the log.
    case allowed
    /// Do not, for these reasons.
    case denied([Refusal])
    /// People must approve it first, or have: see its status.
    case pending(Approval)
}

/// Why something may not be.
public struct Refusal: Hashable, Sendable {
    /// A stable code, `forbidden` for instance.
    public let code: String
    /// What is wrong and what to do next.
    public let message: String
    /// The policy that decided, if one did.
    public let policy: String?

    init?(_ json: JSONValue) {
        guard let code = json["code"]?.stringValue, let message = json["message"]?.stringValue else { return nil }
        self.code = code
        self.message = message
        policy = json["policy"]?.stringValue
    }
}

/// The request for human judgment on one action.
public struct Approval: Hashable, Sendable {
    /// Where it stands.
    public enum Status: String, Sendable {
        /// Waits for people.
        case pending
        /// The grant waits to be redeemed.
        case approved
        /// The grant is used; no outcome is known yet.
        case redeemed
        /// It was done, and well.
        case succeeded
        /// It was tried, and not well.
        case failed
        /// Nobody knows what came of it.
        case unknown
        /// People denied it.
        case denied
        /// Nobody decided in time.
        case expired
        /// The agent took its request back.
        case withdrawn
        /// The grant was not used in time.
        case lapsed
        /// The approval was taken back.
        case revoked
    }

    /// What one user said.
    public struct Decision: Hashable, Sendable {
        /// Who.
        public let user: String
        /// Whether they approved it.
        public let isApproval: Bool
        /// Why, in their words.
        public let reason: String
    }

    /// The id.
    public let id: String
    /// Where it stands.
    public let status: Status
    /// The digest of what was asked for.
    public let actionDigest: String
    /// When it ends if nobody decides, RFC 3339.
    public let expiresAt: String
    /// When the grant ends, RFC 3339; `nil` until it is approved.
    public let grantExpiresAt: String?
    /// What users said so far.
    public let decisions: [Decision]
    /// The page for approvers.
    public let dashboard: String?
    /// The document, as the gateway has it.
    let document: JSONValue?

    init?(_ json: JSONValue?) {
        guard let json, let id = json["id"]?.stringValue,
            let status = json["status"]?.stringValue.flatMap({ Status(rawValue: $0) }),
            let digest = json["action_digest"]?.stringValue, let expires = json["expires_at"]?.stringValue
        else { return nil }
        self.id = id
        self.status = status
        actionDigest = digest
        expiresAt = expires
        grantExpiresAt = json["grant_expires_at"]?.stringValue
        decisions = (json["decisions"]?.arrayValue ?? []).compactMap { decision in
            guard let user = decision["user"]?.stringValue, let word = decision["decision"]?.stringValue else {
                return nil
            }
            return Decision(user: user, isApproval: word == "approve", reason: decision["reason"]?.stringValue ?? "")
        }
        dashboard = json["links"]?["dashboard"]?.stringValue
        document = json["action"]
    }
}

/// The right to act, once, under an approval.
public struct Grant: Sendable {
    /// A compact JWS that others can verify with the key at `/.well-known/jwks.json`.
    public let token: String
    /// The approval that it comes from.
    public let approval: Approval
}

/// What came of an action.
public struct Outcome: Hashable, Sendable {
    /// The three answers.
    public enum Result: String, Sendable {
        /// It was done.
        case succeeded
        /// It was not done.
        case failed
        /// It may have been done.
        case unknown
    }

    /// Which it is.
    public var result: Result
    /// The protocol's status, an HTTP status code for instance.
    public var status: Int?
    /// One sentence for people.
    public var detail: String?

    /// Describes an outcome.
    public init(_ result: Result, status: Int? = nil, detail: String? = nil) {
        self.result = result
        self.status = status
        self.detail = detail
    }

    var json: JSONValue {
        var object = JSONObject([("result", .string(result.rawValue))])
        if let status { object["status"] = .integer(Int64(status)) }
        if let detail {
            object["detail"] = .string(String(String.UnicodeScalarView(detail.unicodeScalars.prefix(2000))))
        }
        return .object(object)
    }
}

/// The right under which a body runs.
public enum Permission: Sendable {
    /// Policy allows it as it is.
    case policy
    /// People approved it, once.
    case grant(Grant)
}
