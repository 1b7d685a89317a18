"""Made-up policy sets, templates and links."""

import words
from expressions import Environment, Writer

ANNOTATIONS = ["id", "approvers", "advice", "in", "x", "if", "quorum"]


class Policies:
    """A policy set as text, with what is needed to link its templates."""

    def __init__(self, model, size, templates=0.0, wrong=0.03, depth=3, wide=0.1):
        self.model = model
        self.rng = model.rng
        self.wrong = wrong
        self.depth = depth
        # How often a scope says nothing of the principal or the resource.
        self.wide = wide
        self.texts = []
        self.templates = []
        for position in range(size):
            slots = []
            self.texts.append(self.policy(slots, self.rng.random() < templates))
            if slots:
                self.templates.append((f"policy{position}", slots))

    @property
    def text(self):
        return self.rng.choice(["\n", " ", "\n\n// next\n", ""]).join(self.texts)

    def environment(self):
        """An action and types that it applies to, so that most policies make sense."""
        action, principal, resource = self.model.situation()
        return Environment(self.model, principal, action, resource)

    def policy(self, slots, as_template):
        rng = self.rng
        environment = self.environment()
        text = ""
        for name in rng.sample(ANNOTATIONS, rng.choice([0, 0, 0, 0, 1, 2])):
            text += f"@{name}({words.quoted(rng, words.string(rng))}) " if rng.random() < 0.9 else f"@{name} "
        text += rng.choice(["permit", "permit", "permit", "forbid"])
        principal = self.constraint("principal", environment.principal, environment, slots, as_template)
        resource = self.constraint("resource", environment.resource, environment, slots, as_template)
        text += f"({principal}, {self.action(environment)}, {resource}{',' if rng.random() < 0.05 else ''})"
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            writer = Writer(rng, environment, self.wrong)
            text += f" {rng.choice(['when', 'when', 'unless'])} {{ {writer.condition(self.depth)} }}"
        return text + ";"

    def constraint(self, variable, kind, environment, slots, as_template):
        rng = self.rng
        if rng.random() < 0.05:
            kind = rng.choice([*self.model.types, "Nowhere"])
        found = self.model.types.get(kind)
        parent = rng.choice(found.parents) if found and found.parents and rng.random() < 0.8 else kind
        writer = Writer(rng, environment)
        slot = f"?{variable}"
        if as_template and rng.random() < 0.7:
            form = rng.randrange(3)
            slots.append((slot, kind if form == 0 else parent))
            return [f"{variable} == {slot}", f"{variable} in {slot}", f"{variable} is {kind} in {slot}"][form]
        match rng.randrange(10):
            case 0 if rng.random() < self.wide * 10:
                return variable
            case 8 | 9 if rng.random() < self.wide:
                return variable
            case 1:
                return f"{variable} == {writer.entity(kind)}"
            case 2:
                return f"{variable} in {writer.entity(parent)}"
            case 3 | 4:
                return f"{variable} is {kind} in {writer.entity(parent)}"
            case _:
                return f"{variable} is {kind}"

    def action(self, environment):
        rng = self.rng
        if environment.action is None or rng.random() < 0.2:
            return "action"
        own = f"{environment.action[0]}::{words.quoted(rng, environment.action[1])}"
        writer = Writer(rng, environment)
        match rng.randrange(6):
            case 0:
                parents = self.model.actions[environment.action].parents
                if parents:
                    kind, identifier = rng.choice(parents)
                    return f"action in {kind}::{words.quoted(rng, identifier)}"
                return f"action in {own}"
            case 1:
                return f"action in [{', '.join([own] + [writer.action() for _ in range(rng.randrange(3))])}]"
            case 2 if rng.random() < 0.1:
                return "action in []"
            case _:
                return f"action == {own}"

    def links(self):
        rng = self.rng
        links = []
        for template, slots in self.templates:
            for _ in range(rng.choice([0, 1, 1, 2])):
                values = {}
                for slot, kind in slots:
                    found = self.model.types.get(kind)
                    choices = found.choices if found and found.choices else words.IDS[:6]
                    values[slot] = {"type": kind, "id": rng.choice(choices)}
                if rng.random() < 0.06:
                    values[rng.choice(["?principal", "?resource", "?other"])] = {"type": "User", "id": "a"}
                if rng.random() < 0.04:
                    values.pop(next(iter(values)), None)
                new = f"link{len(links)}" if rng.random() < 0.97 else rng.choice(["link0", "policy0", "", "policy1"])
                named = template if rng.random() < 0.97 else rng.choice(["policy0", "policy1", "missing", "x", "a"])
                links.append({"template_id": named, "new_id": new, "values": values})
        return links
