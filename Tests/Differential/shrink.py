"""Makes a disagreement small: leaves out what it does not need."""

import copy
import re
import time

import engine
import oracle

POLICY = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^;"])*;', re.S)
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|==|!=|<=|>=|&&|\|\||\s+|.', re.S)
ROUNDS = 40


def small(line, binary, ends):
    """The smallest line found on which the engines still disagree in the same way, and both answers."""
    import differential

    def judge(candidates):
        answers = engine.ask(candidates, binary)
        judged = []
        for candidate, ours in zip(candidates, answers, strict=True):
            right = oracle.answer(candidate)
            judged.append((differential.disagrees(candidate, ours, right), ours, right))
        return judged

    ((wanted, ours, right),) = judge([line])
    for _ in range(ROUNDS):
        if time.perf_counter() > ends:
            break
        candidates = [each for each in smaller(line) if size(each) < size(line)]
        if not candidates:
            break
        judged = judge(candidates)
        fits = [
            (size(candidate), position)
            for position, (candidate, (wrong, _, other)) in enumerate(zip(candidates, judged, strict=True))
            if wrong == wanted and other["refused"] == right["refused"]
        ]
        if not fits:
            break
        place = min(fits)[1]
        line, (_, ours, right) = candidates[place], judged[place]
    return line, ours, right


def size(line):
    return len(str(line))


def smaller(line):
    """Lines with something left out."""
    for part in ("schema", "links", "entities", "context"):
        if line.get(part):
            yield {name: value for name, value in line.items() if name != part}
    policies = line["policies"]
    if isinstance(policies, str):
        each = POLICY.findall(policies)
        if len(each) > 1 and "".join(each) == policies.rstrip():
            for one in each:
                yield {**line, "policies": one}
        yield from ({**line, "policies": text} for text in cut(policies))
    else:
        yield from ({**line, "policies": value} for value in pruned(policies))
    schema = line.get("schema")
    if isinstance(schema, str):
        yield from ({**line, "schema": text} for text in cut(schema))
    elif schema:
        yield from ({**line, "schema": value} for value in pruned(schema))
    for part in ("entities", "context", "links"):
        if isinstance(line.get(part), dict | list):
            yield from ({**line, part: value} for value in pruned(line[part]))


def cut(text):
    """The text without a run of its tokens."""
    tokens = TOKEN.findall(text)
    length = len(tokens)
    while length >= 1:
        step = max(1, length // 2)
        for start in range(0, len(tokens) - length + 1, step):
            yield "".join(tokens[:start] + tokens[start + length :])
        length //= 2 if len(tokens) > 60 or length > 8 else 1
        if length == 1 and len(tokens) <= 60:
            break
        if len(tokens) <= 60 and length <= 8:
            for short in range(min(8, length), 0, -1):
                for start in range(len(tokens) - short + 1):
                    yield "".join(tokens[:start] + tokens[start + short :])
            break


def pruned(json, limit=150):
    """The JSON without one of its parts."""
    paths = []

    def collect(value, path):
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            paths.append([*path, key])
            collect(value[key], [*path, key])

    collect(json, [])
    for path in paths[:limit]:
        changed = copy.deepcopy(json)
        container = changed
        for key in path[:-1]:
            container = container[key]
        del container[path[-1]]
        yield changed
