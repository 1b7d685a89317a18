"""Our engine, asked through `countersign policy evaluate --batch`."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("COUNTERSIGN_BINARY") or ROOT / ".build" / "debug" / "countersign")


def ask(lines, binary=None):
    """One answer for each request, in order; a crash is an answer of its own for the line that it happened at."""
    binary = Path(binary or BINARY)
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
        for line in lines:
            file.write(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False))
            file.write("\n")
        file.flush()
        command = [binary, "policy", "evaluate", "--batch", file.name]
        if binary.name != "countersign":
            # A small program that is only the batch reader: requests on its standard input.
            command = [binary]
        with open(file.name, "rb") as requests:
            result = subprocess.run(command, stdin=requests, capture_output=True, check=False)
    answers = [json.loads(line) for line in result.stdout.splitlines() if line.strip()] if result.returncode == 0 else []
    if len(answers) == len(lines):
        return answers
    if len(lines) == 1:
        said = result.stderr.decode(errors="replace")[-500:]
        return [{"crashed": f"exit status {result.returncode}, {len(answers)} answers: {said}"}]
    # Answers are written in chunks, so only asking again tells which line it was.
    middle = len(lines) // 2
    return ask(lines[:middle], binary) + ask(lines[middle:], binary)
