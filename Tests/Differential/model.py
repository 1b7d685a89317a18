"""Made-up schemas: a model of entity types and actions, written as schema text or as schema JSON.

A type is a tuple: ("bool",), ("long",), ("string",), ("extension", NAME), ("entity", NAME), ("set", TYPE) or
("record", {NAME: (TYPE, REQUIRED)}).
"""

import words

EXTENSIONS = ("decimal", "ipaddr", "datetime", "duration")
# Names that mean something already, or that the grammar has uses for.
ODD_BASES = [
    "String", "Bool", "Long", "Boolean", "Set", "Record", "Entity", "Extension", "EntityOrCommon", "ipaddr", "decimal", "datetime",
    "duration", "Action", "action", "entity", "type", "namespace", "tags", "enum", "principal", "resource", "context", "appliesTo",
    "in", "if", "is", "like", "has", "true", "_", "__x", "__cedar", "attributes", "Any", "Unknown",
]  # fmt: skip
BASES = ["User", "Group", "Doc", "Folder", "Team", "Color", "T1", "Long2", "Box"]


class EntityType:
    def __init__(self, name):
        self.name = name
        self.parents = []
        self.attributes = {}
        self.tags = None
        self.choices = None


class Action:
    def __init__(self, uid):
        self.uid = uid
        self.parents = []
        self.principals = []
        self.resources = []
        self.context = {}
        self.context_name = None


