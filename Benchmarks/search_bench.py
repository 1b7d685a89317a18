"""Searches of a large log: runs search-bench, prints its figures and keeps them."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(prog="script/bench search")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--commits", type=int, default=200_000)
    parser.add_argument("--folder", help="an empty folder, kept: the next run on it skips what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="countersign-search-") as temporary:
        command = [options.binary, "--folder", options.folder or temporary]
        command += ["--entries", str(options.entries), "--commits", str(options.commits)]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if answer.returncode:
        sys.exit(f"bench: search-bench failed with {answer.returncode}")
    figures = json.loads(answer.stdout)
    results = Path("bench-results")
    results.mkdir(exist_ok=True)
    (results / f"search-{time.strftime('%Y%m%dT%H%M%S')}.json").write_text(json.dumps(figures, indent=2))

    searches = figures["searches"]
    print(f"{figures['entries']:,} entries; {searches['searches']} searches, ms\n")
    print(f"{'':28}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}")
    rows = [("all, with the index", searches["with index, ms"])]
    if "without index, ms" in searches:
        rows.append(("a tenth, without", searches["without index, ms"]))
    for name, times in rows + sorted(searches["by class, ms"].items()):
        print(f"{name:28}" + "".join(f"{times[p]:9.2f}" for p in ("p50", "p95", "p99", "max")))
    print(f"\nindex: {searches['index, entries per second']:,.0f} entries/s, {searches['index, bytes'] / 2**20:,.0f} MiB", end="")
    print(f" beside {searches['ledger, bytes'] / 2**20:,.0f} MiB; memory MiB {searches['memory, MiB']}")
    work = searches["with index, processor ms"]
    print(f"processor time of a search, ms: {work}; index: {searches['index, entries per processor second']:,.0f} entries/s")
    if "commits" not in figures:
        return judge(searches)
    print(f"commits of 256 writers, entries/s: {figures['commits']['entries per second']}")
    print(f"entries not indexed at the end: {figures['commits']['behind at the end']}")
    return judge(searches)


def judge(searches):
    p95 = searches["with index, ms"]["p95"]
    if p95 > 50:
        sys.exit(f"bench: p95 is {p95} ms, the bar is 50 ms")


if __name__ == "__main__":
    main()
