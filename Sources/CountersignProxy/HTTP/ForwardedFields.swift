import CountersignCore
import HTTPWire

/// Which fields of an agent's request go upstream, and which of those the digest covers (docs/operations.md).
enum ForwardedFields {
    /// What cannot change what the request does, and differs from one try to the next: forwarded, not in the digest.
    private static let uncovered: Set<String> = [
        "user-agent", "accept-encoding", "traceparent", "tracestate", "x-request-id", "request-id",
        "x-correlation-id", "date", "sec-websocket-key",
    ]

    /// Fields that would make some server do another method or another path than the one that was judged.
    private static let overrides: Set<String> = [
        "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
        "x-original-method", "x-forwarded-method", "x-forwarded-uri", "x-forwarded-prefix",
    ]

    /// What only the gateway may say about who is in front of it.
    private static let ours: Set<String> = [
        "authorization", "host", "forwarded", "via", "x-real-ip", "expect", "content-length", "cookie2",
    ]

    /// Whether the digest leaves a field out; `name` in lower case.
    static func isUncovered(_ name: String) -> Bool { uncovered.contains(name) }

    /// ASCII lower case; names and tokens have no other letters.
    static func lowercased(_ text: some StringProtocol) -> String {
        if !text.utf8.contains(where: { $0 >= 65 && $0 <= 90 }) { return String(text) }
        return String(decoding: text.utf8.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }, as: UTF8.self)
    }

    /// A field's name as servers with CGI ancestry read it, who take `X_Real_Ip` for `X-Real-Ip`.
    private static func folded(_ name: String) -> String { dashed(lowercased(name)) }

    private static func dashed(_ name: String) -> String {
        name.utf8.contains(UInt8(ascii: "_")) ? String(name.map { $0 == "_" ? "-" : $0 }) : name
    }

    /// Whether only the gateway may say this to an upstream; `name` folded.
    private static func isOurs(_ name: String, _ connection: HTTPConnection) -> Bool {
        ours.contains(name) || name.hasPrefix("countersign-")
            || (name.hasPrefix("x-forwarded-") && !connection.methodOverrides.contains(name))
            || connection.credential.map { name == folded($0.header) } ?? false
    }

    /// The first trailer that would be refused or replaced in a head: many servers merge trailers into the head.
    static func refusedTrailer(_ trailers: HeaderFields, _ connection: HTTPConnection) -> String? {
        guard !trailers.isEmpty else { return nil }
        return refusedOverride(trailers, connection)
            ?? trailers.first {
                isOurs(folded($0.name), connection) || isHopByHop(folded($0.name), connectionTokens: [])
            }?
            .name
    }

    /// The first method- or path-override field that the connection does not let through.
    static func refusedOverride(_ fields: HeaderFields, _ connection: HTTPConnection) -> String? {
        for field in fields {
            // All of them begin with x; the rest of the names need no copy.
            guard field.name.utf8.first.map({ $0 | 0x20 }) == UInt8(ascii: "x") else { continue }
            let name = folded(field.name)
            if overrides.contains(name), !connection.methodOverrides.contains(name) { return field.name }
        }
        return nil
    }

    /// The end-to-end fields of a request that go upstream: no credential of the agent's, nothing hop-by-hop.
    static func forUpstream(_ head: RequestHead, _ connection: HTTPConnection) -> HeaderFields {
        var fields = head.fields
        let tokens = fields.tokens(of: "connection")
        fields.removeAll { name in
            let name = lowercased(name)
            return isHopByHop(name, connectionTokens: tokens) || isOurs(dashed(name), connection)
        }
        if let prefer = remainingPreferences(fields) {
            fields.set(name: "Prefer", value: prefer)
        } else {
            fields.remove("prefer")
        }
        return fields
    }

    /// `Prefer` without what the gateway itself honours (RFC 7240).
    private static func remainingPreferences(_ fields: HeaderFields) -> String? {
        let kept = fields.all("prefer").flatMap { $0.split(separator: ",") }.map { $0.drop { $0 == " " } }.filter {
            let name = lowercased($0.prefix { $0 != "=" && $0 != ";" && $0 != " " })
            return name != "wait" && name != "respond-async"
        }
        return kept.isEmpty ? nil : kept.joined(separator: ", ")
    }

    /// The head that goes upstream.
    static func head(
        _ method: String,
        _ target: RequestTarget,
        _ fields: HeaderFields,
        upgrade: String?,
        body: RequestBody,
        _ connection: HTTPConnection,
        forwarded: String?,
    ) -> RequestHead {
        var out = HeaderFields()
        let upstream = connection.upstream
        let host = upstream.host.contains(":") ? "[\(upstream.host)]" : upstream.host
        let isDefaultPort = upstream.port == (upstream.isTLS ? 443 : 80)
        out.append(name: "Host", value: isDefaultPort ? host : "\(host):\(upstream.port)")
        out.append(contentsOf: fields)
        if let credential = connection.credential { out.append(name: credential.header, value: credential.value) }
        if let forwarded { out.append(name: "Forwarded", value: forwarded) }
        out.append(name: "Via", value: "1.1 countersign")
        if let upgrade {
            out.append(name: "Connection", value: "upgrade")
            out.append(name: "Upgrade", value: upgrade)
        }
        let framing: BodyFraming =
            if !body.trailers.isEmpty {
                .chunked
            } else if body.count > 0 {
                .length(body.count)
            } else if method == "POST" || method == "PUT" || method == "PATCH" {
                .length(0)
            } else {
                .none
            }
        return RequestHead(
            method: method,
            target: upstream.basePath + target.raw,
            fields: out,
            framing: framing,
            upgrade: upgrade,
        )
    }

    /// The end-to-end fields of a response.
    static func forAgent(_ head: ResponseHead) -> HeaderFields {
        var fields = head.fields
        fields.removeHopByHop()
        fields.remove("content-length")
        return fields
    }
}

/// What an agent asks of the gateway about waiting (RFC 7240).
struct Preferences {
    /// `wait=N`.
    let wait: Duration?
    /// `respond-async`.
    let respondsAsync: Bool

    init(_ fields: HeaderFields) {
        var wait: Duration?
        var respondsAsync = false
        for part in fields.all("prefer").flatMap({ $0.split(separator: ",") }) {
            let text = ForwardedFields.lowercased(part.filter { $0 != " " && $0 != "\t" && $0 != "\"" })
            if text == "respond-async" { respondsAsync = true }
            if text.hasPrefix("wait="), let seconds = Int64(text.dropFirst(5)), (0...86_400).contains(seconds) {
                wait = .seconds(seconds)
            }
        }
        self.wait = wait
        self.respondsAsync = respondsAsync
    }
}
