"""Runs made-up cases through both engines and reports where they disagree."""

import collections
import json
import multiprocessing
import os
import time
from pathlib import Path

import cases
import engine
import oracle
import shrink

WORLDS_AT_ONCE = 40


def found(answer, line):
    """Our answer in the words of the oracle."""
    if "crashed" in answer:
        return answer
    refused = answer.get("refused")
    validation = answer.get("validation")
    erred = [] if refused else sorted(erring(error, line) for error in answer["errors"])
    return {
        "refused": "request" if refused == "context" else refused,
        "decision": answer["decision"],
        "reasons": sorted(answer["reasons"]),
        "erred": erred,
        "passed": validation["passed"] if validation else None,
    }


def erring(error, line):
    """The policy that an error names; a link's id may hold anything."""
    for link in line.get("links") or []:
        if error.startswith(f"{link['new_id']}: "):
            return link["new_id"]
    return error.partition(": ")[0]


def disagrees(line, ours, right):
    """In what our answer differs; empty where it does not."""
    ours = found(ours, line)
    if "crashed" in ours:
        return ["crashed"]
    wrong = [each for each in ("refused", "decision", "reasons", "erred") if ours[each] != right[each]]
    if right["passed"] is not None and ours["passed"] != right["passed"]:
        wrong.append("passed")
    return wrong


def deviation(line, ours, right):
    """The name of the documented deviation that a disagreement is, or None: docs/decisions/0015 lists them."""
    said = " ".join(ours.get("errors") or [])
    if ours.get("refused") in ("policies", "schema") and right["refused"] != ours["refused"]:
        if "expected an object" in said and "[" in json.dumps(line[ours["refused"]]):
            return "an array in the place of an object is refused"
        if "is not a function" in said and not isinstance(line["policies"], str):
            return "JSON policies that call a function that does not exist are refused"
    return None


def work(job):
    """One share of the cases: the counts, and the lines on which the engines disagree."""
    seeds, binary, kinds = job
    lines, kind_of = [], []
    for seed in seeds:
        kind, made = cases.world(seed, kinds)
        lines += made
        kind_of += [kind] * len(made)
    counts = collections.Counter()
    disagreements = []
    answers = engine.ask(lines, binary)
    for line, kind, ours in zip(lines, kind_of, answers, strict=True):
        right = oracle.answer(line)
        counts["cases", kind] += 1
        counts[what(right), kind] += 1
        if right["passed"] is not None:
            counts["valid" if right["passed"] else "invalid", kind] += 1
        wrong = disagrees(line, ours, right)
        if wrong and (name := deviation(line, ours, right)):
            counts["deviation", name] += 1
        elif wrong:
            counts["disagreements", kind] += 1
            disagreements.append((kind, wrong, line, ours, right))
    return counts, disagreements


def what(right):
    if right["refused"]:
        return f"no {right['refused']}"
    decision = "forbidden" if right["decision"] == "deny" and right["reasons"] else right["decision"]
    return f"{decision} with errors" if right["erred"] else decision


def compare(number, seed, binary, kind=None):
    """Asks both engines about that many cases; the counts, and the disagreements."""
    counts = collections.Counter()
    disagreements = []

    def jobs():
        for start in range(0, 10**9, WORLDS_AT_ONCE):
            yield [f"{seed}-{each}" for each in range(start, start + WORLDS_AT_ONCE)], binary, {kind} if kind else None

    with multiprocessing.Pool(os.cpu_count()) as pool:
        queue = collections.deque()
        source = jobs()
        while total(counts, "cases") < number:
            while len(queue) < 8:
                queue.append(pool.apply_async(work, (next(source),)))
            more, wrong = queue.popleft().get()
            counts += more
            disagreements += wrong
        pool.terminate()
    return counts, disagreements


def total(counts, row):
    return sum(count for key, count in counts.items() if key[0] == row)


def run(number, seed, binary, keep, kind=None):
    """Compares that many cases; prints counts and disagreements; returns whether there are none."""
    if not Path(binary).exists():
        print(f"{binary} does not exist: build it, or name one with --binary")
        return False
    began = time.perf_counter()
    counts, disagreements = compare(number, seed, binary, kind)
    show(counts)
    report(disagreements, binary, Path(keep))
    print(
        f"cedar: {total(counts, 'cases')} cases of seed {seed}, {len(disagreements)} disagreements, "
        f"{time.perf_counter() - began:.0f} s"
    )
    return not disagreements


def show(counts):
    kinds = [kind for kind in cases.KINDS if counts["cases", kind]]
    rows = sorted({key[0] for key in counts} - {"cases", "deviation"})
    print(f"{'':24}{'all':>8}" + "".join(f"{kind:>14}" for kind in kinds))
    for row in ["cases", *rows]:
        print(f"{row:24}{total(counts, row):>8}" + "".join(f"{counts[row, kind] or '':>14}" for kind in kinds))
    for key, count in sorted((key, count) for key, count in counts.items() if key[0] == "deviation"):
        print(f"documented deviation: {key[1]}: {count}")


def report(disagreements, binary, keep, shown=4, seconds=45):
    """Saves every disagreement, and prints a few of each sort, made small while there is time."""
    ends = time.perf_counter() + seconds
    if not disagreements:
        return
    print(f"{len(disagreements)} disagreements")
    keep.mkdir(parents=True, exist_ok=True)
    sorts = collections.defaultdict(list)
    for kind, wrong, line, ours, right in disagreements:
        sorts[kind, tuple(wrong)].append((line, ours, right))
    with (keep / "all.ndjson").open("w") as file:
        for kind, wrong, line, ours, right in disagreements:
            record = {"kind": kind, "wrong": wrong, "line": line, "ours": ours, "right": right}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    with (keep / "small.ndjson").open("w") as file:
        for (kind, wrong), examples in sorted(sorts.items()):
            print(f"\n== {kind}: {', '.join(wrong)} differ in {len(examples)}")
            examples.sort(key=lambda each: len(json.dumps(each[0])))
            for line, _, _ in examples[:shown]:
                small, ours, right = shrink.small(line, binary, ends)
                file.write(json.dumps({**small, "expected": right}, ensure_ascii=False) + "\n")
                print(json.dumps(small, ensure_ascii=False))
                print(f"   ours:  {json.dumps(ours, ensure_ascii=False)[:400]}")
                print(f"   right: {json.dumps(right, ensure_ascii=False)[:400]}")
    print(f"\nall of them, and the small ones: {keep}")
