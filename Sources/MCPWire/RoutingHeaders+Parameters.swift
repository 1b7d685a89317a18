package import CanonicalJSON

extension RoutingHeaders {
    /// Checks that `Mcp-Param-*` headers say what a call's arguments say, as far as the tool's schema asks for them.
    ///
    /// An annotated argument and its header must both be there and agree, or both be missing; null counts as missing. A
    /// schema that breaks the rules of annotations asks for nothing, because clients drop such a tool.
    package static func checkParameters(
        schema: JSONValue,
        arguments: JSONObject,
        fields: [(name: String, value: String)],
    ) throws(RPCError) {
        guard let parameters = HeaderParameter.all(in: schema), !parameters.isEmpty else { return }
        var headers: [String: [String]] = [:]
        for (name, value) in fields { headers[name.lowercased(), default: []].append(value) }
        for parameter in parameters {
            let name = parameterPrefix + parameter.token
            let found = headers[name.lowercased()] ?? []
            guard found.count <= 1 else { throw .parameter(name, "appears more than once") }
            let value = parameter.value(in: arguments)
            switch (value, found.first) {
            case (nil, nil): break
            case (nil, _?): throw .parameter(name, "stands for an argument that is not there")
            case (let value?, nil):
                // What has no text, an array or an object, has no header either.
                if HeaderParameter.text(of: value) != nil { throw .parameter(name, "is missing") }
            case (let value?, let header?):
                guard let decoded = decode(header) else { throw .parameter(name, "is malformed") }
                guard parameter.matches(decoded, value) else { throw .parameter(name, "does not match its argument") }
            }
        }
    }

    /// The `Mcp-Param-*` headers to send upstream with a call, as far as the tool's schema asks for them.
    package static func parameterFields(
        schema: JSONValue,
        arguments: JSONObject,
    ) -> [(name: String, value: String)] {
        (HeaderParameter.all(in: schema) ?? []).compactMap { parameter in
            guard let text = parameter.value(in: arguments).flatMap(HeaderParameter.text) else { return nil }
            return (parameterPrefix + parameter.token, encode(text))
        }
    }

    /// Whether a tool's schema has no `x-mcp-header` that breaks a rule; clients over HTTP must drop a tool that has.
    package static func isValid(schema: JSONValue) -> Bool { HeaderParameter.all(in: schema) != nil }
}

extension RPCError {
    fileprivate static func parameter(_ name: String, _ what: String) -> RPCError {
        RPCError(code: RPCCode.headerMismatch, message: "the header \(name) \(what)")
    }
}
