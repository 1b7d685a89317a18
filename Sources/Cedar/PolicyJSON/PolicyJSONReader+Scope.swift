import CanonicalJSON

extension PolicyJSONReader {
    /// What stands right of `==` and `in`.
    private enum Reference {
        case entity(EntityUID)
        case slot
    }

    func constraint(
        _ json: JSONValue,
        _ place: String,
        slot: Template.Slot,
    ) throws(InvalidPart) -> Template.EntityConstraint {
        do throws(InvalidPart) {
            return try self.constraint(json, slot)
        } catch {
            throw error.within(place)
        }
    }

    private func constraint(
        _ json: JSONValue,
        _ slot: Template.Slot,
    ) throws(InvalidPart) -> Template.EntityConstraint {
        switch try self.string(json["op"], "op") {
        case "All", "all": return .fixed(.any)
        case "==":
            switch try self.reference(json, slot) {
            case .entity(let uid): return .fixed(.equal(uid))
            case .slot: return .equalSlot
            }
        case "in":
            switch try self.reference(json, slot) {
            case .entity(let uid): return .fixed(.within(uid))
            case .slot: return .withinSlot
            }
        case "is":
            let object = try self.object(json, keys: ["op", "entity_type"], optional: ["in"])
            let type = try self.typeName(object["entity_type"], "entity_type")
            guard let within = object["in"], !within.isNull else { return .fixed(.isType(type)) }
            do throws(InvalidPart) {
                switch try self.reference(within, slot) {
                case .entity(let uid): return .fixed(.isTypeWithin(type, uid))
                case .slot: return .isTypeWithinSlot(type)
                }
            } catch {
                throw error.within("in")
            }
        case let other: throw InvalidPart("`\(other)` is not a scope's operator", path: "op")
        }
    }

    /// `{"entity"}` or `{"slot"}`; where both are there the entity counts, and other members do not matter.
    private func reference(_ json: JSONValue, _ slot: Template.Slot) throws(InvalidPart) -> Reference {
        if let entity = json["entity"] {
            do throws(InvalidPart) {
                return .entity(try self.entity(entity))
            } catch {
                throw error.within("entity")
            }
        }
        guard let name = json["slot"]?.stringValue else { throw InvalidPart("`entity` or `slot` is missing") }
        guard UTF8Order.equal(name, slot.rawValue) else {
            throw InvalidPart("the slot of this place is `\(slot.rawValue)`", path: "slot")
        }
        return .slot
    }

    func actionConstraint(_ json: JSONValue) throws(InvalidPart) -> Scope.ActionConstraint {
        do throws(InvalidPart) {
            switch try self.string(json["op"], "op") {
            case "All", "all": return .any
            case "==": return .equal(try self.action(json["entity"], "entity"))
            case "in":
                if let entity = json["entity"] { return .within(try self.action(entity, "entity")) }
                guard let elements = json["entities"]?.arrayValue else {
                    throw InvalidPart("`entity` or `entities` is missing")
                }
                var actions: [EntityUID] = []
                for (index, element) in elements.enumerated() {
                    actions.append(try self.action(element, "entities[\(index)]"))
                }
                return .withinAny(actions)
            case let other: throw InvalidPart("`\(other)` is not an operator of the action's scope", path: "op")
            }
        } catch {
            throw error.within("action")
        }
    }

    private func action(_ json: JSONValue?, _ place: String) throws(InvalidPart) -> EntityUID {
        guard let json else { throw InvalidPart("`\(place)` is missing; an action has no slot") }
        do throws(InvalidPart) {
            let uid = try self.entity(json)
            guard uid.type.isAction else { throw InvalidPart("`\(uid)` is not an action") }
            return uid
        } catch {
            throw error.within(place)
        }
    }
}
