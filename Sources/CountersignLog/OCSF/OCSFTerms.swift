import CanonicalJSON

/// The classes of the Open Cybersecurity Schema Framework that entries become.
enum OCSFClass: Hashable, Sendable {
    /// A kind of entry that this version has no mapping for; nothing is left out of an export.
    case base
    /// A user signed in or out.
    case authentication
    /// An agent got, or lost, the right to one action.
    case authorizeSession
    /// Policies, configuration, agents, users or keys changed.
    case entityManagement
    /// An agent's action, or somebody's judgment on it.
    case apiActivity

    /// `class_uid`.
    var uid: Int64 {
        switch self {
        case .base: 0
        case .authentication: 3002
        case .authorizeSession: 3003
        case .entityManagement: 3004
        case .apiActivity: 6003
        }
    }

    /// `class_name`.
    var name: String {
        switch self {
        case .base: "Base Event"
        case .authentication: "Authentication"
        case .authorizeSession: "Authorize Session"
        case .entityManagement: "Entity Management"
        case .apiActivity: "API Activity"
        }
    }

    /// `category_uid` and `category_name`.
    var category: OCSFTerm {
        switch self {
        case .base: OCSFTerm(0, "Uncategorized")
        case .authentication, .authorizeSession, .entityManagement: OCSFTerm(3, "Identity & Access Management")
        case .apiActivity: OCSFTerm(6, "Application Activity")
        }
    }
}

/// A value of an OCSF enumeration: the number and the caption that stands beside it.
struct OCSFTerm: Hashable, Sendable {
    let id: Int64
    let caption: String

    init(_ id: Int64, _ caption: String) {
        self.id = id
        self.caption = caption
    }

    /// What the enumeration has no value for.
    static func other(_ caption: String) -> OCSFTerm { OCSFTerm(99, caption) }
    /// What nobody can tell.
    static let unknown = OCSFTerm(0, "Unknown")

    static let create = OCSFTerm(1, "Create")
    static let read = OCSFTerm(2, "Read")
    static let update = OCSFTerm(3, "Update")
    static let delete = OCSFTerm(4, "Delete")
    static let disable = OCSFTerm(9, "Disable")
    static let logon = OCSFTerm(1, "Logon")
    static let logoff = OCSFTerm(2, "Logoff")
    static let assignPrivileges = OCSFTerm(1, "Assign Privileges")

    static let userEntity = OCSFTerm(2, "User")
    static let policyEntity = OCSFTerm(5, "Policy")

    static let success = OCSFTerm(1, "Success")
    static let failure = OCSFTerm(2, "Failure")
}

/// What a security control did (`action_id`) and what came of it (`disposition_id`).
struct OCSFControl: Hashable, Sendable {
    let action: OCSFTerm
    let disposition: OCSFTerm

    private init(_ action: OCSFTerm, _ id: Int64, _ caption: String) {
        self.action = action
        disposition = OCSFTerm(id, caption)
    }

    private static let allow = OCSFTerm(1, "Allowed")
    private static let deny = OCSFTerm(2, "Denied")

    /// Policy let it pass, or a grant was used.
    static let allowed = OCSFControl(allow, 1, "Allowed")
    /// Policy stopped it.
    static let blocked = OCSFControl(deny, 2, "Blocked")
    /// A human let it pass.
    static let approved = OCSFControl(allow, 8, "Approved")
    /// It waits for humans: there is no action yet, so that is unknown.
    static let delayed = OCSFControl(.unknown, 14, "Delayed")
    /// A right was taken back, or lapsed.
    static let revoked = OCSFControl(deny, 24, "Access Revoked")
    /// A human refused it, or nobody let it pass, or it could not be understood.
    static let rejected = OCSFControl(deny, 25, "Rejected")
    /// Whoever asked is not known, or may not.
    static let unauthorized = OCSFControl(deny, 26, "Unauthorized")
}

/// How grave an event is; OCSF's `severity_id`.
package enum ExportSeverity: Int64, Hashable, Sendable, Comparable, CaseIterable {
    /// Nothing to look at.
    case informational = 1
    /// Worth knowing.
    case low = 2
    /// Worth looking at.
    case medium = 3

    /// The caption that OCSF has for it.
    package var caption: String {
        switch self {
        case .informational: "Informational"
        case .low: "Low"
        case .medium: "Medium"
        }
    }

    /// The severity of RFC 5424: informational, notice, warning.
    package var syslog: Int {
        switch self {
        case .informational: 6
        case .low: 5
        case .medium: 4
        }
    }

    /// The graver is the greater.
    package static func < (left: ExportSeverity, right: ExportSeverity) -> Bool { left.rawValue < right.rawValue }
}
