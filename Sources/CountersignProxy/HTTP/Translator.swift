import CanonicalJSON
import CountersignCore
import HTTPWire
import NIOCore

/// Turns a judged request into an `Action`: what could this do? It never says whether it may.
struct Translator {
    let connection: HTTPConnection

    /// What a request cannot be translated for.
    struct Refusal: Error {
        let status: Int
        let reason: Reason
    }

    /// The document of a request.
    ///
    /// `fields` are the end-to-end fields that will be forwarded.
    func action(
        agent: AgentID,
        onBehalfOf: UserID?,
        method: String,
        target: RequestTarget,
        fields: HeaderFields,
        upgrade: String?,
        body: RequestBody,
    ) throws(Refusal) -> Action {
        let path = target.normalizedPath
        var details: [(String, JSONValue)] = [
            ("headers", .object(Self.covered(fields))), ("method", .string(method)), ("path", .string(path)),
        ]
        // Policies see one spelling of path and query; the digest and the approver also the one that goes upstream.
        if target.path != path { details.append(("raw_path", .string(target.path))) }
        if let query = target.normalizedQuery {
            details.append(("query", .string(query)))
            if let raw = target.query, !UTF8Order.equal(raw, query) { details.append(("raw_query", .string(raw))) }
        }
        if let upgrade { details.append(("upgrade", .string(upgrade))) }
        if !body.trailers.isEmpty { details.append(("trailers", .object(Self.covered(body.trailers)))) }
        if let payload = try payload(body, fields) { details.append(("payload", payload)) }
        return Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: "http",
            connection: connection.name,
            operations: [operation(method, target, upgrade: upgrade)],
            details: JSONObject(details),
        )
    }

    /// What a method on a path is under the connection's routes.
    ///
    /// Whatever a route says of a request, it says nothing of what goes over the connection after an upgrade.
    func operation(_ method: String, _ target: RequestTarget, upgrade: String?) -> Operation {
        let route = route(method, target)
        let name = route?.operation ?? "\(method) \(target.normalizedPath)"
        let effect = upgrade == nil ? route?.effect : nil
        return Operation(
            protocol: "http",
            effect: effect ?? Self.effect(of: method, upgrade: upgrade),
            resource: ResourceReference(type: "Endpoint", id: "\(connection.name)/\(name)"),
        )
    }

    /// What the configuration itself says that a request does; `nil` where only its method tells.
    func configuredEffect(_ method: String, _ target: RequestTarget, upgrade: String?) -> Effect? {
        upgrade == nil ? route(method, target)?.effect : nil
    }

    /// What a method does unless a route says otherwise.
    ///
    /// An upgraded connection can do anything.
    static func effect(of method: String, upgrade: String?) -> Effect {
        guard upgrade == nil else { return .unknown }
        return switch method {
        case "GET", "HEAD", "OPTIONS": .read
        case "POST", "PUT", "PATCH": .write
        case "DELETE": .delete
        default: .unknown
        }
    }

    /// The most specific route that matches; of two equally specific, the one closer in its method, else the first.
    private func route(_ method: String, _ target: RequestTarget) -> HTTPConnection.Route? {
        var best: (route: HTTPConnection.Route, rank: Int)?
        // By index, so that only those that match are copied.
        let routes = connection.routes
        for index in routes.indices {
            guard let rank = Self.rank(of: routes[index].method, for: method), routes[index].template.matches(target)
            else { continue }
            let route = routes[index]
            guard let known = best else {
                best = (route, rank)
                continue
            }
            let isCloser = route.template.isMoreSpecific(than: known.route.template)
            let isSame = !known.route.template.isMoreSpecific(than: route.template)
            if isCloser || (isSame && rank < known.rank) { best = (route, rank) }
        }
        return best?.route
    }

    /// How close a route's method is to a request's, 0 being the same; `nil` if it is another.
    ///
    /// Servers answer HEAD with what they do for GET (RFC 9110, section 9.3.2), so GET's routes are HEAD's.
    private static func rank(of pattern: String, for method: String) -> Int? {
        if UTF8Order.equal(pattern, method) { return 0 }
        if pattern == "GET", method == "HEAD" { return 1 }
        return pattern == "*" ? 2 : nil
    }

    /// The fields that the digest covers, by lower-case name; several values of one name keep their order.
    static func covered(_ fields: HeaderFields) -> JSONObject {
        var values: [(String, [JSONValue])] = []
        values.reserveCapacity(fields.count)
        for field in fields {
            let name = ForwardedFields.lowercased(field.name)
            if ForwardedFields.isUncovered(name) { continue }
            if let index = values.firstIndex(where: { $0.0 == name }) {
                values[index].1.append(.string(field.value))
            } else {
                values.append((name, [.string(field.value)]))
            }
        }
        return JSONObject(values.map { ($0.0, .array($0.1)) })
    }

    private func payload(_ body: RequestBody, _ fields: HeaderFields) throws(Refusal) -> JSONValue? {
        if case .none = body.content { return nil }
        for name in ["content-type", "content-encoding"] where fields.all(name).count > 1 {
            let message = "Send \(name) once: servers differ in which of several they take."
            throw Refusal(status: 400, reason: Reason(.ambiguousBody, message))
        }
        let mediaType = fields.first("content-type")
        let type: JSONValue = .string(mediaType ?? "application/octet-stream")
        switch body.content {
        case .none: return nil
        case .file(_, let sha256, let excerpt):
            try refuseHiddenJSON(mediaType, fields)
            return .object(
                JSONObject([
                    ("bytes", .integer(Int64(clamping: body.count))),
                    ("excerpt", .string(String(decoding: excerpt.readableBytesView, as: UTF8.self))),
                    ("media_type", type),
                    ("sha256", .string(Base64URL.encode(sha256))),
                ])
            )
        case .memory(let buffer):
            try refuseHiddenJSON(mediaType, fields)
            let bytes = Array(buffer.readableBytesView)
            if Self.isJSON(mediaType) { try refuseAmbiguous(bytes) }
            if fields.first("content-encoding") == nil, let text = String(validating: bytes, as: UTF8.self) {
                return .object(JSONObject([("media_type", type), ("text", .string(text))]))
            }
            return .object(
                JSONObject([
                    ("bytes", .integer(Int64(bytes.count))),
                    ("excerpt", .string(String(decoding: bytes.prefix(512), as: UTF8.self))),
                    ("media_type", type),
                    ("sha256", .string(ActionDigest(of: bytes).rawValue)),
                ])
            )
        }
    }

    /// JSON that policy and approver could not read as the upstream does is refused.
    private func refuseHiddenJSON(_ mediaType: String?, _ fields: HeaderFields) throws(Refusal) {
        guard Self.isJSON(mediaType) else { return }
        if let coding = fields.first("content-encoding"), coding.lowercased() != "identity" {
            throw Refusal(
                status: 415,
                reason: Reason(.ambiguousBody, "Send JSON without Content-Encoding, so that it can be judged."),
            )
        }
        let parameters = (mediaType ?? "").split(separator: ";").dropFirst().map {
            ForwardedFields.lowercased($0.filter { $0 != " " && $0 != "\"" && $0 != "\t" })
        }
        guard parameters.allSatisfy({ !$0.utf8.starts(with: "charset=".utf8) || $0 == "charset=utf-8" }) else {
            throw Refusal(status: 415, reason: Reason(.ambiguousBody, "Send JSON as UTF-8 (RFC 8259)."))
        }
    }

    private func refuseAmbiguous(_ bytes: [UInt8]) throws(Refusal) {
        do {
            _ = try JSONParser.parse(bytes, limits: JSONLimits(numbers: .int64, allowsNoncharacters: true))
        } catch {
            throw Refusal(
                status: 400,
                reason: Reason(.ambiguousBody, "The JSON body cannot be read in exactly one way: \(error)"),
            )
        }
    }

    private static func isJSON(_ mediaType: String?) -> Bool {
        guard let mediaType else { return false }
        let type = ForwardedFields.lowercased(mediaType.prefix { $0 != ";" && $0 != " " && $0 != "\t" })
        return type == "application/json" || type == "text/json" || type.hasSuffix("+json")
    }
}
