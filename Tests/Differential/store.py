"""Made-up entities, contexts and requests, in Cedar's JSON, valid and not."""

import copy

import words


class Store:
    """Entities that conform to a model, and values that do."""

    def __init__(self, model, explicit=1.0):
        self.model = model
        self.rng = model.rng
        # How often an entity or an extension value is marked as such, which it must be where no schema is given.
        self.explicit = explicit
        self.uids = {name: self.ids(each) for name, each in model.types.items()}

    def ids(self, each):
        rng = self.rng
        if each.choices is not None:
            return rng.sample(each.choices, rng.randrange(len(each.choices) + 1))
        return rng.sample(words.IDS, rng.choice([0, 1, 2, 3])) or ["a"]

    def entities(self):
        rng = self.rng
        entities = []
        names = list(self.model.types)
        for name, each in self.model.types.items():
            for identifier in self.uids[name]:
                if rng.random() < 0.12:
                    continue
                entity = {"uid": self.uid(name, identifier)}
                entity["attrs"] = self.members(each.attributes) if each.choices is None else {}
                entity["parents"] = []
                for parent in each.parents:
                    if names.index(parent) > names.index(name) or rng.random() < 0.05:
                        for other in self.uids[parent] or self.model.choices(parent) or ["a"]:
                            if rng.random() < 0.6:
                                entity["parents"].append(self.uid(parent, other))
                if each.tags is not None and rng.random() < 0.8:
                    entity["tags"] = {words.string(rng): self.value(each.tags) for _ in range(rng.randrange(3))}
                entities.append(entity)
        if rng.random() < 0.15:
            for (kind, identifier), action in self.model.actions.items():
                above = self.above(action)
                entities.append({"uid": self.uid(kind, identifier), "attrs": {}, "parents": [self.uid(*p) for p in above]})
        rng.shuffle(entities)
        return entities

    def above(self, action):
        if self.rng.random() < 0.1:
            return action.parents[:1]
        found, pending = [], list(action.parents)
        while pending:
            each = pending.pop()
            if each not in found:
                found.append(each)
                pending += self.model.actions[each].parents
        return found if self.rng.random() < 0.5 else action.parents

    def uid(self, kind, identifier):
        value = {"type": kind, "id": identifier}
        return value if self.rng.random() < 0.8 else {"__entity": value}

    def members(self, attributes):
        return {
            name: self.value(shape)
            for name, (shape, required) in attributes.items()
            if required or self.rng.random() < 0.6
        }

    def value(self, shape):
        rng = self.rng
        match shape:
            case ("bool",):
                return rng.random() < 0.5
            case ("long",):
                return words.long(rng)
            case ("string",):
                return words.string(rng)
            case ("extension", name):
                text = words.literal(rng, name, 0.98)
                if rng.random() > self.explicit:
                    return text
                call = {"fn": words.CONSTRUCTORS[name], "arg": text}
                return {"__extn": call} if rng.random() > 0.03 or self.explicit == 1 else call
            case ("entity", name):
                identifier = rng.choice(self.uids.get(name) or self.model.choices(name) or ["a"])
                uid = {"type": name, "id": identifier}
                return uid if rng.random() > self.explicit else {"__entity": uid}
            case ("set", element):
                return [self.value(element) for _ in range(rng.randrange(4))]
            case (_, attributes):
                return self.members(attributes)

    def request(self):
        rng = self.rng
        action, principal, resource = self.model.situation()
        found = self.model.actions.get(action)
        kind, identifier = action or next(iter(self.model.actions))
        principal, resource = self.someone(principal), self.someone(resource)
        request = {
            "principal": {"type": principal[0], "id": principal[1]},
            "action": {"type": kind, "id": identifier},
            "resource": {"type": resource[0], "id": resource[1]},
            "context": self.members(found.context if found else {}),
        }
        if rng.random() < 0.05:
            spoil_request(rng, request)
        return request

    def someone(self, kind):
        rng = self.rng
        if rng.random() < 0.04:
            kind = rng.choice([*self.model.types, "Nowhere"])
        choices = self.model.choices(kind)
        if choices and rng.random() < 0.95:
            return kind, rng.choice(choices)
        return kind, rng.choice([*self.uids.get(kind, ["a"]), *self.uids.get(kind, []), *words.IDS[:2]])


