package import CanonicalJSON

extension Entities {
    /// Reads Cedar's entities JSON: an array of objects with `uid`, `attrs`, `parents` and, optionally, `tags`.
    package init(json: JSONValue) throws(EntitiesError) {
        try self.init(Entity.list(json: json))
    }
}

extension Entity {
    /// Reads Cedar's entities JSON without making a store of it.
    package static func list(json: JSONValue) throws(EntitiesError) -> [Entity] {
        guard let elements = json.arrayValue else {
            throw .malformed(InvalidPart("expected an array of entities"))
        }
        var entities: [Entity] = []
        entities.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            do {
                entities.append(try Entity(json: element))
            } catch {
                throw .malformed(error.within("[\(index)]"))
            }
        }
        return entities
    }

    /// Reads one entity from its JSON form.
    package init(json: JSONValue) throws(InvalidPart) {
        guard let object = json.objectValue else { throw InvalidPart("expected an entity") }
        let uid: EntityUID = try Self.member("uid", of: object) { json throws(InvalidPart) in try EntityUID(json: json)
        }
        let attributes: Record = try Self.member("attrs", of: object, Self.record)
        let parents: [EntityUID] = try Self.member("parents", of: object, Self.parents)
        let tags: Record = object["tags"] == nil ? .empty : try Self.member("tags", of: object, Self.record)
        self.init(uid: uid, attributes: attributes, tags: tags, parents: parents)
    }

    private static func record(_ json: JSONValue) throws(InvalidPart) -> Record {
        guard let object = json.objectValue else { throw InvalidPart("expected an object") }
        return try Record(json: object)
    }

    private static func parents(_ json: JSONValue) throws(InvalidPart) -> [EntityUID] {
        guard let elements = json.arrayValue else { throw InvalidPart("expected an array of entities") }
        var parents: [EntityUID] = []
        for (index, element) in elements.enumerated() {
            do {
                parents.append(try EntityUID(json: element))
            } catch {
                throw error.within("[\(index)]")
            }
        }
        return parents
    }

    private static func member<Parsed>(
        _ name: String,
        of object: JSONObject,
        _ parse: (JSONValue) throws(InvalidPart) -> Parsed,
    ) throws(InvalidPart) -> Parsed {
        guard let json = object[name] else { throw InvalidPart("`\(name)` is missing") }
        do {
            return try parse(json)
        } catch {
            throw error.within(name)
        }
    }
}
