"""Made-up expressions: mostly of the type that is wanted, and written with the parentheses that they need."""

import words

OR, AND, RELATION, SUM, PRODUCT, UNARY, MEMBER = range(1, 8)
EXPRESSION = 0
DURATIONS_OF = ["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"]


class Environment:
    """What the variables of a policy are; a type is None where it is not known."""

    def __init__(self, model, principal, action, resource):
        self.model = model
        self.principal = principal
        self.action = action
        self.resource = resource
        self.paths = list(self.walk())

    def walk(self):
        """Every attribute that can be reached: text, type, and the tests that must hold before."""
        model = self.model
        for variable, kind in (("principal", self.principal), ("resource", self.resource)):
            if kind is not None:
                yield variable, ("entity", kind), ()
                yield from self.below(variable, ("entity", kind), (), 2)
        context = model.actions[self.action].context if self.action in model.actions else {}
        yield "context", ("record", context), ()
        yield from self.below("context", ("record", context), (), 3)

    def below(self, text, shape, tests, depth):
        if depth == 0:
            return
        match shape:
            case ("entity", name) if name in self.model.types:
                attributes = self.model.types[name].attributes
            case ("record", members):
                attributes = members
            case _:
                return
        rng = self.model.rng
        for name, (kind, required) in attributes.items():
            plain = words.is_identifier(name) and rng.random() < 0.85
            path = f"{text}.{name}" if plain else f"{text}[{words.quoted(rng, name)}]"
            guard = tests
            if not required:
                label = name if words.is_identifier(name) and rng.random() < 0.8 else words.quoted(rng, name)
                guard = (*tests, f"{text} has {label}")
            yield path, kind, guard
            yield from self.below(path, kind, guard, depth - 1)


