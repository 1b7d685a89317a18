"""`countersign log fsck` through the real binary: beside the server, after it, and on a ledger that was tampered with."""

import json
import shutil
import sqlite3
import threading

import pytest


def fsck(gateway, *arguments, status=0):
    """The report of a run, as JSON."""
    done = gateway.cli("log", "fsck", "--json", *arguments, succeed=False, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def live(gateway, stop):
    """A load: reads that pass, until told to stop."""
    number = 0
    while not stop.is_set():
        assert gateway.exchange("GET", f"/api/load/{number}").status == 200
        number += 1
    return number


@pytest.fixture
def lived(install):
    """A gateway with a life behind it: passed, refused, held, approved, denied, run, keys, users, sessions."""
    gateway = install().start()
    for number in range(5):
        assert gateway.exchange("GET", f"/api/plain/{number}").status == 200
    assert gateway.exchange("GET", "/api/forbidden/x").status == 403
    for name, decision in (("yes", "approve"), ("no", "deny")):
        ask = gateway.ask("POST", f"/api/held/{name}", body=b"{}")
        approval = gateway.pending(f"/held/{name}")
        assert gateway.decide(approval, user="olga").status_code == 403
        assert gateway.decide(approval, decision).status_code == 200
        ask.answer()
    gateway.ask("DELETE", "/api/waits")
    gateway.pending("/waits")
    gateway.cli("agent", "add", "made-bot", "--owner", "olga@example.com", "--group", "agents")
    gateway.cli("key", "add", "--agent", "made-bot")
    gateway.cli("user", "add", "made@example.com", "--group", "dba")
    return gateway


def test_it_passes_beside_the_running_server_and_after_it(lived):
    stop = threading.Event()
    load = threading.Thread(target=live, args=(lived, stop))
    load.start()
    try:
        sizes = [fsck(lived)["entries"] for _ in range(3)]
    finally:
        stop.set()
        load.join()
    assert sizes == sorted(sizes) and sizes[0] > 15
    # The agent that waits is let go, and what it asked for stays pending.
    size = lived.log_size()
    lived.stop()
    report = fsck(lived)
    assert report["ok"] and report["entries"] >= size
    assert report["approvals"] == 3 and report["identities"] == 4
    text = lived.cli("log", "fsck").stdout
    assert "The log is sound" in text and report["root"] in text


def test_a_server_that_was_killed_leaves_a_sound_log(lived):
    lived.kill()
    assert fsck(lived)["ok"]


def test_what_was_tampered_with_is_named(lived, tmp_path):
    lived.anyone().get("/log/checkpoint")
    lived.stop()
    ledger = lived.data / "ledger.db"
    for sql, code, place in (
        ("UPDATE entry SET body = CAST(replace(body, '/plain/1', '/plain/7') AS BLOB)", None, "entr"),
        ("DELETE FROM entry WHERE sequence = 4", "entry-missing", "entry 4"),
        ("DELETE FROM entry WHERE sequence > 10", "log-cut", "checkpoint"),
        ("UPDATE approval SET status = 'approved' WHERE status = 'denied'", "state-changed", "approval apr_"),
        (
            "UPDATE user SET record = CAST(json_set(CAST(record AS TEXT), '$.groups[0]', 'security') AS BLOB)",
            "state-changed",
            "user made@example.com",
        ),
        (
            "UPDATE agent_key SET record = CAST(json_set(CAST(record AS TEXT), '$.hash', 'x') AS BLOB)",
            "state-changed",
            "agent_key key_",
        ),
    ):
        copy = tmp_path / "ledger.db"
        shutil.copy(ledger, copy)
        database = sqlite3.connect(copy)
        changed = database.execute(sql).rowcount
        database.commit()
        database.close()
        assert changed > 0, sql
        key = lived.cli("log", "key").stdout.strip()
        report = fsck(lived, str(copy), "--key", key, status=4)
        finding = next(finding for finding in report["findings"] if not finding["warning"])
        assert code in (None, finding["code"]), finding
        assert place in finding["place"], finding
        assert finding["remedy"]
        text = lived.cli("log", "fsck", str(copy), "--key", key, succeed=False)
        assert text.returncode == 4 and "NOT sound" in text.stdout and finding["code"] in text.stdout


def test_whoever_holds_a_receipt_notices_an_older_log(lived, tmp_path):
    lived.stop()
    shutil.copytree(lived.data, tmp_path / "old")
    lived.start()
    ask = lived.ask("POST", "/api/held/later", body=b"{}")
    approval = lived.pending("/held/later")
    lived.approve(approval)
    ask.answer()
    lived.until(approval["id"], "succeeded")
    (tmp_path / "receipt.json").write_bytes(lived.receipt(approval["id"]))
    (tmp_path / "checkpoint").write_text(lived.anyone().get("/log/checkpoint").text)
    lived.stop()
    given = ("--receipt", str(tmp_path / "receipt.json"), "--checkpoint", str(tmp_path / "checkpoint"))
    assert fsck(lived, *given)["ok"]
    # The whole data folder put back: by itself it is sound, and only the outsider can tell.
    assert fsck(lived, str(tmp_path / "old"))["ok"]
    report = fsck(lived, str(tmp_path / "old"), *given, status=4)
    assert [finding["code"] for finding in report["findings"]] == ["log-cut"]
    assert "receipt.json" in report["findings"][0]["place"]


def test_a_receipt_that_was_taken_early_gets_a_note(lived, tmp_path):
    approval = lived.pending("/waits")
    (tmp_path / "early.json").write_bytes(lived.receipt(approval["id"]))
    key = lived.cli("log", "key").stdout.strip()
    done = lived.cli("verify", "--json", str(tmp_path / "early.json"), "--key", key, configured=False)
    verified = json.loads(done.stdout)
    assert verified["status"] == "pending"
    assert any("left out" in limit and approval["id"] in limit for limit in verified["limits"])
    assert fsck(lived, "--receipt", str(tmp_path / "early.json"))["findings"] == []
    lived.approve(approval)
    (tmp_path / "late.json").write_bytes(lived.receipt(approval["id"]))
    given = ("--receipt", str(tmp_path / "early.json"), "--receipt", str(tmp_path / "late.json"), "--all")
    report = fsck(lived, *given)
    assert report["ok"] and {finding["code"] for finding in report["findings"]} == {"receipt-thin"}
    assert any("early.json" in finding["place"] for finding in report["findings"])


def test_what_cannot_be_looked_at_is_said(lived, tmp_path):
    assert lived.cli("log", "fsck", str(tmp_path), succeed=False).returncode == 1
    (tmp_path / "ledger.db").write_bytes(b"no database")
    done = lived.cli("log", "fsck", str(tmp_path), succeed=False)
    assert done.returncode == 4 and "database-damaged" in done.stdout
