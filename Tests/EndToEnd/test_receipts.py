"""Receipts: proven offline by the command line, and by a verifier that shares no code with the product."""

import json
import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidSignature

from harness.gateway import BINARY
from harness.transparency import Verifier, digest


@pytest.fixture(scope="module")
def receipt(shared_gateway, upstream):
    """The receipt of an action that ran after a refused and an accepted decision: its bytes, the key, the approval."""
    target, gateway = "/held/receipts", shared_gateway
    body = '{"delete": ["Åsa", 1.5, {"b": 1, "a": 2}]}'.encode()
    ask = gateway.ask("POST", f"/api{target}", ("Content-Type", "application/json"), body=body)
    approval = gateway.pending(target)
    gateway.decide(approval, user="olga")
    gateway.approve(approval)
    assert ask.answer().status == 200
    gateway.until(approval["id"], "succeeded")
    key = gateway.cli("log", "key").stdout.strip()
    return gateway.receipt(approval["id"]), key, gateway.approval(approval["id"])


def verify(path, key):
    return subprocess.run([BINARY, "verify", str(path), "--key", key], capture_output=True, text=True, timeout=30)


def test_the_command_line_accepts_a_receipt_and_tells_its_story(receipt, tmp_path):
    data, key, approval = receipt
    (tmp_path / "r.json").write_bytes(data)
    done = verify(tmp_path / "r.json", key)
    assert done.returncode == 0, done.stderr
    for text in (
        "bot",
        "olga@example.com",
        "bob@example.com",
        approval["id"],
        approval["action_digest"],
        "self-approval",
    ):
        assert text in done.stdout
    (tmp_path / "log.key").write_text(key + "\n")
    assert verify(tmp_path / "r.json", str(tmp_path / "log.key")).returncode == 0


def test_the_command_line_verifies_with_the_network_off(receipt, tmp_path):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("taking the network away needs root and unshare")
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("this machine does not let a process leave the network")
    data, key, _ = receipt
    (tmp_path / "r.json").write_bytes(data)
    command = ["unshare", "-n", str(BINARY), "verify", "r.json", "--key", key, "--json"]
    done = subprocess.run(command, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "succeeded"


def test_an_independent_verifier_accepts_the_receipt(receipt):
    data, key, approval = receipt
    entries, documents = Verifier(key).receipt(data)
    assert [entry["kind"] for entry in entries] == [
        "approval.requested",
        "approval.decided",
        "approval.decided",
        "approval.settled",
        "action.dispatched",
        "action.completed",
    ]
    document = documents[entries[0]["sequence"]]
    assert document == approval["action"]
    assert digest(document) == approval["action_digest"] == entries[0]["action"]["digest"]
    assert all(entry["action"]["digest"] == approval["action_digest"] for entry in entries)
    assert entries[0]["preview_digest"] == approval["preview_digest"] == entries[2]["preview_digest"]


@pytest.mark.timeout(120)
def test_the_command_line_rejects_a_receipt_after_any_changed_byte(receipt, tmp_path):
    """A sample of offsets; that every offset is refused is a test of the Swift package, in one process."""
    data, key, _ = receipt
    chance = random.Random(20_261_121)
    offsets = sorted({0, 1, len(data) - 1, len(data) - 2} | {chance.randrange(len(data)) for _ in range(200)})

    def is_refused(offset):
        path = tmp_path / f"{offset}.json"
        path.write_bytes(data[:offset] + bytes([data[offset] ^ (1 << (offset % 8))]) + data[offset + 1 :])
        code = verify(path, key).returncode
        return code in (4, 2), code

    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(offsets, pool.map(is_refused, offsets)))
    assert {offset: code for offset, (refused, code) in results.items() if not refused} == {}


@pytest.mark.parametrize(
    "change",
    [
        "cut",
        "longer",
        "spaces",
        "empty",
        "other key",
        "entry dropped",
        "entries swapped",
        "document dropped",
        "unknown member",
    ],
)
def test_the_command_line_rejects_other_tampering(receipt, tmp_path, change):
    data, key, _ = receipt
    value = json.loads(data)

    def dumps(value):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()

    match change:
        case "cut":
            data = data[:-1]
        case "longer":
            data += b"\n"
        case "spaces":
            data = json.dumps(value).encode()
        case "empty":
            data = b""
        case "other key":
            key = key.replace("e2e.example.com/log", "e3e.example.com/log")
        case "entry dropped":
            del value["entries"][2]
        case "entries swapped":
            value["entries"][1:3] = reversed(value["entries"][1:3])
        case "document dropped":
            value["documents"].clear()
        case "unknown member":
            value["x"] = 1
    if change not in ("cut", "longer", "spaces", "empty"):
        data = dumps(value)
    (tmp_path / "r.json").write_bytes(data)
    done = verify(tmp_path / "r.json", key)
    if change == "document dropped":
        # What stands beside the log may be erased; the receipt then proves the digest alone.
        assert done.returncode == 0
    else:
        assert done.returncode in (2, 4), done.stdout
        assert done.stderr.startswith("error: ")


def test_a_receipt_of_an_allowed_action_verifies(gateway, tmp_path, path):
    gateway.exchange("GET", f"/api/{path}")
    entry = gateway.entries(q=path)[0]
    answer = gateway.user().get(f"/v1/entries/{entry['sequence']}/receipt")
    assert answer.status_code == 200
    (tmp_path / "r.json").write_bytes(answer.content)
    key = gateway.cli("log", "key").stdout.strip()
    assert verify(tmp_path / "r.json", key).returncode == 0
    entries, documents = Verifier(key).receipt(answer.content)
    assert entries == [entry] and documents[entry["sequence"]]["context"]["path"] == f"/{path}"


@pytest.mark.parametrize("end", ["denied", "withdrawn", "pending"])
def test_receipts_of_actions_that_did_not_run_verify(gateway, path, end):
    gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    approval = gateway.pending(f"/{path}")
    if end == "denied":
        gateway.decide(approval, "deny")
    elif end == "withdrawn":
        gateway.agent_api().post(f"/v1/approvals/{approval['id']}/withdraw")
    entries, _ = gateway.verify_receipt(approval["id"])
    assert entries[0]["kind"] == "approval.requested"


def test_the_agent_may_have_its_own_receipt_and_no_others(gateway, receipt):
    _, _, approval = receipt
    url = f"/v1/approvals/{approval['id']}/receipt"
    assert gateway.agent_api("bot").get(url).status_code == 200
    assert gateway.agent_api("other-bot").get(url).status_code == 404
    assert gateway.anyone().get(url).status_code == 401


def test_the_checkpoint_is_signed_and_another_key_does_not_verify_it(gateway):
    note = gateway.anyone().get("/log/checkpoint").text
    verifier = gateway.verifier()
    size, root = verifier.checkpoint(note)
    assert size > 0 and len(root) == 32
    forged = note.replace(f"\n{size}\n", f"\n{size + 1}\n", 1)
    with pytest.raises(InvalidSignature):
        verifier.checkpoint(forged)
    assert gateway.anyone().get("/log/key").text.strip() == gateway.cli("log", "key").stdout.strip()


def test_the_log_only_grows(gateway, path):
    verifier = gateway.verifier()
    before = gateway.verify_log()
    gateway.exchange("GET", f"/api/{path}")
    after = gateway.verify_log()
    assert after[: len(before)] == before and len(after) > len(before)
    assert verifier.checkpoint(gateway.anyone().get("/log/checkpoint").text)[0] >= len(after)