class Model:
    """What a schema says, and the names that it uses."""

    def __init__(self, rng):
        self.rng = rng
        # Whether names are chosen that mean something already.
        self.is_odd = rng.random() < 0.1
        self.namespaces = rng.choice([[""], [""], ["A"], ["", "A"], ["A", "A::B"], ["", "A", "B"], ["A", "B", "C::D"]])
        if self.is_odd and rng.random() < 0.3:
            self.namespaces = [*self.namespaces, rng.choice(["__cedar", "A::__cedar", "in", "String", "Action", "A::A", "_"])]
        self.types = {}
        self.common = {}
        self.make_types()
        self.actions = {}
        self.make_actions()
        self.focus = self.pick()

    def pick(self):
        """An action, and a principal's and a resource's type that it applies to."""
        rng = self.rng
        found = [each for each in self.actions.values() if each.principals]
        if not found:
            return None, rng.choice(list(self.types)), rng.choice(list(self.types))
        action = rng.choice(found)
        return action.uid, rng.choice(action.principals), rng.choice(action.resources)

    def situation(self):
        """What a policy or a request is about: mostly the same, so that policies apply to requests."""
        return self.focus if self.rng.random() < 0.8 else self.pick()

    def choices(self, name):
        """The ids of an enumerated type; None for any other."""
        found = self.types.get(name)
        return found.choices if found else None

    def parents(self, name):
        found = self.types.get(name)
        return found.parents if found else []

    def qualified(self, namespace, base):
        return f"{namespace}::{base}" if namespace else base

    def make_types(self):
        rng = self.rng
        for namespace in self.namespaces:
            # A name of the empty namespace must not stand in another one, too.
            taken = [name for name in self.types if "::" not in name] if rng.random() < 0.97 else []
            for base in rng.sample([base for base in BASES if base not in taken], rng.randrange(1, 5)):
                base = rng.choice(ODD_BASES) if self.is_odd and rng.random() < 0.3 else base
                name = self.qualified(namespace, base)
                self.types[name] = EntityType(name)
        names = list(self.types)
        for namespace in self.namespaces:
            if rng.random() < 0.4:
                shape = self.type(2) if rng.random() < 0.5 else ("record", self.record(2))
                base = rng.choice([base for base in ("Shape", "Info", "Tt", "U2") if base not in self.common])
                if self.is_odd and rng.random() < 0.4:
                    base = rng.choice([*ODD_BASES, *(self.base_of(name) for name in self.types)])
                self.common[self.qualified(namespace, base)] = shape
        for position, each in enumerate(self.types.values()):
            if rng.random() < 0.12:
                each.choices = rng.sample(["red", "green", "b", "", "é"], rng.randrange(1, 4))
                continue
            # Mostly parents of later types, so that stores without cycles are easily made.
            pool = names[position:] if rng.random() < 0.9 else names
            each.parents = rng.sample(pool, min(len(pool), rng.choice([0, 0, 1, 1, 2])))
            each.attributes = self.record(3)
            if rng.random() < 0.35:
                each.tags = self.type(1)

    def make_actions(self):
        rng = self.rng
        names = list(self.types)
        for namespace in self.namespaces:
            kind = self.qualified(namespace, "Action")
            taken = [identifier for kind, identifier in self.actions if kind == "Action"] if rng.random() < 0.97 else []
            left = [each for each in ("view", "edit", "all", "do it", "", "é", "read") if each not in taken]
            for identifier in rng.sample(left, rng.randrange(1, 4)):
                action = Action((kind, identifier))
                if self.actions and rng.random() < 0.4:
                    action.parents = rng.sample(list(self.actions), min(len(self.actions), rng.choice([1, 1, 2])))
                if rng.random() < 0.85:
                    action.principals = rng.sample(names, min(len(names), rng.choice([1, 1, 2, 3])))
                    action.resources = rng.sample(names, min(len(names), rng.choice([1, 1, 2, 3])))
                    action.context = self.record(3) if rng.random() < 0.8 else {}
                    shapes = [name for name, shape in self.common.items() if shape[0] == "record"]
                    if shapes and rng.random() < 0.3:
                        action.context_name = rng.choice(shapes)
                        action.context = self.common[action.context_name][1]
                    if self.is_odd and rng.random() < 0.1:
                        action.principals = rng.choice([[], ["Action"], [*action.principals, *action.principals]])
                self.actions[action.uid] = action

    def type(self, depth):
        rng = self.rng
        pick = rng.randrange(12 if depth > 0 else 9)
        if pick < 2:
            return ("bool",)
        if pick < 4:
            return ("long",)
        if pick < 6:
            return ("string",)
        if pick < 7:
            return ("extension", rng.choice(EXTENSIONS))
        if pick < 9 and self.is_odd and rng.random() < 0.15:
            # The type of actions, a type that is not there, and a name that a common type may have.
            names = ["Action", "A::Action", "Nowhere", *ODD_BASES[:12], *self.common]
            return ("entity", rng.choice(names))
        if pick < 9:
            return ("entity", rng.choice(list(self.types)))
        if pick < 10 or depth < 1:
            return ("set", self.type(depth - 1))
        if pick < 11 and self.common:
            return rng.choice(list(self.common.values()))
        return ("record", self.record(depth - 1))

    def record(self, depth):
        rng = self.rng
        size = rng.choice([0, 1, 2, 3, 4])
        return {words.name(rng): (self.type(depth), rng.random() < 0.65) for _ in range(size)}

    # Schema text

    def text(self):
        rng = self.rng
        parts = []
        for namespace in self.namespaces:
            body = []
            for name, shape in self.common.items():
                if self.namespace_of(name) == namespace:
                    body.append(f"type {self.base_of(name)} = {self.type_text(shape, namespace, name)};")
            for each in self.types.values():
                if self.namespace_of(each.name) == namespace:
                    body.append(self.entity_text(each, namespace))
            for action in self.actions.values():
                if self.namespace_of(action.uid[0]) == namespace:
                    body.append(self.action_text(action, namespace))
            rng.shuffle(body)
            if namespace:
                parts.append(f"namespace {namespace} {{\n" + "\n".join(body) + "\n}")
            else:
                parts += body
        return "\n".join(parts)

    def namespace_of(self, name):
        return name.rpartition("::")[0]

    def base_of(self, name):
        return name.rpartition("::")[2]

    def reference(self, name, namespace):
        """A name, without its namespace where it can be."""
        if self.namespace_of(name) == namespace and self.rng.random() < 0.8:
            return self.base_of(name)
        return name

    def type_text(self, shape, namespace, defining=None):
        rng = self.rng
        for name, common in self.common.items():
            if common is shape and name != defining and rng.random() < 0.8:
                return self.reference(name, namespace)
        match shape:
            case ("bool",):
                return rng.choice(["Bool", "Bool", "__cedar::Bool"])
            case ("long",):
                return rng.choice(["Long", "Long", "__cedar::Long"])
            case ("string",):
                return "String"
            case ("extension", name):
                return name if rng.random() < 0.9 else f"__cedar::{name}"
            case ("entity", name):
                return self.reference(name, namespace)
            case ("set", element):
                return f"Set<{self.type_text(element, namespace)}>"
            case (_, attributes):
                return self.record_text(attributes, namespace)

    def record_text(self, attributes, namespace):
        rng = self.rng
        members = []
        for name, (shape, required) in attributes.items():
            key = name if words.is_identifier(name) and rng.random() < 0.9 else words.quoted(rng, name)
            note = '@doc("x") ' if rng.random() < 0.03 else ""
            members.append(f"{note}{key}{'' if required else '?'}: {self.type_text(shape, namespace)}")
        return "{" + ", ".join(members) + ("," if members and rng.random() < 0.1 else "") + "}"

    def entity_text(self, each, namespace):
        rng = self.rng
        base = self.base_of(each.name)
        if each.choices is not None:
            return f"entity {base} enum [{', '.join(words.quoted(rng, choice) for choice in each.choices)}];"
        text = f"entity {base}"
        if each.parents:
            parents = [self.reference(parent, namespace) for parent in each.parents]
            single = len(parents) == 1 and rng.random() < 0.5
            text += f" in {parents[0]}" if single else f" in [{', '.join(parents)}]"
        if each.attributes or rng.random() < 0.3:
            text += f"{rng.choice([' ', ' = '])}{self.record_text(each.attributes, namespace)}"
        if each.tags is not None:
            text += f" tags {self.type_text(each.tags, namespace)}"
        return text + ";"

    def action_text(self, action, namespace):
        rng = self.rng
        name = action.uid[1]
        text = "action " + (name if words.is_identifier(name) and rng.random() < 0.6 else words.quoted(rng, name))
        if action.parents:
            parents = []
            for kind, identifier in action.parents:
                if self.namespace_of(kind) == namespace and rng.random() < 0.7:
                    parents.append(words.quoted(rng, identifier))
                else:
                    parents.append(f"{kind}::{words.quoted(rng, identifier)}")
            text += f" in [{', '.join(parents)}]"
        if action.resources:
            principals = ", ".join(self.reference(each, namespace) for each in action.principals)
            resources = ", ".join(self.reference(each, namespace) for each in action.resources)
            text += f" appliesTo {{ principal: [{principals}], resource: [{resources}]"
            if action.context or rng.random() < 0.3:
                if action.context_name and rng.random() < 0.8:
                    text += f", context: {self.reference(action.context_name, namespace)}"
                else:
                    text += f", context: {self.type_text(('record', action.context), namespace)}"
            text += "}"
        return text + ";"

    # Schema JSON

    def json(self):
        schema = {}
        for namespace in self.namespaces:
            types = {
                self.base_of(name): self.type_json(shape, namespace, name)
                for name, shape in self.common.items()
                if self.namespace_of(name) == namespace
            }
            entities = {
                self.base_of(each.name): self.entity_json(each, namespace)
                for each in self.types.values()
                if self.namespace_of(each.name) == namespace
            }
            actions = {
                action.uid[1]: self.action_json(action, namespace)
                for action in self.actions.values()
                if self.namespace_of(action.uid[0]) == namespace
            }
            schema[namespace] = {"entityTypes": entities, "actions": actions}
            if types or self.rng.random() < 0.3:
                schema[namespace]["commonTypes"] = types
        return schema

    def type_json(self, shape, namespace, defining=None):
        rng = self.rng
        for name, common in self.common.items():
            if common is shape and name != defining and rng.random() < 0.8:
                reference = self.reference(name, namespace)
                return {"type": reference} if rng.random() < 0.5 else {"type": "EntityOrCommon", "name": reference}
        match shape:
            case ("bool",):
                return rng.choice([{"type": "Boolean"}, {"type": "EntityOrCommon", "name": "Bool"}, {"type": "Bool"}])
            case ("long",):
                return rng.choice([{"type": "Long"}, {"type": "EntityOrCommon", "name": "Long"}])
            case ("string",):
                return {"type": "String"}
            case ("extension", name):
                return rng.choice([{"type": "Extension", "name": name}, {"type": name}])
            case ("entity", name):
                reference = self.reference(name, namespace)
                kind = rng.choice(["Entity", "EntityOrCommon"])
                return {"type": kind, "name": reference}
            case ("set", element):
                return {"type": "Set", "element": self.type_json(element, namespace)}
            case (_, attributes):
                return self.record_json(attributes, namespace)

    def record_json(self, attributes, namespace):
        rng = self.rng
        members = {}
        for name, (shape, required) in attributes.items():
            members[name] = self.type_json(shape, namespace)
            if not required or rng.random() < 0.2:
                members[name] = {**members[name], "required": required}
        record = {"type": "Record", "attributes": members}
        if rng.random() < 0.1:
            record["additionalAttributes"] = False
        return record

    def entity_json(self, each, namespace):
        if each.choices is not None:
            return {"enum": each.choices}
        entity = {"memberOfTypes": [self.reference(parent, namespace) for parent in each.parents]}
        if each.attributes or self.rng.random() < 0.5:
            entity["shape"] = self.type_json(("record", each.attributes), namespace)
        if each.tags is not None:
            entity["tags"] = self.type_json(each.tags, namespace)
        return entity

    def action_json(self, action, namespace):
        rng = self.rng
        value = {}
        if action.parents or rng.random() < 0.3:
            value["memberOf"] = []
            for kind, identifier in action.parents:
                same = self.namespace_of(kind) == namespace
                value["memberOf"].append(
                    {"id": identifier} if same and rng.random() < 0.5 else {"type": kind, "id": identifier}
                )
        if action.resources:
            value["appliesTo"] = {
                "principalTypes": [self.reference(each, namespace) for each in action.principals],
                "resourceTypes": [self.reference(each, namespace) for each in action.resources],
            }
            if action.context or rng.random() < 0.3:
                context = self.type_json(("record", action.context), namespace)
                if action.context_name and rng.random() < 0.8:
                    context = {"type": self.reference(action.context_name, namespace)}
                value["appliesTo"]["context"] = context
        return value
