import CanonicalJSON

/// What the lines of a batch share: texts that were read, and what they were parsed into.
struct BatchLibrary {
    /// Something that was made once, and its number among all that were.
    struct Numbered<Value> {
        let number: Int
        let value: Value
    }

    /// What came of making something: it, or why not.
    private typealias Made<Value> = Result<Numbered<Value>, BatchRefusal>

    private struct PoliciesKey: Hashable {
        let source: BatchRequest.Source
        let links: [BatchRequest.Link]
    }

    private struct EntitiesKey: Hashable {
        let source: BatchRequest.Source
        let schema: Int?
    }

    private struct ValidationKey: Hashable {
        let policies: Int
        let schema: Int
        let mode: ValidationMode
    }

    private struct NamesKey: Hashable {
        let policies: Int
        let names: BatchNames
    }

    private let limits: PolicyLimits
    private let cachedBytes: Int
    private let isLiftable: @Sendable (Policy) -> Bool
    private let read: BatchEvaluator.Reader
    private var bytes = 0
    private var made = 0
    private var policies: [PoliciesKey: Made<ThreeWayAuthorizer>] = [:]
    private var entities: [EntitiesKey: Made<Entities>] = [:]
    private var schemas: [BatchRequest.Source: Made<Schema>] = [:]
    private var validations: [ValidationKey: BatchAnswer.Validation] = [:]
    private var ids: [NamesKey: [String]] = [:]

    init(
        limits: PolicyLimits,
        cachedBytes: Int,
        isLiftable: @escaping @Sendable (Policy) -> Bool,
        read: @escaping BatchEvaluator.Reader,
    ) {
        self.limits = limits
        self.cachedBytes = cachedBytes
        self.isLiftable = isLiftable
        self.read = read
    }

    /// Forgets everything once the texts kept are more than they may be; called between two lines.
    mutating func tidy() {
        guard self.bytes > self.cachedBytes else { return }
        self.bytes = 0
        self.policies.removeAll()
        self.entities.removeAll()
        self.schemas.removeAll()
        self.validations.removeAll()
        self.ids.removeAll()
    }

    /// The policies of a request, its links made.
    mutating func policies(_ request: BatchRequest) throws(BatchRefusal) -> Numbered<ThreeWayAuthorizer> {
        let key = PoliciesKey(source: request.policies, links: try request.links())
        if let made = self.policies[key] { return try made.get() }
        let made = self.make { library throws(BatchRefusal) in
            ThreeWayAuthorizer(try library.parsePolicies(key), isLiftable: library.isLiftable)
        }
        self.policies[key] = made
        return try made.get()
    }

    /// The entities of a request; with a schema, they are read as it directs and must conform to it.
    mutating func entities(
        _ source: BatchRequest.Source?,
        _ schema: Numbered<Schema>?,
    ) throws(BatchRefusal) -> Entities {
        let key = EntitiesKey(source: source ?? .json(.array([])), schema: schema?.number)
        if let made = self.entities[key] { return try made.get().value }
        let made = self.make { library throws(BatchRefusal) in try library.parseEntities(key.source, schema?.value) }
        self.entities[key] = made
        return try made.get().value
    }

    /// A schema, of text or of JSON.
    mutating func schema(_ source: BatchRequest.Source) throws(BatchRefusal) -> Numbered<Schema> {
        if let made = self.schemas[source] { return try made.get() }
        let made = self.make { library throws(BatchRefusal) in try library.parseSchema(source) }
        self.schemas[source] = made
        return try made.get()
    }

    /// What validating policies against a schema finds.
    mutating func validation(
        of policies: Numbered<ThreeWayAuthorizer>,
        _ schema: Numbered<Schema>,
        mode: ValidationMode,
    ) -> BatchAnswer.Validation {
        let key = ValidationKey(policies: policies.number, schema: schema.number, mode: mode)
        if let validation = self.validations[key] { return validation }
        let validation = Self.validate(policies.value.policies, schema.value, mode: mode)
        self.validations[key] = validation
        return validation
    }

    /// What the policies are called, in their order.
    mutating func ids(of policies: Numbered<ThreeWayAuthorizer>, _ names: BatchNames) -> [String] {
        let key = NamesKey(policies: policies.number, names: names)
        if let ids = self.ids[key] { return ids }
        let ids = names.ids(of: policies.value.policies)
        self.ids[key] = ids
        return ids
    }

