package import CanonicalJSON

/// What a modern request says of itself in `_meta`.
package struct ModernEnvelope: Hashable, Sendable {
    /// The revision it is in, one that is modern.
    package let revision: MCPRevision
    /// Which program sent it, as it says; any value.
    package let clientInfo: JSONValue?
    /// What its sender can do.
    package let capabilities: JSONObject

    /// An envelope of these.
    package init(revision: MCPRevision, clientInfo: JSONValue? = nil, capabilities: JSONObject = [:]) {
        self.revision = revision
        self.clientInfo = clientInfo
        self.capabilities = capabilities
    }

    /// Whether the sender can be answered with a task.
    package var hasTasks: Bool {
        capabilities["extensions"]?[MetaKey.tasksExtension]?.objectValue != nil
    }
}

/// The headers of 2026-07-28 that repeat what a request's body says (Streamable HTTP, "Request Metadata").
///
/// Whatever stands between client and server may route by them, so they must say what the body says.
package enum RoutingHeaders {
    /// The revision.
    package static let protocolVersion = "MCP-Protocol-Version"
    /// The method.
    package static let method = "Mcp-Method"
    /// The tool, prompt, resource or task.
    package static let name = "Mcp-Name"
    /// What the name of a parameter's header begins with.
    package static let parameterPrefix = "Mcp-Param-"

    private static let prefix = "=?base64?"
    private static let suffix = "?="

    /// A header's value as it was meant: decoded if it is `=?base64?…?=`.
    ///
    /// Nil if that is malformed (not base64, not its one canonical form, not UTF-8 inside), or if characters occur that a
    /// field must not have.
    package static func decode(_ value: String) -> String? {
        guard value.utf8.allSatisfy({ 0x20...0x7E ~= $0 || $0 == 0x09 }) else { return nil }
        guard isSentinel(value) else { return value }
        let payload = value.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
        return Base64.decode(payload).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// A value as a header carries it: as it is if it survives that, else in base64.
    package static func encode(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { 0x20...0x7E ~= $0 }
        let isTrimmed = value.utf8.first != 0x20 && value.utf8.last != 0x20
        if isPlain, isTrimmed, !isSentinel(value) { return value }
        return prefix + Base64.encode(value.utf8) + suffix
    }

    private static func isSentinel(_ value: String) -> Bool {
        let bytes = value.utf8
        return bytes.count >= prefix.utf8.count + suffix.utf8.count && bytes.starts(with: prefix.utf8)
            && bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// Checks a modern request and gives what it says of itself; of several faults the first of this order is answered.
    ///
    /// A routing header twice; `_meta` without the version or the capabilities; a header that says something else than the
    /// body; a revision that is not served. It is the order of the official Python SDK, and it tells a client that
    /// contradicts itself so, rather than that its version is unknown.
    package static func check(
        method: String,
        params: JSONObject,
        fields: [(name: String, value: String)],
    ) throws(RPCError) -> ModernEnvelope {
        let headers = try Headers(fields)
        let (version, capabilities) = try envelope(params)
        guard let header = headers.version, .string(header) == version else {
            throw .mismatch(protocolVersion, "the protocol version in _meta")
        }
        guard let header = headers.method, UTF8Order.equal(header, method) else {
            throw .mismatch(Self.method, "the method")
        }
        try checkName(method: method, params: params, header: headers.name)
        guard let revision = version.stringValue.flatMap(MCPRevision.init), revision.isModern else {
            throw .unsupported(version)
        }
        return ModernEnvelope(
            revision: revision,
            clientInfo: params["_meta"]?[MetaKey.clientInfo],
            capabilities: capabilities,
        )
    }

    private static func envelope(_ params: JSONObject) throws(RPCError) -> (JSONValue, JSONObject) {
        guard case .object(let meta) = params["_meta"] else {
            throw .invalidParams(
                "params._meta must be an object with \(MetaKey.protocolVersion) and \(MetaKey.clientCapabilities)"
            )
        }
        guard let version = meta[MetaKey.protocolVersion] else {
            throw .invalidParams("params._meta has no \(MetaKey.protocolVersion)")
        }
        guard let capabilities = meta[MetaKey.clientCapabilities] else {
            throw .invalidParams("params._meta has no \(MetaKey.clientCapabilities)")
        }
        guard case .object(let capabilities) = capabilities else {
            throw .invalidParams("\(MetaKey.clientCapabilities) must be an object")
        }
        return (version, capabilities)
    }

    /// The name must stand in header and body alike; that of a task may be left out of the header, as clients do.
    private static func checkName(method: String, params: JSONObject, header: String?) throws(RPCError) {
        guard let (key, isRequired) = nameKey(of: method) else { return }
        let mismatch = RPCError.mismatch(name, "the parameter \(key)")
        switch (header, params[key]) {
        case (nil, nil): return
        case (nil, _?):
            if isRequired { throw mismatch }
        case (let header?, let value):
            guard let decoded = decode(header), value == .string(decoded) else { throw mismatch }
        }
    }

    /// The parameter that is repeated in `Mcp-Name`, and whether requests without that header are refused.
    static func nameKey(of method: String) -> (key: String, isRequired: Bool)? {
        switch method {
        case "tools/call", "prompts/get": ("name", true)
        case "resources/read": ("uri", true)
        case "tasks/get", "tasks/update", "tasks/cancel": ("taskId", false)
        default: nil
        }
    }

    /// What to send upstream with a modern request, besides the version.
    package static func fields(method: String, params: JSONObject) -> [(name: String, value: String)] {
        var fields = [(name: Self.method, value: encode(method))]
        if let key = nameKey(of: method)?.key, let value = params[key]?.stringValue {
            fields.append((name, encode(value)))
        }
        return fields
    }
}

/// The routing headers of a request, each at most once.
private struct Headers {
    private(set) var version: String?
    private(set) var method: String?
    private(set) var name: String?

    init(_ fields: [(name: String, value: String)]) throws(RPCError) {
        for (name, value) in fields {
            switch name.lowercased() {
            case "mcp-protocol-version": try Self.set(&version, value, RoutingHeaders.protocolVersion)
            case "mcp-method": try Self.set(&method, value, RoutingHeaders.method)
            case "mcp-name": try Self.set(&self.name, value, RoutingHeaders.name)
            default: break
            }
        }
    }

    private static func set(_ field: inout String?, _ value: String, _ name: String) throws(RPCError) {
        guard field == nil else {
            throw RPCError(code: RPCCode.headerMismatch, message: "the header \(name) appears more than once")
        }
        field = value
    }
}

extension RPCError {
    /// What is said where a header and the body differ.
    fileprivate static func mismatch(_ header: String, _ what: String) -> RPCError {
        RPCError(code: RPCCode.headerMismatch, message: "the header \(header) does not match \(what)")
    }

    fileprivate static func invalidParams(_ message: String) -> RPCError {
        RPCError(code: RPCCode.invalidParams, message: message)
    }

    /// What is answered to a revision that is not served: which are.
    package static func unsupported(_ version: JSONValue) -> RPCError {
        RPCError(
            code: RPCCode.unsupportedVersion,
            message: "unsupported protocol version",
            data: ["requested": version, "supported": .array(MCPRevision.modern.map { .string($0.rawValue) })],
        )
    }
}
