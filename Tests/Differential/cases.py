"""Made-up cases: a few requests about one made-up world, each a line of the batch protocol."""

import json
import random
import re

import cedarpy
import store
import words
from model import Model
from policies import Policies

TOKENS = re.compile(r'"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|==|!=|<=|>=|&&|\|\||//[^\n]*|\s+|.', re.S)
INSERTED = """permit forbid when unless principal action resource context ?principal ?resource if then else in is like has true false
( ) { } [ ] , ; : :: . == != < <= > >= && || + - * / % ! @ @id @id("a") "a" 0 1 9223372036854775807 9223372036854775808 -1
'a' // /* */ = & | ? ` # $ ~ ^ \\ "\\u{110000}" "\\x80" "\\q" "\\*" "\\u{}" "\\u{1234567}" "\\u{D800}" é \0 \ufeff __cedar __x ip(
decimal("1.0") foo() .contains .foo() .foo Set Bool Long String namespace entity type enum appliesTo tags attributes context: ? ?: Set<
== ?principal is T in ["a"] __cedar::Bool Record Action "" User::"a" User principal.x 1.0 1e3 0x1 08 "\n" "\t" then{ };
""".split(" ")
INSERTED = [piece.strip("\n") for piece in INSERTED]
INSERTED += ["\u00a0", "\x0b", "\x0c", "\u2028", "\u3000", "\x85", "//x\r", "//x\u2028", "\r", "\r\n", "\u200e", "\ufeff", "//"]

# The kinds of case, and how often each comes.
KINDS = {
    "decision": 26,
    "typed": 18,
    "validation": 10,
    "templates": 7,
    "json policies": 7,
    "policy text": 12,
    "entities": 9,
    "context": 5,
    "schema text": 5,
    "schema json": 5,
    "literals": 6,
}


def mutated(rng, text, inserted=INSERTED):
    """The text with a few tokens lost, doubled, swapped, replaced or added."""
    tokens = TOKENS.findall(text)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if not tokens:
            return rng.choice(inserted)
        place = rng.randrange(len(tokens))
        match rng.randrange(7):
            case 0:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[place])
            case 2:
                tokens.insert(place, rng.choice(inserted))
            case 3:
                tokens[place] = rng.choice(inserted)
            case 4:
                other = rng.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 5:
                tokens[place] = words.mangled(rng, tokens[place])
            case _:
                tokens[place] = rng.choice(tokens)
    return "".join(tokens)


def world(seed, kinds=None):
    """The requests of one world; the same for the same seed."""
    rng = random.Random(seed)
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    if kinds and kind not in kinds:
        kind = rng.choice(sorted(kinds))
    rng = random.Random(f"{seed} {kind}")
    model = Model(rng)
    lines = list(MAKERS[kind](rng, model))
    for position, line in enumerate(lines):
        line["id"] = f"{seed}.{position}"
        line["ids"] = "positions"
        line.setdefault("entities", [])
    return kind, lines


def schema_of(rng, model):
    if rng.random() < 0.65:
        return model.text()
    return model.json()


def decision(rng, model):
    """Without a schema: what policies mean."""
    policies = Policies(model, rng.choice([1, 1, 2, 3, 5, 8, 12]), wrong=rng.choice([0, 0.03, 0.1]), depth=rng.choice([1, 2, 3, 4]), wide=0.6)
    text = policies.text
    for _ in range(2):
        things = store.Store(model)
        entities = things.entities()
        for _ in range(2):
            yield {"policies": text, "entities": entities, **things.request()}


def typed(rng, model):
    """With a schema: validation, and entities and requests that must conform."""
    schema = schema_of(rng, model)
    things = store.Store(model, rng.choice([1.0, 0.5]))
    entities = things.entities()
    for _ in range(3):
        policies = Policies(model, rng.choice([1, 1, 1, 2, 4]), wrong=rng.choice([0, 0, 0.02]), depth=rng.choice([1, 2, 3]))
        yield {"policies": policies.text, "entities": entities, "schema": schema, **things.request()}


def validation(rng, model):
    """Many policies against one schema: what the validator says of each."""
    schema = model.text() if rng.random() < 0.8 else model.json()
    request = store.Store(model).request()
    for _ in range(8):
        policies = Policies(model, 1, templates=0.1, wrong=rng.choice([0, 0.01, 0.05]), depth=rng.choice([0, 1, 2, 3]), wide=0.3)
        yield {"policies": policies.text, "schema": schema, **request}


