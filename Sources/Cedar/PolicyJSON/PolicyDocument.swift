import CanonicalJSON

/// What a policy set in Cedar's JSON form says, and everything that is wrong with it.
///
/// A member that cannot be read is noted and passed over. Links are not yet held against the templates, which may stand
/// elsewhere.
struct PolicyDocument {
    /// A link, and where it stands.
    struct Link {
        let link: TemplateLink
        let position: SourcePosition
    }

    private(set) var statements: [Statement] = []
    private(set) var links: [Link] = []
    /// What is wrong and where it stands, in the order of the sections.
    private(set) var problems: [(error: InvalidPart, position: SourcePosition)] = []

    private static let sections = ["staticPolicies", "templateLinks", "templates"]
    private let places: Places
    private let limits: PolicyLimits

    /// Reads a text.
    init(_ source: PolicySource, limits: PolicyLimits) {
        let bytes = Array(source.text.utf8)
        do {
            let json = try JSONParser.parse(bytes, limits: .cedar(bytes: limits.fileBytes))
            self.init(json, file: source.name, bytes: bytes, limits: limits)
        } catch {
            self.init(places: Places(file: source.name, bytes: bytes), limits: limits)
            self.note(InvalidPart(error.message), at: self.places.position(of: error.offset))
        }
    }

    /// Reads a document.
    ///
    /// - Parameter bytes: Its text, where there is one that positions can be in.
    init(_ json: JSONValue, file: String, bytes: [UInt8]?, limits: PolicyLimits) {
        self.init(places: Places(file: file, bytes: bytes), limits: limits)
        var reader = PolicyJSONReader(file: file, limits: limits)
        let object: JSONObject
        do throws(InvalidPart) {
            object = try reader.object(json, keys: Self.sections, optional: [])
        } catch {
            self.note(error, at: self.places.start)
            return
        }
        self.readTemplates(object, &reader)
        self.readPolicies(object, &reader)
        self.readLinks(object, reader)
    }

    private init(places: Places, limits: PolicyLimits) {
        self.places = places
        self.limits = limits
    }

    /// What is wrong, as it is told of a text, in the text's order.
    var errors: [PolicyError] {
        self.problems.sorted { $0.position.offset < $1.position.offset }.map {
            PolicyError(message: $0.error.description, position: $0.position)
        }
    }

    private mutating func readTemplates(_ object: JSONObject, _ reader: inout PolicyJSONReader) {
        let section = "templates"
        guard let members = self.members(object, section, reader) else { return }
        let children = self.places.children(of: section)
        for member in members {
            reader.start = self.places.position(of: children.members[CedarString(member.key)])
            do throws(InvalidPart) {
                self.statements.append(.template(try reader.template(member.value, id: member.key)))
            } catch {
                self.note(error.within(member.key).within(section), at: reader.start)
            }
        }
    }

    private mutating func readPolicies(_ object: JSONObject, _ reader: inout PolicyJSONReader) {
        let section = "staticPolicies"
        guard let members = self.members(object, section, reader) else { return }
        let children = self.places.children(of: section)
        var ids = Set(self.statements.map { CedarString($0.id) })
        for member in members {
            reader.start = self.places.position(of: children.members[CedarString(member.key)])
            do throws(InvalidPart) {
                let template = try reader.template(member.value, id: member.key)
                guard let policy = template.policy(id: member.key, values: [:]) else {
                    throw InvalidPart("a static policy cannot have slots; this is a template")
                }
                guard ids.insert(CedarString(member.key)).inserted else {
                    throw InvalidPart("a template has this id already")
                }
                self.statements.append(.policy(policy))
            } catch {
                self.note(error.within(member.key).within(section), at: reader.start)
            }
        }
    }

    private mutating func readLinks(_ object: JSONObject, _ reader: PolicyJSONReader) {
        let section = "templateLinks"
        guard let elements = object[section]?.arrayValue else {
            self.note(InvalidPart("expected an array", path: section), at: self.places.start)
            return
        }
        let children = self.places.children(of: section)
        for (index, element) in elements.enumerated() {
            let position = self.places.position(of: index < children.elements.count ? children.elements[index] : nil)
            do throws(InvalidPart) {
                self.links.append(Link(link: try reader.link(element), position: position))
            } catch {
                self.note(error.within("\(section)[\(index)]"), at: position)
            }
        }
    }

    private mutating func members(
        _ object: JSONObject,
        _ section: String,
        _ reader: PolicyJSONReader,
    ) -> JSONObject? {
        do throws(InvalidPart) {
            return try reader.members(object, section)
        } catch {
            self.note(error, at: self.places.start)
            return nil
        }
    }

    private mutating func note(_ error: InvalidPart, at position: SourcePosition) {
        // Beyond the limit nothing is kept; the set is refused anyway.
        guard self.problems.count < self.limits.errors else { return }
        self.problems.append((error, position))
    }
}

extension PolicyDocument {
    /// Where the members of a document stand in its text.
    private struct Places {
        private let file: String
        private let text: (map: SourceMap, bytes: [UInt8])?

        init(file: String, bytes: [UInt8]?) {
            self.file = file
            self.text = bytes.map { (SourceMap(file: file, bytes: $0), $0) }
        }

        var start: SourcePosition { SourcePosition(startOf: self.file) }

        func children(of section: String) -> JSONLocator.Children {
            self.text.map { JSONLocator.children(of: [.member(section)], in: $0.bytes) } ?? JSONLocator.Children()
        }

        func position(of offset: Int?) -> SourcePosition {
            guard let text = self.text, let offset else { return self.start }
            return text.map.position(of: offset)
        }
    }
}