class Writer:
    """Writes one condition."""

    def __init__(self, rng, environment, wrong=0.03):
        self.rng = rng
        self.environment = environment
        self.model = environment.model
        self.wrong = wrong
        self.tests = []

    def condition(self, depth):
        """A condition with the tests that its optional attributes need in front."""
        body = self.at(("bool",), depth, AND)
        tests = list(dict.fromkeys(self.tests))
        return self.guarded(tests, body) if tests else body

    def guarded(self, tests, body):
        """The tests and the body in one of the ways that make, or do not make, the body safe."""
        rng = self.rng
        guard = " && ".join(tests)
        if rng.random() < 0.6:
            return f"{guard} && {body}"
        other = self.at(("bool",), 1, RELATION)
        return rng.choice(
            [
                f"if {guard} then {body} else {rng.choice(['false', 'true', other])}",
                f"if !({guard}) then {rng.choice(['false', 'true', other])} else {body}",
                f"({guard} && {other}) && ({body})",
                f"({guard} || {rng.choice(['false', other])}) && ({body})",
                f"{other} && {guard} && ({body})",
                f"({other} || ({guard})) && ({body})",
                f"!({guard}) || ({body})",
                f"({guard} || {guard}) && ({body})",
                f"({guard}) == true && ({body})",
                f"{body} && {guard}",
                f"({guard} && {body}) || ({guard} && {other})",
                f"(if {other} then {guard} else false) && ({body})",
                f"(if {other} then {guard} else {guard}) && ({body})",
                f"(if {guard} then true else {rng.choice(['false', other])}) && ({body})",
                f"[{guard}].contains(true) && ({body})",
                f"!!({guard}) && ({body})",
                f"true && ({guard}) && ({body})",
                f"({guard} && true) && ({body})",
                f"(true || {other}) && {guard} && ({body})",
                f"{guard} && ({other} || ({body}))",
                f"({guard} && ({body})) || {other}",
                body,
            ]
        )

    def at(self, shape, depth, level):
        """An expression that can stand at a level."""
        text, own = self.expression(shape, depth)
        if own < level and self.rng.random() > 0.01:
            return f"({text})"
        return f"({text})" if self.rng.random() < 0.04 else text

    def expression(self, shape, depth):
        rng = self.rng
        if rng.random() < self.wrong:
            shape = self.any_type()
        if depth <= 0 or rng.random() < 0.25:
            return self.leaf(shape)
        if rng.random() < 0.06:
            test, then, otherwise = self.at(("bool",), depth - 1, 0), self.at(shape, depth - 1, 0), self.at(shape, depth - 1, 0)
            return f"if {test} then {then} else {otherwise}", EXPRESSION
        if rng.random() < 0.05:
            return self.member_of_literal(shape, depth)
        if rng.random() < 0.08 and (found := self.tag(shape, depth)):
            return found
        match shape:
            case ("bool",):
                return self.bool(depth)
            case ("long",):
                return self.long(depth)
            case ("extension", name):
                return self.extension(name, depth)
            case ("set", element):
                return self.set(element, depth)
            case ("record", attributes):
                return self.record(attributes, depth)
            case _:
                return self.leaf(shape)

    def leaf(self, shape):
        rng = self.rng
        if rng.random() < 0.6:
            found = [each for each in self.environment.paths if each[1] == shape]
            if found:
                text, _, tests = rng.choice(found)
                self.tests += tests
                return text, MEMBER
        match shape:
            case ("bool",):
                return rng.choice(["true", "false", "true", "1 == 1"]) if rng.random() < 0.7 else self.constant(), RELATION
            case ("long",):
                number = words.long(rng)
                return str(number), MEMBER if number >= 0 else UNARY
            case ("string",):
                return words.quoted(rng, words.string(rng)), MEMBER
            case ("extension", name):
                return f"{words.CONSTRUCTORS[name]}({words.quoted(rng, words.literal(rng, name))})", MEMBER
            case ("entity", name):
                return self.entity(name), MEMBER
            case ("set", element):
                return self.set(element, 0)
            case (_, attributes):
                return self.record(attributes, 0)

    def constant(self):
        """A truth value that a validator may know beforehand."""
        rng = self.rng
        one, other = (rng.choice(list(self.model.types)) for _ in range(2))
        return rng.choice(
            [
                f"principal is {one}",
                f"resource is {one}",
                f"{self.entity(one)} is {other}",
                f"{self.entity(one)} == {self.entity(other)}",
                f"{self.entity(one)} in {self.entity(other)}",
                f"principal == {self.entity(one)}",
                f"resource in [{self.entity(one)}, {self.entity(other)}]",
                f"principal in resource",
                f"action == {self.action()}",
                f"{self.action()} in {self.action()}",
                f"{self.action()} in [{self.action()}]",
                f"action in {self.entity(one)}",
                f"principal == resource",
                f"context == {{}}",
                f"context has {words.NAMES[rng.randrange(4)]}",
                "(false && 1)",
                '(false && "a" == 1)',
                "(true || principal.nothing)",
                '(if true then true else "a")',
                "(if false then 1 else true)",
                "action.nothing",
                "action has nothing",
                "[] == []",
                "{} == {}",
                "principal.hasTag(\"a\")",
                "[1, \"a\"].contains(1)",
                "1 == \"a\"",
                "[principal, resource].contains(action)",
                "{a: 1} == {a: true}",
                "{a: 1} == {b: 1}",
                "{a: [1]} == {a: [2]}",
            ]
        )  # fmt: skip

    def entity(self, name=None):
        rng = self.rng
        if name is None or rng.random() < 0.03:
            name = rng.choice([*self.model.types, *(kind for kind, _ in self.model.actions), "Nowhere", "A::Missing"])
        found = self.model.types.get(name)
        choices = found.choices if found and found.choices and rng.random() < 0.9 else words.IDS[:6]
        return f"{name}::{words.quoted(rng, rng.choice(choices))}"

    def action(self):
        kind, identifier = self.rng.choice([*self.model.actions, ("Action", "nothing")])
        return f"{kind}::{words.quoted(self.rng, identifier)}"

    def any_type(self):
        return self.model.type(1)

    def bool(self, depth):
        rng = self.rng
        below = depth - 1
        match rng.randrange(22):
            case 0 | 1:
                return " && ".join(self.at(("bool",), below, RELATION) for _ in range(rng.choice([2, 2, 3]))), AND
            case 2 | 3:
                return " || ".join(self.at(("bool",), below, AND) for _ in range(rng.choice([2, 2, 3]))), OR
            case 4:
                return "!" * rng.choice([1, 1, 2, 3]) + self.at(("bool",), below, MEMBER), UNARY
            case 5 | 6:
                shape = self.any_type()
                other = shape if rng.random() < 0.9 else self.any_type()
                operator = rng.choice(["==", "==", "!="])
                return f"{self.at(shape, below, SUM)} {operator} {self.at(other, below, SUM)}", RELATION
            case 7 | 8:
                shape = rng.choice([("long",), ("long",), ("extension", "datetime"), ("extension", "duration")])
                operator = rng.choice(["<", "<=", ">", ">="])
                return f"{self.at(shape, below, SUM)} {operator} {self.at(shape, below, SUM)}", RELATION
            case 9 | 10:
                return self.within(below)
            case 11 | 12:
                return self.has(below)
            case 13 | 14:
                pieces = [rng.choice(["\ue000", words.string(rng), "a", "b", "*", "é"]) for _ in range(rng.randrange(5))]
                pattern = words.quoted(rng, "".join(pieces), pattern=True)
                return f"{self.at(('string',), below, SUM)} like {pattern}", RELATION
            case 15:
                return self.type_test(below)
            case 16:
                shape = self.any_type()
                return f"{self.at(('set', shape), below, MEMBER)}.contains({self.at(shape, below, 0)})", MEMBER
            case 17:
                shape = ("set", self.any_type())
                method = rng.choice(["containsAll", "containsAny"])
                return f"{self.at(shape, below, MEMBER)}.{method}({self.at(shape, below, 0)})", MEMBER
            case 18:
                return f"{self.at(('set', self.any_type()), below, MEMBER)}.isEmpty()", MEMBER
            case 19:
                shape = ("extension", "decimal")
                method = rng.choice(["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"])
                return f"{self.at(shape, below, MEMBER)}.{method}({self.at(shape, below, 0)})", MEMBER
            case 20:
                shape = ("extension", "ipaddr")
                method = rng.choice(["isIpv4", "isIpv6", "isLoopback", "isMulticast", "isInRange", "isInRange"])
                argument = self.at(shape, below, 0) if method == "isInRange" else ""
                return f"{self.at(shape, below, MEMBER)}.{method}({argument})", MEMBER
            case _:
                kind = self.rng.choice(list(self.model.types))
                return f"{self.at(('entity', kind), below, MEMBER)}.hasTag({self.at(('string',), below, 0)})", MEMBER

    def within(self, depth):
        rng = self.rng
        if rng.random() < 0.2:
            right = self.action() if rng.random() < 0.5 else f"[{self.action()}, {self.action()}]"
            return f"action in {right}", RELATION
        left = rng.choice(list(self.model.types))
        parents = self.model.types[left].parents
        right = rng.choice(parents) if parents and rng.random() < 0.8 else rng.choice(list(self.model.types))
        if rng.random() < 0.3:
            return f"{self.at(('entity', left), depth, SUM)} in {self.at(('set', ('entity', right)), depth, SUM)}", RELATION
        return f"{self.at(('entity', left), depth, SUM)} in {self.at(('entity', right), depth, SUM)}", RELATION

    def has(self, depth):
        rng = self.rng
        paths = [each for each in self.environment.paths if each[1][0] in ("entity", "record")]
        if paths and rng.random() < 0.85:
            text, shape, tests = rng.choice(paths)
            if rng.random() < 0.8:
                self.tests += tests
        else:
            shape = ("record", self.model.record(1))
            text = self.at(shape, depth, SUM)
        names = []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            attributes = self.attributes_of(shape)
            if attributes and rng.random() < 0.8:
                name = rng.choice(list(attributes))
                shape = attributes[name][0]
            else:
                name, shape = words.name(rng), None
            names.append(name)
        if len(names) == 1 and (not words.is_identifier(names[0]) or rng.random() < 0.2):
            return f"{text} has {words.quoted(rng, names[0])}", RELATION
        return f"{text} has {'.'.join(names)}", RELATION

    def attributes_of(self, shape):
        match shape:
            case ("entity", name) if name in self.model.types:
                return self.model.types[name].attributes
            case ("record", attributes):
                return attributes
        return {}

    def type_test(self, depth):
        rng = self.rng
        kind = rng.choice(list(self.model.types))
        paths = [each for each in self.environment.paths if each[1][0] == "entity"]
        subject = rng.choice(paths)[0] if paths and rng.random() < 0.7 else self.at(("entity", kind), depth, SUM)
        name = kind if rng.random() < 0.9 else rng.choice(["Nowhere", "Action", "A::Action"])
        if rng.random() < 0.3:
            right = rng.choice(self.model.types[kind].parents or list(self.model.types))
            return f"{subject} is {name} in {self.at(('entity', right), depth, SUM)}", RELATION
        return f"{subject} is {name}", RELATION

    def tag(self, shape, depth):
        rng = self.rng
        tagged = [each for each in self.model.types.values() if each.tags == shape]
        if not tagged:
            return None
        subject = self.at(("entity", rng.choice(tagged).name), 0, MEMBER)
        key = self.at(("string",), 0, 0)
        if rng.random() < 0.85:
            self.tests.append(f"{subject}.hasTag({key})")
        return f"{subject}.getTag({key})", MEMBER

    def member_of_literal(self, shape, depth):
        rng = self.rng
        name = words.name(rng)
        attributes = {**self.model.record(0), name: (shape, True)}
        record = self.record(attributes, depth - 1, complete=True)[0]
        if words.is_identifier(name):
            return f"{record}.{name}", MEMBER
        return f"{record}[{words.quoted(rng, name)}]", MEMBER

    def long(self, depth):
        rng = self.rng
        below = depth - 1
        match rng.randrange(7):
            case 0 | 1 | 2:
                text = self.at(("long",), below, PRODUCT)
                for _ in range(rng.choice([1, 1, 2])):
                    text += f" {rng.choice('+-')} {self.at(('long',), below, PRODUCT)}"
                return text, SUM
            case 3 | 4:
                return " * ".join(self.at(("long",), below, UNARY) for _ in range(rng.choice([2, 2, 3]))), PRODUCT
            case 5:
                return "-" * rng.choice([1, 1, 2, 3]) + self.at(("long",), below, MEMBER), UNARY
            case _:
                method = rng.choice(DURATIONS_OF)
                return f"{self.at(('extension', 'duration'), below, MEMBER)}.{method}()", MEMBER

    def extension(self, name, depth):
        rng = self.rng
        below = depth - 1
        moment, span = ("extension", "datetime"), ("extension", "duration")
        pick = rng.random()
        if name == "datetime" and pick < 0.5:
            if pick < 0.25:
                return f"{self.at(moment, below, MEMBER)}.offset({self.at(span, below, 0)})", MEMBER
            return f"{self.at(moment, below, MEMBER)}.toDate()", MEMBER
        if name == "duration" and pick < 0.5:
            if pick < 0.25:
                return f"{self.at(moment, below, MEMBER)}.durationSince({self.at(moment, below, 0)})", MEMBER
            return f"{self.at(moment, below, MEMBER)}.toTime()", MEMBER
        if pick > 0.92:
            return f"{words.CONSTRUCTORS[name]}({self.at(('string',), below, 0)})", MEMBER
        return self.leaf(("extension", name))

    def set(self, element, depth):
        size = self.rng.choice([0, 1, 1, 2, 2, 3])
        return "[" + ", ".join(self.at(element, depth - 1, 0) for _ in range(size)) + "]", MEMBER

    def record(self, attributes, depth, complete=False):
        rng = self.rng
        members = []
        for name, (shape, required) in attributes.items():
            if required or complete or rng.random() < 0.5:
                key = name if words.is_identifier(name) and rng.random() < 0.8 else words.quoted(rng, name)
                members.append(f"{key}: {self.at(shape, depth - 1, 0)}")
        if members and rng.random() < 0.01:
            members.append(members[0])
        return "{" + ", ".join(members) + "}", MEMBER
