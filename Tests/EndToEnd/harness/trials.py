"""Trials of the log: system calls that fail, and processes that are killed, while somebody looks on."""

import random
import re
import shutil
import subprocess
import threading
from collections import Counter
from pathlib import Path

from judges.making import leaf, root
from judges.source import WIDTH, Source, tile_path, tiles_of

from .onlooker import Onlooker
from .waiting import NeverCame, eventually

# Everything that changes the log's files, and the opening of them.
CALLS = [
    *("openat", "pwrite64", "write", "fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2", "unlink"),
    *("mkdir", "rmdir", "fchmod"),
]
ERRORS = ["EIO", "ENOSPC"]
# What a disk does not answer to; a full disk can still delete, sync what it has, and cut files.
FULL = {"openat", "pwrite64", "write", "rename", "renameat", "renameat2", "fdatasync", "fsync", "mkdir"}


def why_no_strace():
    """Why system calls cannot be made to fail here; `None` where they can."""
    if not shutil.which("strace"):
        return "strace is not here: script/setup --test installs it"
    done = subprocess.run(["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return f"strace may not trace here: {done.stderr.strip()[-200:]}" if done.returncode else None


def prepare(gateway):
    """Publishes the log to a folder; paths are whole ones, for strace compares those of calls as they are written."""
    gateway.configuration["data"] = str(gateway.data.resolve())
    gateway.configuration["log"]["folder"] = str(published(gateway))
    gateway.write_configuration()


def published(gateway):
    """Where the log is published."""
    return gateway.folder.resolve() / "published"


def watched(gateway):
    """The log's files and folders; of the published ones as many as a trial can make."""
    data, place = gateway.data.resolve(), published(gateway)
    names = ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal", "ledger.db.lock"]
    found = [data, *(data / name for name in names), place]
    files = [data / "checkpoint", place / "checkpoint"]
    for content in (0, "entries"):
        partial = [place / tile_path(content, 0, width) for width in range(1, 64)]
        found += [partial[0].parent, partial[0].parent.parent]
        files += partial
    # Each is written under another name first.
    return found + files + [path.with_name(path.name + ".new") for path in files]


def trace(gateway, *options):
    """Starts from now on under strace, which looks at the log's files only."""
    prepare(gateway)
    paths = [word for path in watched(gateway) for word in ("-P", str(path))]
    gateway.wrapper = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(gateway.folder / "trace"), *options, *paths]


def drive(gateway, onlooker, count=12):
    """A fixed load: allowed actions one after the other, a held one that is approved, checkpoints in between."""
    for number in range(count):
        status = onlooker.ask(f"/trial/{number}")
        assert status in (200, 503, None), status
        if number % 3 == 0:
            onlooker.look()
        if gateway.process.poll() is not None:
            return
    try:
        held = gateway.exchange("DELETE", "/api/trial/held", ("Prefer", "wait=0"))
        assert held.status in (202, 503), held.status
        if held.status == 202:
            decision = gateway.decide(gateway.pending("/trial/held"))
            assert decision.status_code in (200, 503), decision.text
            ran = gateway.exchange("DELETE", "/api/trial/held", ("Prefer", "wait=0"))
            assert ran.status in (200, 202, 503), ran.status
    except (OSError, NeverCame):
        assert gateway.process.poll() is not None or not gateway.is_ready(), "no answer from a gateway that is well"
    onlooker.look()


def calls_of(gateway):
    """How often each call is made in a run in which none fails: the most by any one thread, as strace counts."""
    trace(gateway, "-e", "trace=" + ",".join(CALLS))
    gateway.start()
    drive(gateway, Onlooker(gateway))
    gateway.kill()
    counts = Counter(re.findall(r"^(\d+) +(\w+)\(", (gateway.folder / "trace").read_text(), re.MULTILINE))
    return {call: max((n for (_, name), n in counts.items() if name == call), default=0) for call in CALLS}


def fail_once(gateway, call, number, error):
    """One trial: the call fails once, then the gateway is killed; whatever a client was told must hold afterwards.

    strace counts the calls of each thread by themselves, so on several threads each may fail once.
    """
    onlooker = Onlooker(gateway)
    trace(gateway, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}")
    gateway.spawn()
    try:
        eventually(gateway.is_ready, 60, "readiness")
        drive(gateway, onlooker)
    except RuntimeError as error:
        # It did not start, and must have said why.
        assert re.search(r"ledger|data|disk|keys|log", str(error)), error
    gateway.kill()
    keep_what_is_published(gateway, onlooker)
    happened = "(INJECTED)" in (gateway.folder / "trace").read_text()
    gateway.wrapper = []
    gateway.start()
    before = set(onlooker.answered)
    assert onlooker.ask("/trial/afterwards") == 200, "it does not work again"
    onlooker.verify(before)
    fsck(gateway)
    verify_published(gateway, onlooker)
    return happened


def keep_what_is_published(gateway, onlooker):
    """Takes up the checkpoints that lie in files: others may have seen them, whatever the gateway remembers."""
    for path in (gateway.data / "checkpoint", published(gateway) / "checkpoint"):
        if path.exists():
            onlooker.notes.add(path.read_text())


def verify_published(gateway, onlooker, folder=None):
    """Checks that the published folder, or a copy, has all of the log that its checkpoint promises."""
    folder = folder or published(gateway)
    source = Source(folder)
    if not (folder / "checkpoint").exists():
        return
    size, found = gateway.verifier().checkpoint(source.read("checkpoint").decode())
    entries = source.entries(size)
    leaves = [leaf(entry) for entry in entries]
    assert root(leaves) == found, "the published entries do not hash to the published checkpoint"
    assert found == onlooker.roots[size], "the published checkpoint is of another log"
    for level, index, width in tiles_of(size):
        below, first = WIDTH**level, index * WIDTH
        hashes = [root(leaves[(first + n) * below : (first + n + 1) * below]) for n in range(width)]
        assert source.read(tile_path(level, index, width)) == b"".join(hashes), f"tile {level}/{index} is another"


def fsck(gateway):
    """`countersign log fsck` on the stopped installation, or where there is none, what a start checks."""
    assert gateway.stop() == 0
    if has_fsck(gateway):
        done = gateway.cli("log", "fsck", succeed=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        gateway.start()
        gateway.stop()


def has_fsck(gateway):
    return "fsck" in gateway.cli("log", "--help", configured=False).stdout


def fill(folder):
    """Takes all the space that a file system has, to the last block; the file that takes it."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 16, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return filler


def full_disk(gateway, disk):
    """The disk fills up under load, is made room on, and the process is killed: everything answered is there."""
    onlooker = Onlooker(gateway)
    gateway.start()
    storm = Storm(onlooker)
    try:
        eventually(lambda: len(onlooker.answered) >= 20 or storm.failures, 60, "answers")
        filler = fill(disk)
        eventually(lambda: onlooker.statuses[503] >= 10 or storm.failures, 60, "refusals")
        filler.unlink()
        goal = len(onlooker.answered) + 20
        eventually(lambda: len(onlooker.answered) >= goal or storm.failures, 60, "answers after room was made")
        filler = fill(disk)
        refusals = onlooker.statuses[503] + 10
        eventually(lambda: onlooker.statuses[503] >= refusals or storm.failures, 60, "refusals")
        gateway.kill()
    finally:
        storm.end()
    answered = set(onlooker.answered)
    filler.unlink()
    gateway.start()
    onlooker.verify(answered)
    fsck(gateway)
    return onlooker


class Storm:
    """Clients that ask for as long as it lasts, and one that collects checkpoints, whatever happens to the gateway."""

    def __init__(self, onlooker, clients=4):
        self.onlooker = onlooker
        self.over = threading.Event()
        self.failures = []
        work = [lambda client=client: self.ask(client) for client in range(clients)] + [onlooker.look]
        self.threads = [threading.Thread(target=self.run, args=(each,), daemon=True) for each in work]
        self.counts = Counter()
        for thread in self.threads:
            thread.start()

    def run(self, work):
        while not self.over.is_set():
            try:
                if work() is None:
                    # Nobody answers: until it is back, ask now and then.
                    self.over.wait(0.02)
            except Exception as error:
                self.failures.append(error)
                return

    def ask(self, client):
        self.counts[client] += 1
        status = self.onlooker.ask(f"/storm/{client}/{self.counts[client]}")
        assert status in (200, 503, None), status
        return status

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        assert not self.failures, self.failures


def kill_again_and_again(gateway, kills, seed=4, report=lambda line: None):
    """`kill -9` under load; after each start, all that was answered is in the log and no checkpoint disagrees."""
    chance = random.Random(seed)
    onlooker = Onlooker(gateway)
    prepare(gateway)
    gateway.start()
    storm = Storm(onlooker)
    try:
        for number in range(kills):
            goal = len(onlooker.answered) + chance.randrange(1, 60)
            eventually(lambda: len(onlooker.answered) >= goal or storm.failures, 60, "answers", pace=0.002)
            assert not storm.failures, storm.failures
            gateway.kill()
            answered = set(onlooker.answered)
            keep_what_is_published(gateway, onlooker)
            # As the crash left it.
            before = Path(shutil.copytree(published(gateway), gateway.folder / "as-left", dirs_exist_ok=True))
            gateway.start()
            size = onlooker.verify(answered)
            verify_published(gateway, onlooker, before)
            shutil.rmtree(before)
            report(f"kill {number + 1}: {len(answered)} answered, {size} entries, {len(onlooker.notes)} checkpoints")
    finally:
        storm.end()
    onlooker.verify()
    fsck(gateway)
    verify_published(gateway, onlooker)
    return onlooker