def templates(rng, model):
    """Templates and links."""
    policies = Policies(model, rng.choice([1, 2, 3, 5]), templates=0.7, wrong=0.01, depth=2)
    things = store.Store(model)
    entities = things.entities()
    schema = {"schema": model.text()} if rng.random() < 0.5 else {}
    text = policies.text
    for _ in range(3):
        yield {"policies": text, "links": policies.links(), "entities": entities, **schema, **things.request()}


def json_policies(rng, model):
    """Policies in JSON, as the official engine writes them and otherwise."""
    policies = Policies(model, rng.choice([1, 2, 3]), templates=0.15, wrong=0.02, depth=rng.choice([1, 2, 3]))
    things = store.Store(model)
    entities = things.entities()
    try:
        form = json.loads(cedarpy.policies_to_json_str(policies.text))
    except ValueError:
        form = {"staticPolicies": {}, "templates": {}, "templateLinks": []}
    yield {"policies": form, "entities": entities, **things.request()}
    for _ in range(2):
        spoiled = form
        for _ in range(rng.choice([1, 1, 2])):
            spoiled = store.spoiled(rng, spoiled) if rng.random() < 0.6 else renamed(rng, spoiled)
        if isinstance(spoiled, dict):
            yield {"policies": spoiled, "entities": entities, **things.request()}


OPERATORS = """Value Var Slot Unknown ! neg == != in < <= > >= && || + - * contains containsAll containsAny isEmpty getTag hasTag . has is
like if-then-else Set Record decimal ip datetime duration lessThan isIpv4 isInRange offset toDate durationSince toTime nope op entity
entities slot entity_type attr left right arg pattern Wildcard Literal permit forbid when unless All effect principal action resource
conditions annotations kind body staticPolicies templates templateLinks newId templateId values ?principal ?resource context""".split()


def renamed(rng, form):
    """The JSON with one word of the policy format in another's place."""
    text = json.dumps(form, ensure_ascii=False)
    found = sorted({word for word in OPERATORS if f'"{word}"' in text})
    if not found:
        return form
    word = rng.choice(found)
    places = [match.start() for match in re.finditer(re.escape(f'"{word}"'), text)]
    place = rng.choice(places)
    try:
        return json.loads(text[:place] + json.dumps(rng.choice(OPERATORS)) + text[place + len(word) + 2 :])
    except ValueError:
        return form


def policy_text(rng, model):
    """Policy text with mistakes: what one engine takes, the other must take."""
    policies = Policies(model, rng.choice([1, 1, 2]), templates=0.15, wrong=0.02, depth=rng.choice([1, 2]))
    things = store.Store(model)
    text = policies.text
    request = things.request()
    for _ in range(5):
        yield {"policies": mutated(rng, text), **request}


def spoiled_entities(rng, model):
    """Entities that are wrong in some way, with and without a schema."""
    schema = {"schema": schema_of(rng, model)} if rng.random() < 0.6 else {}
    things = store.Store(model, 0.6 if schema else 1.0)
    entities = things.entities()
    text = Policies(model, 2, depth=2).text
    for _ in range(4):
        wrong = store.spoiled(rng, entities)
        if rng.random() < 0.1:
            wrong = store.spoiled(rng, wrong)
        if rng.random() < 0.1 and isinstance(wrong, list) and wrong:
            wrong = [*wrong, store.spoiled(rng, rng.choice(wrong))]
        if rng.random() < 0.05:
            wrong = mutated(rng, json.dumps(wrong), ['"a"', "1", "{", "}", "[", "]", ",", ":", "null", "//x", '"\\ud800"', "\0"])
        if wrong is not None:
            yield {"policies": text, "entities": wrong, **schema, **things.request()}


def context(rng, model):
    """Requests that are wrong in some way, with and without a schema."""
    schema = {"schema": schema_of(rng, model)} if rng.random() < 0.7 else {}
    things = store.Store(model, 0.6 if schema else 1.0)
    text = Policies(model, 2, depth=2).text
    for _ in range(4):
        request = things.request()
        if rng.random() < 0.6 and isinstance(request["context"], dict):
            request["context"] = store.spoiled(rng, request["context"])
        elif isinstance(request["context"], dict):
            store.spoil_request(rng, request)
        yield {"policies": text, **schema, **request}


SCHEMA_TEXT = INSERTED + "entity type action in tags enum appliesTo principal: resource: Set<Long> = ; User Bool Entity ipaddr".split()


