extension Schema {
    /// Makes sure that an entity is as the schema says.
    ///
    /// Its parents are taken for all that it is in: an action must be directly in everything that the schema puts it in
    /// over any number of steps, as in the official engine.
    package func validate(_ entity: Entity) throws(EntityConformanceError) {
        guard entity.uid.type.isAction else { return try self.validate(thing: entity) }
        try self.validate(action: entity, ancestors: Set(entity.parents))
    }

    /// The actions as entities, which is what policies see of them.
    var actionEntities: [Entity] {
        self.actions.values.map { Entity(uid: $0.uid, parents: Array($0.parents)) }
    }

    func validate(action: Entity, ancestors: Set<EntityUID>) throws(EntityConformanceError) {
        guard let declaration = self.actions[action.uid] else { throw .undeclaredAction(action.uid) }
        guard action.attributes.isEmpty, action.tags.isEmpty, ancestors == declaration.ancestors else {
            throw .actionMismatch(action.uid)
        }
    }

    private func validate(thing entity: Entity) throws(EntityConformanceError) {
        let uid = entity.uid
        guard let declaration = self.entityTypes[uid.type] else { throw .undeclaredType(uid) }
        try self.checkListed(uid, within: uid)
        for name in declaration.attributes.missing(in: entity.attributes) { throw .missingAttribute(uid, name) }
        for member in entity.attributes.members {
            guard let type = declaration.attributes.type(of: member.name) else {
                throw .unexpectedAttribute(uid, member.name)
            }
            do {
                try type.check(member.value)
            } catch {
                throw .attributeType(uid, member.name, error)
            }
            if let unlisted = self.unlistedID(in: member.value) { throw .unlistedID(unlisted, within: uid) }
        }
        for parent in entity.parents {
            guard declaration.ancestors.contains(parent.type) else { throw .ancestorType(uid, parent.type) }
            try self.checkListed(parent, within: uid)
        }
        for tag in entity.tags.members {
            guard let type = declaration.tags else { throw .unexpectedTag(uid, tag.name) }
            do {
                try type.check(tag.value)
            } catch {
                throw .tagType(uid, tag.name, error)
            }
            if let unlisted = self.unlistedID(in: tag.value) { throw .unlistedID(unlisted, within: uid) }
        }
    }

    private func checkListed(_ uid: EntityUID, within entity: EntityUID) throws(EntityConformanceError) {
        guard self.isListed(uid) else { throw .unlistedID(uid, within: entity) }
    }

    /// Whether there can be such an entity: an action must be declared, an id of an enumerated type listed.
    func isListed(_ uid: EntityUID) -> Bool {
        if uid.type.isAction { return self.actions[uid] != nil }
        guard let choices = self.entityTypes[uid.type]?.choices else { return true }
        return choices.contains(uid.id)
    }

    /// An entity somewhere in a value that there cannot be: an undeclared action, or an id that an enumerated type does
    /// not list.
    func unlistedID(in value: Value) -> EntityUID? {
        switch value {
        case .entity(let uid): return self.isListed(uid) ? nil : uid
        case .set(let set):
            for element in set.elements {
                if let uid = self.unlistedID(in: element) { return uid }
            }
            return nil
        case .record(let record): return self.unlistedID(in: record)
        case .bool, .long, .string, .decimal, .ip, .datetime, .duration: return nil
        }
    }

    func unlistedID(in record: Record) -> EntityUID? {
        for member in record.members {
            if let uid = self.unlistedID(in: member.value) { return uid }
        }
        return nil
    }
}
