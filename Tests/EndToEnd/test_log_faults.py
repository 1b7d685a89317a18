"""The log's disk fails, its process dies, its files and its clock are changed: nothing that was said becomes untrue.

`script/soak` does the same at full length.
"""

import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import rfc8785
from harness import trials
from harness.gateway import Gateway
from harness.onlooker import Onlooker
from judges import Refused, merkle

pytestmark = pytest.mark.timeout(180)

# Of each kind of call one that matters: at the start, in the first commits, and in the middle of the load.
FAILURES = [
    ("openat", 8, "EIO"),
    ("openat", 15, "EIO"),
    ("pwrite64", 3, "ENOSPC"),
    ("pwrite64", 25, "EIO"),
    ("pwrite64", 40, "ENOSPC"),
    ("fdatasync", 1, "EIO"),
    ("fdatasync", 9, "EIO"),
    ("ftruncate", 1, "EIO"),
    ("fsync", 4, "EIO"),
    ("rename", 3, "EIO"),
]


@pytest.fixture
def strace():
    if why := trials.why_no_strace():
        pytest.skip(why)


@pytest.mark.parametrize("call,number,error", FAILURES)
def test_a_call_that_fails_loses_nothing_that_was_answered(strace, install, call, number, error):
    assert trials.fail_once(install(), call, number, error), f"the {number}th {call} never came: choose another"


def test_killed_again_and_again_under_load_the_log_stays_one_log(install):
    onlooker = trials.kill_again_and_again(install(), 8)
    assert len(onlooker.answered) > 8 and len(onlooker.notes) > 8


def test_a_disk_that_fills_up_under_load_loses_nothing_that_was_answered(install, small_disk):
    gateway = install(change=lambda c: c.update(data=str(small_disk / "data")))
    onlooker = trials.full_disk(gateway, small_disk)
    assert set(onlooker.statuses) <= {200, 503}


# Changed while nobody looked


@pytest.fixture(scope="module")
def grown(scratch, upstream, tmp_path_factory):
    """A stopped installation with more entries than a tile has, a copy of its data, and what an onlooker kept of it."""
    gateway = Gateway(scratch / "grown", upstream.port)
    gateway.start()
    onlooker = Onlooker(gateway)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(onlooker.ask, (f"/grown/{number}" for number in range(300))))
    assert set(statuses) == {200}
    onlooker.verify()
    assert gateway.stop() == 0
    gateway.copy = tmp_path_factory.mktemp("grown") / "data"
    shutil.copytree(gateway.data, gateway.copy)
    yield gateway, onlooker
    gateway.kill()


@pytest.fixture
def changed(grown):
    """The same, to be changed; as it was before for the next test."""
    gateway, onlooker = grown
    restore(gateway)
    return gateway, onlooker


def restore(gateway):
    """Brings all of the data folder back as it was."""
    gateway.kill()
    shutil.rmtree(gateway.data)
    shutil.copytree(gateway.copy, gateway.data)


def change(gateway, *statements):
    with sqlite3.connect(gateway.data / "ledger.db") as database:
        for statement in statements:
            assert database.execute(statement).rowcount > 0, statement
    database.close()