    private mutating func make<Value>(
        _ body: (inout BatchLibrary) throws(BatchRefusal) -> Value,
    ) -> Made<Value> {
        self.made += 1
        do {
            return .success(Numbered(number: self.made, value: try body(&self)))
        } catch {
            return .failure(error)
        }
    }

    private mutating func parsePolicies(_ key: PoliciesKey) throws(BatchRefusal) -> PolicySet {
        let set: PolicySet
        switch try self.document(key.source, "policies", .policies) {
        case .text(let source):
            do {
                set = try PolicySet(parsing: [source], limits: self.limits)
            } catch {
                throw BatchRefusal(.policies, error.errors.map(\.description))
            }
        case .json(let json, let name):
            do {
                set = try PolicySet(json: json, file: name, limits: self.limits)
            } catch {
                throw BatchRefusal(.policies, "\(name): \(error)")
            }
        }
        do {
            return try set.linking(try key.links.map { link throws(BatchRefusal) in try link.resolved(in: set) })
        } catch let error as BatchRefusal {
            throw error
        } catch {
            throw BatchRefusal(.policies, "links: \(error)")
        }
    }

    private mutating func parseEntities(
        _ source: BatchRequest.Source,
        _ schema: Schema?,
    ) throws(BatchRefusal) -> Entities {
        let json: JSONValue
        switch try self.document(source, "entities", .entities) {
        case .text(let source):
            do {
                json = try JSONParser.parse(source.text, limits: BatchEvaluator.limits)
            } catch {
                throw BatchRefusal(.entities, "\(source.name): \(error)")
            }
        case .json(let value, _): json = value
        }
        do {
            if let schema { return try Entities(json: json, schema: schema) }
            return try Entities(json: json)
        } catch {
            throw BatchRefusal(.entities, "entities\(error)")
        }
    }

    private mutating func parseSchema(_ source: BatchRequest.Source) throws(BatchRefusal) -> Schema {
        let text: PolicySource =
            switch try self.document(source, "schema", .schema) {
            case .text(let source): source
            case .json(let json, let name): PolicySource(name: name, text: json.canonicalText)
            }
        do {
            return try Schema(parsing: [text], limits: self.limits)
        } catch {
            throw BatchRefusal(.schema, error.errors.map(\.description))
        }
    }

    private static func validate(_ policies: PolicySet, _ schema: Schema, mode: ValidationMode)
        -> BatchAnswer.Validation
    {
        let result = Validator(schema: schema).validate(policies, mode: mode)
        return BatchAnswer.Validation(
            passed: result.passed,
            errors: result.errors.map { "\($0.policyID): \($0.description)" },
        )
    }

    /// What a source holds: text, or JSON where it stands as JSON in the line.
    private enum Document {
        case text(PolicySource)
        case json(JSONValue, name: String)
    }

    /// The text or the JSON of a source, and the name that its positions carry.
    private mutating func document(
        _ source: BatchRequest.Source,
        _ name: String,
        _ part: BatchRefusal.Part,
    ) throws(BatchRefusal) -> Document {
        switch source {
        case .text(let text):
            self.bytes += text.byteCount
            return .text(PolicySource(name: name, text: text.string))
        case .json(let json):
            guard json.nests(within: BatchEvaluator.limits.maxDepth) else {
                throw BatchRefusal(part, "\(name): nests deeper than JSON may")
            }
            // About what its text has; counted because the cache keeps it.
            self.bytes += json.canonicalBytes().count
            return .json(json, name: name)
        case .file(let path):
            let bytes: [UInt8]
            do {
                bytes = try self.read(path.string)
            } catch {
                throw BatchRefusal(part, "\(path): \(error.message)")
            }
            self.bytes += bytes.count
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw BatchRefusal(part, "\(path): is not UTF-8")
            }
            return .text(PolicySource(name: path.string, text: text))
        }
    }
}

extension JSONValue {
    /// Whether containers are within each other no deeper than so many levels.
    func nests(within levels: Int) -> Bool {
        switch self {
        case .null, .bool, .integer, .number, .string: true
        case .array(let elements): levels > 0 && elements.allSatisfy { $0.nests(within: levels - 1) }
        case .object(let object): levels > 0 && object.members.allSatisfy { $0.value.nests(within: levels - 1) }
        }
    }
}
