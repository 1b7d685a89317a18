import CanonicalJSON
import CountersignCore
import HTTPTypes

/// Tokens for programs that bring humans' decisions: OAuth's client credentials (RFC 6749, section 4.4).
///
/// Errors are in OAuth's own form (section 5.2), which its libraries read; the OpenAPI document names the endpoint as the
/// token URL of its security scheme.
enum ClientEndpoints {
    /// Where tokens are given out.
    static let tokenPath = "/oauth/token"
    private static let scope = "decide"

    /// The endpoints of the API.
    static let all = [
        Endpoint(
            .get,
            "/.well-known/oauth-authorization-server",
            .anyone,
            name: "getAuthorizationServer",
            "Where clients get their tokens (RFC 8414).",
            answers: [.json("AuthorizationServer", "The metadata.")],
        ) { exchange in
            let url = exchange.parts.dependencies.publicURL
            return .json([
                "grant_types_supported": ["client_credentials"], "issuer": .string(url),
                "response_types_supported": [], "scopes_supported": [.string(scope)],
                "token_endpoint": .string(url + tokenPath),
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            ])
        }
    ]

    /// What is no part of the API's own forms.
    static let callbacks = [Endpoint(callback: tokenPath, run: token)]

    /// What OAuth calls the ways in which this can fail.
    fileprivate enum Fault: String, Error {
        case invalidRequest = "invalid_request"
        case invalidClient = "invalid_client"
        case unsupportedGrantType = "unsupported_grant_type"
        case invalidScope = "invalid_scope"
        case slowDown = "temporarily_unavailable"
    }

    @Sendable private static func token(_ exchange: Exchange) async throws -> Reply {
        do throws(Fault) {
            let form = try form(exchange)
            guard form.single("grant_type") == "client_credentials" else {
                throw form.single("grant_type") == nil ? .invalidRequest : .unsupportedGrantType
            }
            guard try form.optional("scope").map({ $0 == scope }) ?? true else { throw .invalidScope }
            let (id, secret) = try credentials(exchange, form)
            return try await issue(id, secret, exchange)
        } catch {
            return refusal(error)
        }
    }

    private static func issue(_ id: String, _ secret: String, _ exchange: Exchange) async throws(Fault) -> Reply {
        let (source, now) = (exchange.source, exchange.now)
        guard let token = exchange.parts.dependencies.authenticator.clientToken(for: id, secret: secret, now: now)
        else {
            guard !exchange.parts.guesses.isTooMuch(from: source, now: now) else { throw .slowDown }
            let reason = Reason(.invalidCredential, ReasonCode.invalidCredential.explanation)
            let detail = "a token was asked for as the client \(ClientID(id)?.rawValue ?? "malformed")"
            _ = await exchange.parts.enforcement.refuseClient(reason, nil, detail: detail, source: source)
            throw .invalidClient
        }
        return unkept(
            .json([
                "access_token": .string(token.text), "expires_in": .integer(token.life.wholeSecondsRoundedUp),
                "scope": .string(scope), "token_type": "Bearer",
            ])
        )
    }

    private static func form(_ exchange: Exchange) throws(Fault) -> FormFields {
        let type = (exchange.fields[.contentType] ?? "").prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        guard type == "application/x-www-form-urlencoded",
            let form = FormFields(String(decoding: exchange.body, as: UTF8.self))
        else { throw .invalidRequest }
        return form
    }

    /// The client's name and secret, by exactly one of the two ways (RFC 6749, section 2.3).
    private static func credentials(
        _ exchange: Exchange,
        _ form: FormFields,
    ) throws(Fault) -> (id: String, secret: String) {
        let fields = exchange.fields[values: .authorization]
        let posted = try (form.optional("client_id"), form.optional("client_secret"))
        guard let field = fields.first else {
            guard let id = posted.0, let secret = posted.1 else { throw .invalidClient }
            return (id, secret)
        }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard fields.count == 1, posted.1 == nil, parts.count == 2, parts[0].lowercased() == "basic",
            let bytes = decode(parts[1]), let text = String(validating: bytes, as: UTF8.self),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            // Both are form-encoded before they are joined (section 2.3.1).
            let id = decodeForm(text[..<colon]), let secret = decodeForm(text[text.utf8.index(after: colon)...]),
            posted.0.map({ $0.utf8.elementsEqual(id.utf8) }) ?? true
        else { throw .invalidRequest }
        return (id, secret)
    }

    private static func decodeForm(_ text: Substring) -> String? {
        let spaced = String(decoding: text.utf8.map { $0 == UInt8(ascii: "+") ? 32 : $0 }, as: UTF8.self)
        return PercentCoding.decode(Substring(spaced))
    }

    private static func decode(_ digits: Substring) -> [UInt8]? {
        let url = digits.utf8.prefix { $0 != UInt8(ascii: "=") }.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        return Base64URL.decode(String(decoding: url, as: UTF8.self))
    }

    private static func refusal(_ fault: Fault) -> Reply {
        let status =
            switch fault {
            case .invalidClient: 401
            case .slowDown: 429
            case .invalidRequest, .unsupportedGrantType, .invalidScope: 400
            }
        var reply = unkept(.json(["error": .string(fault.rawValue)], status: status))
        if status == 401 { reply.fields[.wwwAuthenticate] = "Basic realm=\"countersign\"" }
        if status == 429 { reply.fields[.retryAfter] = "6" }
        return reply
    }

    /// Section 5.1: no cache keeps it.
    private static func unkept(_ reply: Reply) -> Reply {
        var reply = reply
        reply.fields[.cacheControl] = "no-store"
        return reply
    }
}

extension FormFields {
    /// A field that came once.
    fileprivate func single(_ name: String) -> String? {
        let values = self[all: name]
        return values.count == 1 ? values[0] : nil
    }

    /// A field, if it came; one that came twice is a mistake.
    fileprivate func optional(_ name: String) throws(ClientEndpoints.Fault) -> String? {
        let values = self[all: name]
        guard values.count <= 1 else { throw .invalidRequest }
        return values.first
    }
}
