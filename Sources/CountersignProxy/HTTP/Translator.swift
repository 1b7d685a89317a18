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
        let route = route(method, target)
        let path = target.path
        var details: [(String, JSONValue)] = [
            ("headers", .object(Self.covered(fields))), ("method", .string(method)), ("path", .string(path)),
        ]
        if let query = target.query { details.append(("query", .string(query))) }
        if let upgrade { details.append(("upgrade", .string(upgrade))) }
        if !body.trailers.isEmpty { details.append(("trailers", .object(Self.covered(body.trailers)))) }
        if let payload = try payload(body, fields) { details.append(("payload", payload)) }
        let name = route?.operation ?? "\(method) \(path)"
        let operation = Operation(
            protocol: "http",
            effect: route?.effect ?? Self.effect(of: method, upgrade: upgrade),
            resource: ResourceReference(type: "Endpoint", id: "\(connection.name)/\(name)"),
        )
        return Action(
            agent: agent,
            onBehalfOf: onBehalfOf,
            protocol: "http",
            connection: connection.name,
            operations: [operation],
            details: JSONObject(details),
        )
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

    /// The most specific route that matches; of two equally specific, the first.
    private func route(_ method: String, _ target: RequestTarget) -> HTTPConnection.Route? {
        var best: HTTPConnection.Route?
        for route in connection.routes
        where (route.method == "*" || UTF8Order.equal(route.method, method)) && route.template.matches(target) {
            guard let known = best else {
                best = route
                continue
            }
            let isCloser = route.template.isMoreSpecific(than: known.template)
            let isSame = !known.template.isMoreSpecific(than: route.template)
            if isCloser || (isSame && known.method == "*" && route.method != "*") { best = route }
        }
        return best
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
