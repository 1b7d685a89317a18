import CanonicalJSON

/// One request of a batch, as its line states it.
struct BatchRequest {
    /// Where a text comes from.
    enum Source: Hashable {
        /// The file at that path.
        case file(CedarString)
        /// The line itself, which has it as a text.
        case text(CedarString)
        /// The line itself, which has it as JSON.
        case json(JSONValue)
    }

    /// A policy to be made of a template.
    struct Link: Hashable {
        let template: CedarString
        let id: CedarString
        let values: [Template.Slot: EntityUID]
    }

    let policies: Source
    /// nil where there are none.
    let entities: Source?
    let schema: Source?
    let mode: ValidationMode
    let names: BatchNames
    private let object: JSONObject

    init(_ json: JSONValue) throws(BatchRefusal) {
        guard let object = json.objectValue else { throw BatchRefusal(.line, "line: expected an object") }
        self.object = object
        guard let policies = try Self.source("policies", in: object, .policies) else {
            throw BatchRefusal(.policies, "policies: neither `policies` nor `policies_file` is given")
        }
        self.policies = policies
        self.entities = try Self.source("entities", in: object, .entities)
        self.schema = try Self.source("schema", in: object, .schema)
        let mode = try Self.word("validation_mode", in: object, of: ValidationMode.allCases.map(\.rawValue))
        self.mode = mode.flatMap { ValidationMode(rawValue: $0.string) } ?? .strict
        let names = try Self.word("ids", in: object, of: BatchNames.allCases.map(\.rawValue))
        self.names = names.flatMap { BatchNames(rawValue: $0.string) } ?? .annotations
    }

    /// Who asks for what, as the line states it.
    func principal() throws(BatchRefusal) -> EntityUID { try self.uid("principal") }

    /// What they want to do.
    func action() throws(BatchRefusal) -> EntityUID { try self.uid("action") }

    /// What they want to do it to.
    func resource() throws(BatchRefusal) -> EntityUID { try self.uid("resource") }

    /// The context as JSON; an empty object where none is given.
    func context() throws(BatchRefusal) -> JSONValue {
        switch self.object["context"] ?? .null {
        case .null: return .object(JSONObject())
        case .string(let text):
            do {
                return try JSONParser.parse(text, limits: BatchEvaluator.limits)
            } catch {
                throw BatchRefusal(.context, "context: \(error)")
            }
        case let json:
            guard json.nests(within: BatchEvaluator.limits.maxDepth) else {
                throw BatchRefusal(.context, "context: nests deeper than JSON may")
            }
            return json
        }
    }

    private func uid(_ name: String) throws(BatchRefusal) -> EntityUID {
        guard let json = self.object[name] else { throw BatchRefusal(.request, "\(name): is missing") }
        do {
            return try EntityUID(json: json)
        } catch {
            throw BatchRefusal(.request, "\(name): \(error)")
        }
    }

    /// A text, a path or JSON; the word `null` is the same as leaving it out.
    private static func source(
        _ name: String,
        in object: JSONObject,
        _ part: BatchRefusal.Part,
    ) throws(BatchRefusal) -> Source? {
        let inline: Source? =
            switch object[name] ?? .null {
            case .null: nil
            case .string(let text): .text(CedarString(text))
            case let json: .json(json)
            }
        switch object["\(name)_file"] ?? .null {
        case .null: return inline
        case .string(let path):
            guard inline == nil else {
                throw BatchRefusal(part, "\(name): both `\(name)` and `\(name)_file` are given")
            }
            return .file(CedarString(path))
        default: throw BatchRefusal(part, "\(name)_file: expected a path")
        }
    }

    private static func word(
        _ name: String,
        in object: JSONObject,
        of words: [String],
    ) throws(BatchRefusal) -> CedarString? {
        let json = object[name] ?? .null
        if json.isNull { return nil }
        guard let word = json.stringValue.map({ CedarString($0) }), words.contains(where: { CedarString($0) == word })
        else { throw BatchRefusal(.line, "\(name): expected " + words.map { "`\($0)`" }.joined(separator: " or ")) }
        return word
    }

    /// The policies to be made of templates.
    func links() throws(BatchRefusal) -> [Link] {
        let json = self.object["links"] ?? .null
        if json.isNull { return [] }
        guard let elements = json.arrayValue else { throw BatchRefusal(.policies, "links: expected an array") }
        var links: [Link] = []
        for (index, element) in elements.enumerated() {
            guard let template = element["template_id"]?.stringValue, let id = element["new_id"]?.stringValue,
                let members = element["values"]?.objectValue
            else {
                throw BatchRefusal(.policies, "links[\(index)]: expected `template_id`, `new_id` and `values`")
            }
            var values: [Template.Slot: EntityUID] = [:]
            for member in members {
                guard let slot = Template.Slot.allCases.first(where: { UTF8Order.equal($0.rawValue, member.key) })
                else {
                    throw BatchRefusal(.policies, "links[\(index)].values: there is no slot `\(member.key)`")
                }
                do {
                    values[slot] = try EntityUID(json: member.value)
                } catch {
                    throw BatchRefusal(.policies, "links[\(index)].values.\(member.key): \(error)")
                }
            }
            links.append(Link(template: CedarString(template), id: CedarString(id), values: values))
        }
        return links
    }
}

extension BatchRequest.Link {
    /// The link with its template's id: one that no template has may be the `@id` of exactly one.
    func resolved(in set: PolicySet) throws(BatchRefusal) -> TemplateLink {
        let named = set.templates.filter { CedarString($0.id) == self.template }
        let annotated = set.templates.filter { template in
            template.annotations.contains {
                CedarString($0.name) == "id" && CedarString($0.value) == self.template
            }
        }
        let found = named.isEmpty ? annotated : named
        guard let template = found.first, found.count == 1 else {
            let count = found.isEmpty ? "no template is" : "several templates are"
            throw BatchRefusal(.policies, "links: \(count) named `\(self.template)`")
        }
        return TemplateLink(id: self.id.string, template: template.id, values: self.values)
    }
}
