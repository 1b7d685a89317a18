"""The long trials of the log: see script/soak."""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def parse():
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__)
    parser.add_argument("command", choices=["faults", "kills", "disk", "all"])
    parser.add_argument("--binary", required=True, help="the countersign binary")
    parser.add_argument("--kills", type=int, default=200, help="how often it is killed")
    parser.add_argument("--disks", type=int, default=10, help="how often a disk fills up")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="when it is killed")
    parser.add_argument("--parallel", type=int, default=2, help="how many installations at a time")
    parser.add_argument("--calls", default="", help="only these system calls, comma-separated")
    parser.add_argument("--keep", help="keeps the folders of failed trials here")
    return parser.parse_args()


OPTIONS = parse()
os.environ["COUNTERSIGN_BINARY"] = str(Path(OPTIONS.binary).resolve())
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Interop"))
# The binary's path is read when the harness is imported.
from harness import trials  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.upstream import Upstream  # noqa: E402

UPSTREAM = Upstream()
NUMBERS = itertools.count(1)


class Trials:
    """What was tried, and what failed."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="countersign-soak-"))
        self.failures = []

    def run(self, name, trial, place=None):
        """One trial on an installation of its own; its answer, or `None` if it failed."""
        folder = self.folder / f"{next(NUMBERS)}"
        gateway = Gateway(folder, UPSTREAM.port, change=lambda c: c.update(data=str(place / "data")) if place else None)
        try:
            return trial(gateway)
        except Exception as error:
            self.failures.append(name)
            say(f"FAILED {name}: {type(error).__name__}: {error}")
            if OPTIONS.keep:
                gateway.kill()
                shutil.copytree(folder, Path(OPTIONS.keep) / name.replace(" ", "-"), dirs_exist_ok=True)
            return None
        finally:
            gateway.kill()
            shutil.rmtree(folder, ignore_errors=True)


def say(line):
    print(line, flush=True)


def faults(all_trials):
    """Every call fails once, in turn, with every error that it can have."""
    if why := trials.why_no_strace():
        raise SystemExit(f"soak: {why}")
    counts = all_trials.run("the calls of a whole run", trials.calls_of)
    if counts is None:
        return "no calls"
    say("calls of the busiest thread: " + ", ".join(f"{call} {count}" for call, count in counts.items() if count))
    wanted = OPTIONS.calls.split(",") if OPTIONS.calls else trials.CALLS
    turns = [
        (call, number, error)
        for call in wanted
        for error in trials.ERRORS
        if error != "ENOSPC" or call in trials.FULL
        for number in range(1, counts[call] + 1)
    ]
    failed = Counter()

    def one(turn):
        call, number, error = turn
        happened = all_trials.run(f"{call} {number} {error}", lambda gateway: trials.fail_once(gateway, *turn))
        failed[call if happened else "never came"] += 1
        if sum(failed.values()) % 25 == 0:
            say(f"{sum(failed.values())} of {len(turns)} calls")

    with ThreadPoolExecutor(OPTIONS.parallel) as pool:
        list(pool.map(one, turns))
    return f"{len(turns)} failing calls ({', '.join(f'{call} {count}' for call, count in failed.items())})"


def kills(all_trials):
    """`kill -9` under load, on one installation."""

    def report(line):
        if int(line.split(":")[0].split()[1]) % 10 == 0:
            say(line)

    say(f"kills: --seed {OPTIONS.seed}")
    trial = lambda gateway: trials.kill_again_and_again(gateway, OPTIONS.kills, OPTIONS.seed, report)  # noqa: E731
    onlooker = all_trials.run("kills", trial)
    if onlooker is None:
        return "kills failed"
    return (
        f"{OPTIONS.kills} kills: {len(onlooker.answered):,} answered actions, {len(onlooker.entries):,} entries, "
        f"{len(onlooker.notes):,} checkpoints held against the log {onlooker.checked:,} times"
    )


def disk(all_trials):
    """A file system that fills up under load."""
    if os.geteuid() != 0:
        return "no full disks (a mount needs root)"
    refused = 0
    for number in range(OPTIONS.disks):
        place = all_trials.folder / f"disk-{number}"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={8 + number % 5}m", "tmpfs", str(place)], check=True)
        try:
            onlooker = all_trials.run(f"disk {number}", lambda gateway: trials.full_disk(gateway, place), place)
            refused += onlooker.statuses[503] if onlooker else 0
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False)
    return f"{OPTIONS.disks} full disks: {refused:,} refusals"


def main():
    began = time.monotonic()
    all_trials = Trials()
    commands = {"faults": faults, "kills": kills, "disk": disk}
    chosen = commands if OPTIONS.command == "all" else {OPTIONS.command: commands[OPTIONS.command]}
    try:
        said = [command(all_trials) for command in chosen.values()]
    finally:
        UPSTREAM.stop()
        shutil.rmtree(all_trials.folder, ignore_errors=True)
    failures = len(all_trials.failures)
    say(f"soak: {'; '.join(said)}; {failures} failures; {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