def schema_text(rng, model):
    """Schema text with mistakes."""
    text = model.text()
    policies = Policies(model, 1, depth=1).text
    request = store.Store(model).request()
    for _ in range(4):
        yield {"policies": policies, "schema": mutated(rng, text, SCHEMA_TEXT), **request}


SCHEMA_JSON = """entityTypes actions commonTypes annotations shape tags memberOfTypes memberOf appliesTo principalTypes resourceTypes
context type name element attributes required additionalAttributes enum id Record Set Entity EntityOrCommon Extension String Long
Boolean Bool ipaddr decimal nope User A::User __cedar::Long Action""".split()


def schema_json(rng, model):
    """Schema JSON with mistakes."""
    form = model.json()
    policies = Policies(model, 1, depth=1).text
    request = store.Store(model).request()
    for _ in range(4):
        wrong = form
        for _ in range(rng.choice([1, 1, 2])):
            text = json.dumps(wrong, ensure_ascii=False)
            found = [word for word in SCHEMA_JSON if f'"{word}"' in text]
            if rng.random() < 0.4 or not found:
                wrong = store.spoiled(rng, wrong)
                continue
            word = rng.choice(found)
            places = [match.start() for match in re.finditer(re.escape(f'"{word}"'), text)]
            place = rng.choice(places)
            changed = text[:place] + json.dumps(rng.choice(SCHEMA_JSON)) + text[place + len(word) + 2 :]
            wrong = json.loads(changed)
        if isinstance(wrong, dict):
            yield {"policies": policies, "schema": wrong, **request}


def literals(rng, model):
    """One extension function of an odd literal, and what it gives; patterns and texts of few letters."""
    for _ in range(5):
        if rng.random() < 0.2:
            text = letters(rng, "aab*é")
            yield alone(f"{words.quoted(rng, text)} like {words.quoted(rng, like(rng, text), pattern=True)}")
            continue
        name = rng.choice(list(words.CONSTRUCTORS))
        good, bad = words.LITERALS[name]
        one = rng.choice(good + bad)
        if rng.random() < 0.4:
            one = words.mangled(rng, one)
        other = rng.choice(good)
        make = words.CONSTRUCTORS[name]
        left, right = (f"{make}({words.quoted(rng, text)})" for text in (one, other))
        test = rng.choice(
            {
                "decimal": ["{}.lessThan({})", "{} == {}", "{}.greaterThanOrEqual({})"],
                "ipaddr": ["{}.isInRange({})", "{} == {}", "{}.isLoopback() || {}.isMulticast()", "{}.isIpv4() == {}.isIpv4()"],
                "datetime": [
                    "{} < {}", "{} == {}", "{}.toDate() <= {}.toDate()", "{}.durationSince({}) > duration(\"0ms\")",
                    "{}.toTime() < {}.toTime()", "{}.offset(duration(\"-1d1ms\")) < {}",
                ],
                "duration": [
                    "{} < {}", "{} == {}", "{}.toDays() == {}.toDays()", "{}.toSeconds() < {}.toMinutes()",
                    "datetime(\"1970-01-01\").offset({}).toDate() < datetime(\"1970-01-01\").offset({})",
                    "{}.toHours() == {}.toMilliseconds()",
                ],
            }[name]
        )  # fmt: skip
        yield alone(test.format(left, right))


PATTERN = "aab*é\ue000\ue000"


def like(rng, text):
    """A pattern of pieces of the text, which may overlap, or of any letters."""
    if rng.random() < 0.4:
        return letters(rng, PATTERN)
    cuts = [text[slice(*sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1))))] for _ in range(rng.randrange(4))]
    return "\ue000".join([text[: rng.randrange(len(text) + 1)], *cuts, text[rng.randrange(len(text) + 1) :]])


def letters(rng, alphabet):
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))


def alone(condition):
    """A request to one policy with one condition."""
    return {
        "policies": f"permit(principal, action, resource) when {{ {condition} }};",
        "principal": {"type": "User", "id": "a"},
        "action": {"type": "Action", "id": "a"},
        "resource": {"type": "User", "id": "b"},
        "context": {},
    }


MAKERS = {
    "decision": decision,
    "typed": typed,
    "validation": validation,
    "templates": templates,
    "json policies": json_policies,
    "policy text": policy_text,
    "entities": spoiled_entities,
    "context": context,
    "schema text": schema_text,
    "schema json": schema_json,
    "literals": literals,
}
