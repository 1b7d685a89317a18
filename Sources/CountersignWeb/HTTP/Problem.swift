import CanonicalJSON
import CountersignCore

/// Why a request is not answered as asked: an `application/problem+json` document (RFC 9457) with a stable code.
struct Problem: Error, Sendable {
    /// The HTTP status.
    let status: Int
    /// The stable code; a ``ReasonCode`` wherever one fits.
    let code: String
    /// What is wrong and what to do next; safe for a stranger.
    let detail: String
    /// All reasons, where there are several or a policy is behind them.
    var reasons: [Reason] = []
    /// Seconds after which trying again may help.
    var retryAfter: Int?
    /// The type, where it is not ours to name.
    var type: String?
    /// Members beyond those of every problem.
    var members: [(String, JSONValue)] = []

    /// A problem with a code of this layer's own.
    init(status: Int, code: String, _ detail: String) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    /// A refusal of the domain.
    init(_ reason: Reason) {
        status = reason.code.status
        code = reason.code.rawValue
        detail = reason.message
        if reason.policy != nil { reasons = [reason] }
        if status == 503 { retryAfter = 5 }
        if status == 429 { retryAfter = 30 }
    }

    /// A refusal with the code's own explanation.
    init(_ code: ReasonCode) { self.init(Reason(code, code.explanation)) }

    /// A refusal with a sentence of its own.
    init(_ code: ReasonCode, _ detail: String) { self.init(Reason(code, detail)) }

    /// Several reasons; the first one names the problem.
    init(_ reasons: [Reason]) {
        self.init(reasons.first ?? Reason(.notAllowed, ReasonCode.notAllowed.explanation))
        self.reasons = reasons
    }

    /// Anything that was thrown; what is not meant for strangers becomes a bare 500.
    init(thrown error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let reason as Reason: self.init(reason)
        case let error as LedgerError: self.init(error.reason)
        default: self.init(status: 500, code: "internal-error", "Something went wrong here. The server's log tells.")
        }
    }

    /// The document.
    var json: JSONValue {
        var object = JSONObject([
            ("code", .string(code)),
            ("detail", .string(detail)),
            ("status", .integer(Int64(status))),
            ("title", .string(Self.title(status))),
            ("type", .string(type ?? "urn:countersign:problem:" + code)),
        ])
        if !reasons.isEmpty { object["reasons"] = .array(reasons.map(\.json)) }
        for (name, value) in members { object[name] = value }
        return .object(object)
    }

    /// What a status means, in two or three words.
    static func title(_ status: Int) -> String {
        switch status {
        case 400: "Bad request"
        case 401: "Not authenticated"
        case 403: "Not allowed"
        case 404: "Not found"
        case 405: "Method not allowed"
        case 409: "Conflict"
        case 410: "Gone"
        case 413: "Body too large"
        case 415: "Unsupported media type"
        case 429: "Too many requests"
        case 502: "Bad gateway"
        case 503: "Not available"
        case 504: "Gateway timeout"
        default: "Internal error"
        }
    }
}

extension Reason {
    /// The reason as the API shows it.
    var json: JSONValue {
        var object = JSONObject([("code", .string(code.rawValue)), ("message", .string(message))])
        if let policy { object["policy"] = .string(policy) }
        return .object(object)
    }
}

extension ReasonCode {
    /// The HTTP status that tells of it.
    var status: Int {
        switch self {
        case .badRequest, .ambiguousRequest, .ambiguousBody, .methodOverride: 400
        case .unauthenticated, .invalidCredential, .signatureInvalid, .callbackReplayed, .callbackLate: 401
        case .noPermit, .forbidden, .policyError, .selfApproval, .notAnApprover, .notAllowed, .statementUnknown,
            .toolNotAccepted, .accountUnknown, .accountRefused, .pageRequired, .effectMismatch:
            403
        case .unknownConnection, .notFound: 404
        case .methodRefused: 405
        case .approvalRequired, .approvalDenied, .approvalExpired, .approvalWithdrawn, .approvalRevoked, .grantLapsed,
            .grantUsed, .digestMismatch, .policyChanged, .alreadyDecided, .alreadyErased, .wrongState,
            .idempotencyConflict:
            409
        case .resultGone: 410
        case .bodyTooLarge: 413
        case .tooManyPending, .tooManyComments: 429
        case .upstreamUnavailable, .upstreamInvalid, .outcomeUnknown: 502
        case .ledgerUnavailable, .checkpointUnavailable, .clockUnreliable, .connectionChanged, .overloaded,
            .shuttingDown, .channelUnavailable:
            503
        case .upstreamTimeout: 504
        }
    }
}
