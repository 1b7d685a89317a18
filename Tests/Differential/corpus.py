"""Runs a folder of the official corpus, or of hand-written cases in its form, through our engine."""

import json
from pathlib import Path

import engine


def cases(folder):
    """The case files below a folder, with the folder that their paths are relative to."""
    for path in sorted(Path(folder).rglob("*.json")):
        if path.name.endswith(".entities.json"):
            continue
        test = json.loads(path.read_text())
        if not isinstance(test, dict) or "requests" not in test:
            continue
        root = next(each for each in path.parents if (each / test["policies"]).exists())
        yield path, root, test


def run(folder, binary):
    """Prints what disagrees, and the counts; returns whether nothing does."""
    lines, expected = [], []
    files = 0
    for path, root, test in cases(folder):
        files += 1
        for number, request in enumerate(test["requests"]):
            line = {"id": f"{path}#{number}", **{k: request[k] for k in ("principal", "action", "resource", "context")}}
            for part in ("policies", "entities", "schema"):
                line[f"{part}_file"] = str(root / test[part])
            lines.append(line)
            expected.append(
                {
                    "decision": request["decision"],
                    "reasons": request["reason"],
                    "errors": bool(request["errors"]),
                    "refused": None,
                    "passed": test["shouldValidate"],
                }
            )
    wrong = 0
    for line, answer, right in zip(lines, engine.ask(lines, binary), expected, strict=True):
        found = {
            "decision": answer.get("decision"),
            "reasons": answer.get("reasons"),
            "errors": bool(answer.get("errors")),
            "refused": answer.get("refused"),
            "passed": (answer.get("validation") or {}).get("passed"),
        }
        if found != right:
            wrong += 1
            if wrong <= 20:
                print(f"{line['id']}: {answer}\n    instead of {right}")
    print(f"corpus: {files} cases, {len(lines)} requests, {wrong} answered otherwise")
    return files > 0 and wrong == 0
