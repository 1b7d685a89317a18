import CanonicalJSON

/// Reads policies from Cedar's JSON form, which the official engine calls EST.
///
/// Takes what the official one takes, with these exceptions, which no text can say: partial evaluation's `unknown`, a
/// function that does not exist (there an error in every evaluation) and a path of names after `has` that are not all
/// identifiers. Nor does it take what that one's decoder takes by accident: arrays in place of objects, objects with
/// one `null` in place of strings.
struct PolicyJSONReader {
    /// What recursion is safe with; no JSON that our parser reads is as deep.
    static let depthCeiling = 512

    let limits: PolicyLimits
    /// Where the policy stands that is read.
    var start: SourcePosition
    var depth = 0

    init(file: String, limits: PolicyLimits) {
        self.limits = limits
        self.start = SourcePosition(startOf: file)
    }

    // MARK: Shapes

    func object(_ json: JSONValue, keys: [String], optional: [String]) throws(InvalidPart) -> JSONObject {
        guard let object = json.objectValue else { throw InvalidPart("expected an object") }
        for key in keys where object[key] == nil { throw InvalidPart("`\(key)` is missing") }
        for member in object.members where !(keys + optional).contains(where: { UTF8Order.equal($0, member.key) }) {
            throw InvalidPart("there is no `\(member.key)` here")
        }
        return object
    }

    func members(_ object: JSONObject, _ key: String) throws(InvalidPart) -> JSONObject {
        guard let members = object[key]?.objectValue else { throw InvalidPart("expected an object", path: key) }
        return members
    }

    func string(_ json: JSONValue?, _ key: String) throws(InvalidPart) -> String {
        guard let string = json?.stringValue else { throw InvalidPart("expected a string", path: key) }
        return string
    }

    func typeName(_ json: JSONValue?, _ key: String) throws(InvalidPart) -> EntityTypeName {
        let name = try self.string(json, key)
        guard CedarText.isName(name) else { throw InvalidPart("`\(name)` is not a type name", path: key) }
        return EntityTypeName(name)
    }

    /// `{"type", "id"}` or that below `__entity`; other members do not matter.
    func entity(_ json: JSONValue) throws(InvalidPart) -> EntityUID {
        guard json["__expr"]?.stringValue == nil else { throw InvalidPart("the `__expr` escape is not supported") }
        if let uid = try self.reference(json["__entity"]) { return uid }
        if let uid = try self.reference(json) { return uid }
        throw InvalidPart("expected an entity such as {\"type\": \"User\", \"id\": \"alice\"}")
    }

    /// The entity that `{"type", "id"}` names, or nil where the JSON is something else.
    func reference(_ json: JSONValue?) throws(InvalidPart) -> EntityUID? {
        guard let json, json["type"]?.stringValue != nil, let id = json["id"]?.stringValue else { return nil }
        return EntityUID(type: try self.typeName(json["type"], "type"), id: CedarString(id))
    }

    // MARK: Policies

    mutating func template(_ json: JSONValue, id: String) throws(InvalidPart) -> Template {
        let keys = ["effect", "principal", "action", "resource", "conditions"]
        let object = try self.object(json, keys: keys, optional: ["annotations"])
        let name = try self.string(object["effect"], "effect")
        guard let effect = Effect(rawValue: name) else {
            throw InvalidPart("`\(name)` is not an effect", path: "effect")
        }
        guard let clauses = object["conditions"]?.arrayValue else {
            throw InvalidPart("expected an array", path: "conditions")
        }
        let annotations = try self.annotations(object["annotations"])
        let principal = try self.constraint(object["principal"] ?? .null, "principal", slot: .principal)
        let action = try self.actionConstraint(object["action"] ?? .null)
        let resource = try self.constraint(object["resource"] ?? .null, "resource", slot: .resource)
        var conditions: [Policy.Condition] = []
        for (index, clause) in clauses.enumerated() {
            do throws(InvalidPart) {
                conditions.append(try self.condition(clause))
            } catch {
                throw error.within("conditions[\(index)]")
            }
        }
        return Template(
            id: id,
            effect: effect,
            annotations: annotations,
            principal: principal,
            action: action,
            resource: resource,
            conditions: conditions,
            source: PolicyText(start: self.start, written: nil, map: nil),
        )
    }

    private func annotations(_ json: JSONValue?) throws(InvalidPart) -> [Annotation] {
        guard let json else { return [] }
        guard let object = json.objectValue else { throw InvalidPart("expected an object", path: "annotations") }
        var annotations: [Annotation] = []
        for member in object.members {
            let name = member.key
            guard let first = name.utf8.first, Lexer.startsWord(first), name.utf8.allSatisfy(Lexer.continuesWord) else {
                throw InvalidPart("`\(name)` is not an annotation's name", path: "annotations")
            }
            let value = member.value.isNull ? "" : try self.string(member.value, "annotations.\(name)")
            let hasValue = !member.value.isNull
            annotations.append(Annotation(name: name, value: value, position: self.start, hasValue: hasValue))
        }
        return annotations
    }

    private mutating func condition(_ json: JSONValue) throws(InvalidPart) -> Policy.Condition {
        let object = try self.object(json, keys: ["kind", "body"], optional: [])
        let kind = try self.string(object["kind"], "kind")
        guard kind == "when" || kind == "unless" else {
            throw InvalidPart("`\(kind)` is not a condition", path: "kind")
        }
        do throws(InvalidPart) {
            return Policy.Condition(isUnless: kind == "unless", body: try self.expression(object["body"] ?? .null))
        } catch {
            throw error.within("body")
        }
    }

    func link(_ json: JSONValue) throws(InvalidPart) -> TemplateLink {
        let object = try self.object(json, keys: ["templateId", "newId", "values"], optional: [])
        var values: [Template.Slot: EntityUID] = [:]
        for member in try self.members(object, "values") {
            guard let slot = Template.Slot(rawValue: member.key) else {
                throw InvalidPart("`\(member.key)` is not a slot", path: "values")
            }
            do throws(InvalidPart) {
                values[slot] = try self.entity(member.value)
            } catch {
                throw error.within(member.key).within("values")
            }
        }
        let template = try self.string(object["templateId"], "templateId")
        return TemplateLink(id: try self.string(object["newId"], "newId"), template: template, values: values)
    }
}
