import CountersignCore
import HTTPTypes
import Hummingbird
import NIOCore

/// Checks what an endpoint asks of a request before its code runs.
struct RequestGate {
    /// The endpoint.
    let endpoint: Endpoint
    /// What the control plane has.
    let parts: WebParts

    /// Who calls, if they may call this.
    func caller(_ fields: HTTPFields) throws(Problem) -> Caller {
        if case .anyone = endpoint.access, endpoint.face != .page { return .anonymous }
        let now = parts.enforcement.clock.time()
        if case .anyone = endpoint.access {
            return (try? Credentials(fields).caller(parts.dependencies.authenticator, now: now)) ?? .anonymous
        }
        let caller = try Credentials(fields).caller(parts.dependencies.authenticator, now: now)
        switch (endpoint.access, caller) {
        case (.anyone, _), (.caller, .agent), (.caller, .user), (.agent, .agent), (.user, .user),
            (.callerOrClient, .agent), (.callerOrClient, .user), (.callerOrClient, .client):
            return caller
        case (.caller, .anonymous), (.agent, .anonymous), (.user, .anonymous), (.localAdministrator, .anonymous),
            (.callerOrClient, .anonymous):
            throw Problem(.unauthenticated)
        case (.caller, .client), (.agent, .client), (.user, .client), (.localAdministrator, .client):
            throw Problem(.notAllowed, "A client reads approvals and brings humans' decisions, and does nothing else.")
        case (.agent, .user): throw Problem(.notAllowed, "Only an agent, with its key, may do this.")
        case (.user, .agent): throw Problem(.notAllowed, "Only a user may do this.")
        case (.localAdministrator, .user(let user)) where user.isLocalAdministrator: return caller
        case (.localAdministrator, .user), (.localAdministrator, .agent):
            throw Problem(.notAllowed, "Only the local administrator may do this: who can read the data folder.")
        }
    }

    /// The checked request.
    func exchange(
        _ caller: Caller,
        _ path: [String: String],
        _ request: Request,
        _ context: WebContext,
        _ target: String,
        _ requestID: String,
    ) async throws -> Exchange {
        let query = try query(target)
        let parameters = try parameters(path, query, request.headers)
        let body = try await body(request)
        try checkOrigin(caller, request.headers, body)
        return Exchange(
            parts: parts,
            method: request.method,
            target: target,
            fields: request.headers,
            parameters: parameters,
            query: query,
            body: body,
            caller: caller,
            credentials: Credentials(request.headers),
            source: source(request.headers, context),
            now: parts.enforcement.clock.time(),
            requestID: requestID,
        )
    }

    /// From where the call came, also through the agents' port; `nil` where that is not known.
    private func source(_ fields: HTTPFields, _ context: WebContext) -> String? {
        let value = HTTPField.Name(RelayedSource.field).flatMap { fields[$0] }
        guard let relayed = parts.dependencies.relay.address(value) else { return context.remoteAddress }
        return relayed.isEmpty ? nil : relayed
    }

    private func query(_ target: String) throws(Problem) -> FormFields {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return FormFields() }
        guard let fields = FormFields(Substring(target.utf8[mark...].dropFirst())) else {
            throw Problem(.badRequest, "The query has a broken percent-encoding or too many parameters.")
        }
        return fields
    }

    private func parameters(
        _ path: [String: String],
        _ query: FormFields,
        _ fields: HTTPFields,
    ) throws(Problem) -> [String: String] {
        var checked = path
        for parameter in endpoint.parameters {
            let values: [String]
            switch parameter.place {
            case .path:
                guard let value = path[parameter.name], parameter.accepts(value) else { throw Problem(.notFound) }
                continue
            case .query: values = query[all: parameter.name]
            case .header: values = HTTPField.Name(parameter.name).map { fields[values: $0] } ?? []
            }
            guard let first = values.first else { continue }
            guard values.count == 1 || parameter.isRepeatable, values.allSatisfy(parameter.accepts) else {
                let message = "The parameter \(parameter.name) must be \(parameter.form.demand). \(parameter.summary)"
                throw Problem(.badRequest, message)
            }
            checked[parameter.name] = values.count == 1 ? first : values.joined(separator: ",")
        }
        return checked
    }

    private func body(_ request: Request) async throws -> [UInt8] {
        if case .none = endpoint.intake { return [] }
        let tooLarge = Problem(.bodyTooLarge, "The body may have \(ControlPlane.maximumBody) bytes at most.")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > ControlPlane.maximumBody {
            throw tooLarge
        }
        let bytes: [UInt8]
        do {
            let buffer = try await request.body.collect(upTo: ControlPlane.maximumBody)
            bytes = Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
        switch endpoint.intake {
        case .none: return []
        case .nothing:
            let isEmptyObject = String(decoding: bytes.prefix(16), as: UTF8.self).filter { !$0.isWhitespace } == "{}"
            guard bytes.isEmpty || isEmptyObject else { throw Problem(.badRequest, "This takes no body.") }
            return []
        case .optionalJSON where bytes.isEmpty: return []
        case .bytes: break
        case .json, .optionalJSON: try checkType("application/json", request.headers)
        case .form: try checkType("application/x-www-form-urlencoded", request.headers)
        }
        return bytes
    }

    private func checkType(_ expected: String, _ fields: HTTPFields) throws(Problem) {
        let type = (fields[.contentType] ?? "").prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        guard type.utf8.elementsEqual(expected.utf8), fields[.contentEncoding] == nil else {
            let detail = "Send the body as \(expected), not compressed."
            throw Problem(status: 415, code: ReasonCode.badRequest.rawValue, detail)
        }
    }

    /// What a browser sends along by itself proves nothing: a change needs the session's token.
    private func checkOrigin(_ caller: Caller, _ fields: HTTPFields, _ body: [UInt8]) throws(Problem) {
        guard endpoint.method != .get else { return }
        if endpoint.face == .page, let site = fields.single(.fetchSite), site != "same-origin", site != "none" {
            throw Problem(.notAllowed, "This form was not sent from a page of this server.")
        }
        guard let session = caller.session else { return }
        if case .anyone = endpoint.access { return }
        var token = fields.single(.csrfToken)
        if case .form = endpoint.intake { token = token ?? FormFields(String(decoding: body, as: UTF8.self))?["csrf"] }
        guard let token, isSameSecret(token, session.csrfToken) else {
            throw Problem(
                .notAllowed,
                "The page was too old or not ours (no valid CSRF token). Reload it and try again."
            )
        }
    }
}
