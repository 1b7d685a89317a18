package import CanonicalJSON

extension Entities {
    /// Reads Cedar's entities JSON by a schema, and adds the schema's actions.
    ///
    /// Everything is read as the type that the schema states, and the entities must conform to it.
    package init(json: JSONValue, schema: Schema) throws(EntitiesError) {
        guard let elements = json.arrayValue else {
            throw .malformed(InvalidPart("expected an array of entities"))
        }
        var things: [Entity] = []
        var actions: [Entity] = []
        things.reserveCapacity(elements.count + schema.actions.count)
        for (index, element) in elements.enumerated() {
            let reader = EntityReader(schema: schema, place: "[\(index)]")
            let entity = try reader.entity(element)
            if entity.uid.type.isAction { actions.append(entity) } else { things.append(entity) }
        }
        // What is above an action is worked out among the actions that are described, without the schema's.
        let described = try Entities(actions)
        for action in described.all {
            do {
                try schema.validate(action: action, ancestors: Set(described.ancestors(of: action.uid).all))
            } catch {
                throw .nonconforming(error)
            }
        }
        for entity in things {
            do {
                try schema.validate(entity)
            } catch {
                throw .nonconforming(error)
            }
        }
        try self.init(things + schema.actionEntities)
    }
}

/// Reads one entity's JSON by a schema.
private struct EntityReader {
    let schema: Schema
    let place: String

    func entity(_ json: JSONValue) throws(EntitiesError) -> Entity {
        guard let object = json.objectValue else { throw self.malformed(InvalidPart("expected an entity")) }
        let uid = try self.uid(object["uid"], "uid")
        guard let attributes = object["attrs"]?.objectValue else {
            throw self.malformed(InvalidPart("expected an object", path: "attrs"))
        }
        guard let parents = object["parents"]?.arrayValue else {
            throw self.malformed(InvalidPart("expected an array of entities", path: "parents"))
        }
        guard let tags = (object["tags"] ?? [:]).objectValue else {
            throw self.malformed(InvalidPart("expected an object", path: "tags"))
        }
        var parentUIDs: [EntityUID] = []
        for (index, parent) in parents.enumerated() { parentUIDs.append(try self.uid(parent, "parents[\(index)]")) }
        guard !uid.type.isAction else {
            guard self.schema.actions[uid] != nil else { throw .nonconforming(.undeclaredAction(uid)) }
            guard attributes.isEmpty, tags.isEmpty else { throw .nonconforming(.actionMismatch(uid)) }
            return Entity(uid: uid, parents: parentUIDs)
        }
        guard let declaration = self.schema.entityTypes[uid.type] else { throw .nonconforming(.undeclaredType(uid)) }
        let record = try self.record(attributes, "attrs", declaration.attributes.type(of:)) {
            .unexpectedAttribute(uid, $0)
        }
        let tagRecord = try self.record(tags, "tags", { _ in declaration.tags }) { .unexpectedTag(uid, $0) }
        return Entity(uid: uid, attributes: record, tags: tagRecord, parents: parentUIDs)
    }

    private func uid(_ json: JSONValue?, _ step: String) throws(EntitiesError) -> EntityUID {
        do {
            return try EntityUID(object: json ?? .null)
        } catch {
            throw self.malformed(error.within(step))
        }
    }

    private func record(
        _ object: JSONObject,
        _ step: String,
        _ type: (CedarString) -> SchemaType?,
        unexpected: (CedarString) -> EntityConformanceError,
    ) throws(EntitiesError) -> Record {
        var members: [Record.Member] = []
        members.reserveCapacity(object.count)
        for member in object.members {
            let name = CedarString(member.key)
            guard let type = type(name) else { throw .nonconforming(unexpected(name)) }
            do {
                members.append(Record.Member(name: name, value: try Value(json: member.value, as: type)))
            } catch {
                throw self.malformed(error.within(member.key).within(step))
            }
        }
        return Record(members: members)
    }

    private func malformed(_ error: InvalidPart) -> EntitiesError { .malformed(error.within(self.place)) }
}
