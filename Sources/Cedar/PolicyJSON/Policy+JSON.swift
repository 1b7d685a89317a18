package import CanonicalJSON

extension Policy {
    /// Reads a policy from Cedar's JSON form.
    ///
    /// - Parameters:
    ///   - json: An object with `effect`, `principal`, `action`, `resource`, `conditions` and perhaps `annotations`.
    ///   - id: The policy's id, which stands outside that object.
    ///   - file: What positions name as the file.
    ///   - limits: How deep expressions may nest.
    package init(
        json: JSONValue,
        id: String,
        file: String = "policy.json",
        limits: PolicyLimits = PolicyLimits(),
    ) throws(InvalidPart) {
        let template = try Template(json: json, id: id, file: file, limits: limits)
        guard let policy = template.policy(id: id, values: [:]) else {
            throw InvalidPart("a policy cannot have slots; this is a template")
        }
        self = policy
    }

    /// The policy in Cedar's JSON form.
    ///
    /// Throws where the JSON would be too deep or too large for its readers, as some forms repeat their operands.
    package func json() throws(InvalidPart) -> JSONValue { try Template(self).json() }
}

extension Template {
    /// Reads a template from Cedar's JSON form; one without slots is a template, too.
    package init(
        json: JSONValue,
        id: String,
        file: String = "policy.json",
        limits: PolicyLimits = PolicyLimits(),
    ) throws(InvalidPart) {
        var reader = PolicyJSONReader(file: file, limits: limits)
        self = try reader.template(json, id: id)
    }

    /// The template in Cedar's JSON form.
    package func json() throws(InvalidPart) -> JSONValue {
        var writer = PolicyJSONWriter()
        return try writer.json(of: self)
    }
}

extension PolicySet {
    /// Reads a policy set from Cedar's JSON form: `{"staticPolicies": {}, "templates": {}, "templateLinks": []}`.
    ///
    /// The policies stand in the order of their ids' UTF-16 code units, as JSON objects have no order of their own.
    package init(
        json: JSONValue,
        file: String = "policies.json",
        limits: PolicyLimits = PolicyLimits(),
    ) throws(InvalidPart) {
        let document = PolicyDocument(json, file: file, bytes: nil, limits: limits)
        if let problem = document.problems.first { throw problem.error }
        do {
            let set = PolicySet(statements: document.statements, links: [], linked: [])
            self = try set.linking(document.links.map(\.link))
        } catch {
            throw InvalidPart(error.description, path: "templateLinks")
        }
    }

    /// The set in Cedar's JSON form.
    package func json() throws(InvalidPart) -> JSONValue {
        var writer = PolicyJSONWriter()
        var policies: [(String, JSONValue)] = []
        var templates: [(String, JSONValue)] = []
        for statement in self.statements {
            switch statement {
            case .policy(let policy): policies.append((policy.id, try writer.json(of: Template(policy))))
            case .template(let template): templates.append((template.id, try writer.json(of: template)))
            }
        }
        return .object([
            "staticPolicies": .object(JSONObject(policies)),
            "templates": .object(JSONObject(templates)),
            "templateLinks": .array(self.links.map(PolicyJSONWriter.json(of:))),
        ])
    }
}
