#!/usr/bin/env python3
"""Cedar decisions in process: nanoseconds, instructions and allocations, beside the official engine's own metric."""

import argparse
import collections
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import cedar_workload
import cedarpy
import stack
from stack import say

# DESIGN 10: policies, microseconds at most (p50), times faster at least.
BARS = {1: (None, 1), 10: (5, 2), 100: (10, 8), 1000: (30, 30)}
WORKLOADS = [(1, "mixed"), (10, "mixed"), (100, "mixed"), (1000, "mixed"), (1000, "none"), (10000, "apart")]


class Ours:
    """The benchmark's binary over one workload."""

    def __init__(self, binary, folder):
        self.command = [str(binary), str(folder)]

    def run(self, *arguments, wrapper=()):
        command = [*wrapper, *self.command, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(f"bench: {' '.join(command)} failed:\n{result.stderr}")
        return result

    def answers(self):
        found = [json.loads(line) for line in self.run("answers").stdout.splitlines()]
        return [(each["decision"], sorted(each["reasons"]), bool(each["errors"])) for each in found]

    def times(self, count):
        """Nanoseconds and how many calls took that long."""
        lines = self.run("time", count).stdout.splitlines()
        return collections.Counter({int(time): int(calls) for time, calls in map(str.split, lines)})

    def allocations(self):
        return float(self.run("memory", 1000).stdout.split()[0])

    def instructions(self, count, folder):
        """Instructions per decision: those of a run with decisions without those of a run with none."""
        totals = []
        for number in (0, count):
            wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.{number}", "--"]
            error = self.run("run", number, wrapper=wrapper).stderr
            totals.append(int(re.search(r"Collected : (\d+)", error)[1]))
        return (totals[1] - totals[0]) / count


class Theirs:
    """The official engine over the same workload, everything that can be parsed before parsed before."""

    def __init__(self, text):
        self.policies = cedarpy.PolicySet.from_str(text)
        self.entities = cedarpy.Entities.from_json_str(
            json.dumps(cedar_workload.ENTITIES + cedar_workload.ACTIONS), cedar_workload.SCHEMA)
        self.requests = [
            {**{name: each[name] for name in ("principal", "action", "resource")}, "context": json.dumps(each["context"])}
            for each in cedar_workload.REQUESTS
        ]

    def ask(self, requests):
        return cedarpy.is_authorized_batch(requests, self.policies, self.entities)

    def answers(self):
        return [
            (each.decision.name.lower(),
             sorted(each.diagnostics.id_annotations_by_reason.get(id, id) for id in each.diagnostics.reasons),
             bool(each.diagnostics.errors))
            for each in self.ask(self.requests)
        ]

    def times(self, count):
        """Nanoseconds as the engine itself gives them, in whole microseconds, and how many calls took that long."""
        rounds = -(-count // len(self.requests))
        answers = self.ask(self.requests * rounds)
        return collections.Counter(1000 * each.metrics["authz_duration_micros"] for each in answers)


def percentile(times, percent):
    """In microseconds."""
    left = percent / 100 * sum(times.values())
    for time in sorted(times):
        left -= times[time]
        if left <= 0:
            return time / 1000
    raise SystemExit("bench: nothing was timed")


def mean(times):
    return sum(time * calls for time, calls in times.items()) / sum(times.values()) / 1000


def check_valid(text):
    result = cedarpy.validate_policies(text, cedar_workload.SCHEMA)
    if not result.validation_passed:
        raise SystemExit(f"bench: the workload is not valid: {[str(error) for error in result.errors][:3]}")


def measure(binary, folder, count, scopes, options):
    """One row."""
    cedar_workload.write(folder, count, scopes)
    text = (folder / "policies.cedar").read_text()
    check_valid(text)
    ours, theirs = Ours(binary, folder), Theirs(text)
    answers, expected = ours.answers(), theirs.answers()
    if answers != expected:
        raise SystemExit(f"bench: {count} policies: we answer {answers}, the official engine answers {expected}")
    if any(len(reasons) != 1 for _, reasons, _ in expected):
        raise SystemExit(f"bench: {count} policies: more or less than one policy decides: {expected}")
    our_times, their_times = collections.Counter(), collections.Counter()
    theirs.times(200)
    for _ in range(options.rounds):
        our_times += ours.times(options.calls)
        their_times += theirs.times(max(100, min(options.calls, 400_000 // (count + 200))))
    row = {
        "policies": count,
        "scopes": scopes,
        "p50": percentile(our_times, 50),
        "p99": percentile(our_times, 99),
        "official_p50": percentile(their_times, 50),
        "official_p99": percentile(their_times, 99),
        "official_mean": mean(their_times),
        "allocations": ours.allocations(),
    }
    row["ratio"] = row["official_p50"] / row["p50"]
    if options.callgrind:
        row["instructions"] = round(ours.instructions(options.decisions, folder))
    return row


def show(rows):
    say(f"\n{'policies':>8} {'scopes':>6} {'p50 µs':>8} {'p99 µs':>8} {'official p50':>12} {'p99':>6} {'mean':>7} "
        f"{'ratio':>7} {'instructions':>12} {'allocations':>11}")
    for row in rows:
        instructions = f"{row['instructions']:,}" if "instructions" in row else "-"
        say(f"{row['policies']:8,} {row['scopes']:>6} {row['p50']:8.2f} {row['p99']:8.2f} {row['official_p50']:12.0f} "
            f"{row['official_p99']:6.0f} {row['official_mean']:7.1f} {row['ratio']:6.1f}× "
            f"{instructions:>12} {row['allocations']:11.2f}")
    say("\nScopes: mixed, as in the bars, a third of which match; none, so that all conditions are evaluated; apart, about "
        "others.")
    say("Times are of single decisions, each between two readings of the clock, which are in them. The official "
        "engine's\nare its own metric (authz_duration_micros), which counts whole microseconds and drops the rest.")
    met = True
    for row in rows:
        if row["scopes"] != "mixed":
            continue
        most, least = BARS[row["policies"]]
        claims = [(f"at least {least}× the official engine", row["ratio"] >= least)]
        if most:
            claims.insert(0, (f"p50 at most {most} µs", row["p50"] <= most))
        for claim, holds in claims:
            say(f"{row['policies']:,} policies: {claim}: {'met' if holds else 'NOT MET'}")
            met = met and holds
    return met


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rounds", type=int, default=5, help="turns of ours and theirs")
    parser.add_argument("--calls", type=int, default=20_000, help="decisions a turn")
    parser.add_argument("--decisions", type=int, default=2_000, help="decisions under callgrind")
    parser.add_argument("--without-callgrind", dest="callgrind", action="store_false")
    parser.add_argument("--keep", type=Path, help="a folder for the workloads and callgrind's files")
    options = parser.parse_args()
    place = options.keep or Path(tempfile.mkdtemp(prefix="cedar-bench-"))
    try:
        rows = []
        for count, scopes in WORKLOADS:
            rows.append(measure(options.binary, place / f"{scopes}-{count}", count, scopes, options))
            say(f"{count} policies, scopes {scopes}: answers agree with cedarpy {version()}; {rows[-1]['p50']:.2f} µs")
    finally:
        if not options.keep:
            shutil.rmtree(place, ignore_errors=True)
    met = show(rows)
    stack.keep("cedar", {"official": version(), "rows": rows, "met": met})
    raise SystemExit(0 if met else 1)


def version():
    from importlib.metadata import version as installed

    return installed("cedarpy")


if __name__ == "__main__":
    main()