def spoil_request(rng, request):
    match rng.randrange(6):
        case 0:
            request["context"] = spoiled(rng, request["context"])
        case 1 if all(isinstance(request[each], dict) for each in ("principal", "resource", "action")):
            request[rng.choice(["principal", "resource", "action"])]["type"] = rng.choice(
                ["", "a b", "A::", "::A", "A::B", "if", "A:B", "__cedar::A", "A ::B", "é", "Action", "Bool", "1A", "A::if"]
            )
        case 2 if isinstance(request["action"], dict):
            request["action"]["id"] = words.string(rng)
        case 3:
            which = rng.choice(["principal", "resource", "action"])
            request[which] = rng.choice(
                ['User::"a"', 'User :: "a"', "User", 'User::"a" ', 'A::B::"\\u{e9}"', 'User::"\\q"', 'User::a', '"a"', "",
                 'User::"a\\0"', "User::'a'", 'if::"a"', 'User::"a"::"b"', '// c\nUser::"a"', 'User::"a\nb"', 'User::"\\x41"']
            )  # fmt: skip
        case 4:
            request["context"] = rng.choice(["{}", "{", "[]", "1", '"a"', '{"a": 1}', '{"a": 1} x', None, "null"])
        case _ if isinstance(request["context"], dict):
            request["context"][words.name(rng)] = rng.choice([1, "x", True, [], {}, [1, "a"]])


ODD_VALUES = [
    None, 1.5, 1e3, 9223372036854775808, -9223372036854775809, 18446744073709551615, True, "", "a", [], {}, [None], {"a": None}, [[]],
    {"__entity": {"type": "User", "id": "a"}}, {"__entity": {"type": "User"}}, {"__entity": "User::\"a\""},
    {"__entity": {"type": "User", "id": "a", "x": 1}}, {"__entity": {"type": "User", "id": "a"}, "x": 1},
    {"__entity": {"type": "", "id": "a"}}, {"__entity": {"type": "a b", "id": "a"}}, {"__entity": {"type": "User", "id": 1}},
    {"__extn": {"fn": "ip", "arg": "1.2.3.4"}}, {"__extn": {"fn": "ip", "arg": 1}}, {"__extn": {"fn": "nope", "arg": "x"}},
    {"__extn": {"fn": "decimal", "arg": "1"}}, {"__extn": {"fn": "decimal", "args": ["1.0"]}}, {"__extn": {"fn": "ip"}},
    {"__extn": {"fn": "lessThan", "arg": "1.0"}}, {"__extn": {"fn": "ip", "arg": "::1", "x": 1}}, {"__extn": "ip"},
    {"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "2024-01-01"}}, {"__extn": {"fn": "duration", "arg": "1d"}}]}},
    {"__extn": {"fn": "isIpv4", "arg": {"__extn": {"fn": "ip", "arg": "1.2.3.4"}}}}, {"__expr": "1 + 1"}, {"__expr": 1},
    {"__expr": "User::\"a\""}, {"type": "User", "id": "a"}, {"fn": "ip", "arg": "1.2.3.4"}, {"type": "User"}, {"": 1}, {"__odd": 1},
    "1.2.3.4", "1.0", "2024-01-01", "1h", "1" * 30, {"__entity": None}, {"__extn": {"fn": "datetime", "arg": "2024-13-01"}},
    {"__extn": {"fn": "decimal", "arg": {"__extn": {"fn": "ip", "arg": "::1"}}}}, {"__extn": {"fn": "ip", "args": []}},
    {"__extn": {"fn": "ip", "args": ["::1", "::2"]}}, {"__extn": {"fn": "datetime", "arg": "2024-01-01"}, "__entity": {}},
]  # fmt: skip


def spoiled(rng, json):
    """The JSON with one thing in it replaced, lost or added."""
    json = copy.deepcopy(json)
    places = []

    def collect(value):
        if isinstance(value, dict):
            for key in value:
                places.append((value, key))
                collect(value[key])
        elif isinstance(value, list):
            for index in range(len(value)):
                places.append((value, index))
                collect(value[index])

    collect(json)
    if not places:
        return rng.choice(ODD_VALUES)
    container, key = rng.choice(places)
    match rng.randrange(6):
        case 0 | 1 | 2:
            container[key] = copy.deepcopy(rng.choice(ODD_VALUES))
        case 3:
            del container[key]
        case 4 if isinstance(container, dict):
            container[words.name(rng)] = copy.deepcopy(rng.choice(ODD_VALUES))
        case 4:
            container.append(copy.deepcopy(rng.choice(ODD_VALUES)))
        case _ if isinstance(container[key], str):
            container[key] = words.mangled(rng, container[key])
        case _:
            container[key] = [container[key]]
    return json