DAMAGES = {
    "the newest entries cut off": (
        ["DELETE FROM entry WHERE sequence >= (SELECT max(size) FROM checkpoint) - 5"],
        ["the log was cut or rewritten", "a checkpoint of"],
    ),
    "an entry in the middle taken out": (["DELETE FROM entry WHERE sequence = 270"], ["the log was cut or rewritten"]),
    "one of the newest entries changed": (
        ["UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'bot', 'bat') AS BLOB) WHERE sequence = 290"],
        ["the log was cut or rewritten", "are not those that were signed"],
    ),
    "a tile changed": (
        ["UPDATE tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE level = 0"],
        ["the log was cut or rewritten", "are not those that were signed"],
    ),
    "a tile cut short": (["UPDATE tile SET hashes = substr(hashes, 1, 8000)"], ["tile 0/0 is missing or damaged"]),
    "a tile taken out": (["DELETE FROM tile"], ["the log was cut or rewritten", "0 full tiles"]),
    "the checkpoint's signature changed": (
        ["UPDATE checkpoint SET note = replace(note, substr(note, -20, 4), 'AAAA')"],
        ["the ledger's own memory", "not a checkpoint that the log key"],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_changed_ledger_does_not_start_and_what_is_wrong_is_named(changed, name):
    gateway, _ = changed
    statements, words = DAMAGES[name]
    change(gateway, *statements)
    code, said = gateway.refuse_to_start()
    assert code != 0
    for word in words:
        assert word in said, said


def test_an_old_entry_that_was_changed_is_found_by_whoever_kept_a_checkpoint(changed):
    gateway, onlooker = changed
    change(
        gateway,
        "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '/grown/', '/grow n/') AS BLOB) WHERE sequence = 17",
    )
    if trials.has_fsck(gateway):
        done = gateway.cli("log", "fsck", succeed=False)
        assert done.returncode != 0 and "17" in done.stdout + done.stderr
    gateway.start()
    with pytest.raises(AssertionError, match="does not hash to its signed root"):
        gateway.verify_log()


@pytest.mark.parametrize("what", ["the database", "the data folder"])
def test_a_log_that_went_back_does_not_start(changed, what, tmp_path, path):
    """The file beside the database knows what was signed; where that went back, too, the published folder does."""
    gateway, _ = changed
    if what == "the data folder":
        gateway.configuration["log"]["folder"] = str(tmp_path / "published")
        gateway.write_configuration()
    gateway.start()
    gateway.exchange("POST", f"/api/{path}")
    size = gateway.log_size()
    assert gateway.stop() == 0
    if what == "the database":
        for file in gateway.data.glob("ledger.db*"):
            file.unlink()
        shutil.copy(gateway.copy / "ledger.db", gateway.data)
    else:
        restore(gateway)
    code, said = gateway.refuse_to_start()
    gateway.configuration["log"].pop("folder", None)
    gateway.write_configuration()
    assert code != 0 and f"a checkpoint of {size} was published" in said and "older backup" in said, said


@pytest.mark.parametrize("damage", ["flipped", "cut"])
def test_a_damaged_memory_of_the_checkpoint_is_named(changed, damage):
    gateway, _ = changed
    memory = gateway.data / "checkpoint"
    data = memory.read_bytes()
    memory.write_bytes(data[:40] if damage == "cut" else data.replace(b"e2e", b"e3e", 1))
    code, said = gateway.refuse_to_start()
    assert code != 0 and str(memory) in said and "not a checkpoint that the log key" in said


def test_cut_entries_are_found_by_whoever_holds_a_receipt_or_a_checkpoint(changed, path):
    """The whole data folder is that of an hour ago: nothing in it can know that there was more."""
    gateway, _ = changed
    gateway.start()
    gateway.exchange("POST", f"/api/{path}")
    number = gateway.entries(q=path)[-1]["sequence"]
    receipt = gateway.user("alice").get(f"/v1/entries/{number}/receipt").json()
    proven_under = receipt["entries"][0]["proof"].split("\n\n", 1)[1].encode()
    kept = gateway.anyone().get("/log/checkpoint").content
    gateway.kill()
    restore(gateway)
    gateway.start()
    # As short as it was then, and later as long as it had been, with other entries.
    for goal in (0, number + 2):
        while gateway.log_size() < goal:
            gateway.exchange("POST", f"/api/{path}/other")
        note = gateway.anyone().get("/log/checkpoint").content
        tree = merkle.grow([rfc8785.dumps(entry) for entry in gateway.entries()])
        merkle.verify(tree, note)
        for held in (kept, proven_under):
            with pytest.raises(Refused):
                merkle.verify(tree, note, [held])


# The clock


@pytest.fixture
def clock(tmp_path):
    """A file with the seconds that are added to the gateway's clock, and what starts a gateway with that clock."""
    compiler = shutil.which("clang") or shutil.which("cc")
    if not compiler or sys.platform != "linux":
        pytest.skip("setting a process's clock needs a C compiler, and Linux")
    library, file = tmp_path / "clock.so", tmp_path / "clock"
    source = Path(trials.__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True, timeout=120)
    file.write_text("0")
    return file, ["env", f"LD_PRELOAD={library}", f"CLOCK_OFFSET={file}"]


def test_a_clock_that_goes_back_stops_everything_until_it_is_right_again(install, clock, path):
    file, wrapper = clock
    gateway = install()
    gateway.wrapper = wrapper
    gateway.start()
    onlooker = Onlooker(gateway)
    assert onlooker.ask(f"/{path}/1") == 200
    file.write_text("-3")
    assert onlooker.ask(f"/{path}/2") == 200, "time servers correct seconds"
    file.write_text("-60")
    answer = gateway.exchange("POST", f"/api/{path}/3")
    assert (answer.status, answer.code) == (503, "clock-unreliable")
    file.write_text("0")
    assert onlooker.ask(f"/{path}/4") == 200
    onlooker.verify()
    times = [datetime.fromisoformat(entry["time"]) for entry in onlooker.entries]
    newest = [max(times[: number + 1]) for number in range(len(times))]
    assert all(latest - time <= timedelta(seconds=5) for time, latest in zip(times, newest))
    assert not [entry for entry in onlooker.entries if f"/{path}/3" in entry.get("action", {}).get("resource", "")]


def test_started_with_a_clock_that_went_back_nothing_runs(install, clock, path):
    file, wrapper = clock
    gateway = install()
    gateway.wrapper = wrapper
    gateway.start()
    onlooker = Onlooker(gateway)
    assert onlooker.ask(f"/{path}/1") == 200
    gateway.kill()
    file.write_text("-3600")
    gateway.start()
    answer = gateway.exchange("POST", f"/api/{path}/2")
    assert (answer.status, answer.code) == (503, "clock-unreliable")
    gateway.kill()
    file.write_text("0")
    gateway.start()
    assert onlooker.ask(f"/{path}/3") == 200
    onlooker.verify()
