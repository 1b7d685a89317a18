"""Payloads: sealed at rest, erased by command and by retention, and the log verifies all the same."""

import json
import os
import secrets
import stat
import subprocess

import pytest

from harness.gateway import BINARY
from harness.waiting import eventually

SECRET = "the-patient-is-zacharias"


def files(gateway):
    """Every file of the data folder but the keys, with its bytes."""
    for path in sorted(gateway.data.rglob("*")):
        if path.is_file() and "keys" not in path.parts:
            yield path, path.read_bytes()


def holders(gateway, text):
    return [path.name for path, data in files(gateway) if text.encode() in data]


def run_approved(gateway, path, secret=SECRET):
    """An action with a secret in its body, approved and run; answers the approval."""
    body = json.dumps({"note": secret}).encode()
    ask = gateway.ask("POST", f"/api{path}", ("Content-Type", "application/json"), body=body)
    approval = gateway.pending(path)
    gateway.approve(approval)
    assert ask.answer().status == 200
    gateway.until(approval["id"], "succeeded")
    return gateway.approval(approval["id"])


def erase(gateway, user, path, reason="a person asked for it"):
    return gateway.user(user).post(f"{path}/erase", json={"reason": reason})


def administrator(gateway):
    """A client with the local administrator's right."""
    token = gateway.cli("user", "token", "alice@example.com", "--ttl", "1h", "--admin").stdout.strip()
    return gateway.client("administrator", gateway.control, token)


def test_the_ledgers_files_have_no_plaintext_of_a_payload(own_gateway):
    gateway = own_gateway
    approval = run_approved(gateway, "/held/at-rest")
    read = f"/api/readable?x={SECRET[:3]}"
    gateway.exchange("POST", "/api/orders", ("Content-Type", "application/json"), body=b'{"n": "' + SECRET.encode() + b'"}')
    gateway.exchange("GET", read)
    key = secrets.token_hex(8)
    answer = gateway.user("bob").post(
        f"/v1/approvals/{approval['id']}/decisions",
        json={"decision": "approve", "action_digest": approval["action_digest"]},
        headers={"Idempotency-Key": key},
    )
    assert answer.status_code == 409
    assert SECRET in json.dumps(approval["action"])
    assert not holders(gateway, SECRET)
    assert gateway.stop() == 0
    assert not holders(gateway, SECRET)
    assert stat.S_IMODE((gateway.data / "keys" / "payload.key").stat().st_mode) == 0o600


def test_an_erased_approval_is_gone_everywhere_and_every_proof_holds(own_gateway):
    gateway = own_gateway
    approval = run_approved(gateway, "/held/erase-me")
    before = gateway.verify_receipt(approval["id"], "before.json")
    done = gateway.cli("log", "erase", "--approval", approval["id"], "--reason", "a person asked", "--yes", "--json")
    erased = json.loads(done.stdout)["items"][0]
    assert erased["approval"] == approval["id"]
    after = gateway.approval(approval["id"])
    assert after["action"] is None
    assert after["erased_by"] == erased["entry"]
    assert after["action_digest"] == approval["action_digest"]
    entry = gateway.entries(kind="payload.erased")[0]
    assert entry["sequence"] == erased["entry"]
    assert entry["reason"] == "a person asked"
    assert entry["erased"]["sequences"] == erased["sequences"]
    assert entry["erased"]["reason"] == "request"
    assert entry["actor"]["via"] == "local-administrator"
    # The receipt from before and the one from now both verify; only the document is missing.
    entries, documents = gateway.verify_receipt(approval["id"], "after.json")
    assert [item["sequence"] for item in entries] == [item["sequence"] for item in before[0]]
    assert before[1] and not documents
    old = subprocess.run(
        [BINARY, "verify", "before.json", "--key", gateway.cli("log", "key").stdout.strip()],
        cwd=gateway.folder,
        capture_output=True,
        text=True,
    )
    assert old.returncode == 0, old.stderr
    gateway.verify_log()
    # Again is a conflict, and says so.
    again = gateway.cli("log", "erase", "--approval", approval["id"], "--reason", "x", "--yes", succeed=False)
    assert again.returncode == 6
    assert "already-erased" in again.stderr
    page = gateway.user("alice").get(f"/activity/{erased['sequences'][0]}")
    assert page.status_code in (200, 303, 401)


def test_erasing_one_entry_takes_only_its_payload(own_gateway):
    gateway = own_gateway
    for number in range(3):
        gateway.exchange("GET", f"/api/one-{number}")
    allowed = [entry["sequence"] for entry in gateway.entries(kind="action.allowed")]
    gateway.cli("log", "erase", str(allowed[1]), "--reason", "r", "--yes")
    documents = [
        bool(json.loads(gateway.user("alice").get(f"/v1/entries/{number}/receipt").content)["documents"])
        for number in allowed
    ]
    assert documents == [True, False, True]
    lines = [json.loads(line) for line in gateway.cli("log", "export").stdout.splitlines()]
    assert ["document" in line for line in lines if line["entry"]["sequence"] in allowed] == documents


def test_what_is_under_way_is_not_erased(own_gateway):
    gateway = own_gateway
    gateway.ask("POST", "/api/held/under-way", body=b"x")
    approval = gateway.pending("/held/under-way")
    answer = administrator(gateway).post(f"/v1/approvals/{approval['id']}/erase", json={"reason": "r"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "wrong-state"
    assert gateway.approval(approval["id"])["action"]
    gateway.decide(approval, "deny")
    answer = administrator(gateway).post(f"/v1/approvals/{approval['id']}/erase", json={"reason": "r"})
    assert answer.status_code == 200, answer.text


def test_only_erasers_and_the_local_administrator_may(install):
    def change(configuration):
        configuration["payloads"] = {"erasers": ["security"]}

    gateway = install(change=change).start()
    approval = run_approved(gateway, "/held/who")
    path = f"/v1/approvals/{approval['id']}"
    assert erase(gateway, "alice", path).status_code == 403
    agent = gateway.agent_api().post(f"{path}/erase", json={"reason": "r"})
    assert agent.status_code == 403
    assert gateway.anyone().post(f"{path}/erase", json={"reason": "r"}).status_code == 401
    assert erase(gateway, "carol", path, reason="").status_code == 400
    assert gateway.approval(approval["id"])["action"]
    assert erase(gateway, "carol", path).status_code == 200
    assert gateway.entries(kind="payload.erased")[0]["actor"]["id"] == "carol@example.com"


def test_the_command_asks_first_and_without_a_terminal_wants_yes(own_gateway):
    done = own_gateway.cli("log", "erase", "0", "--reason", "r", succeed=False)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert not own_gateway.entries(kind="payload.erased")


def test_a_key_is_changed_and_a_missing_one_is_named(install):
    def change(configuration):
        configuration["payloads"] = {"key": "env:FIRST"}

    gateway = install(change=change)
    gateway.environment["FIRST"] = secrets.token_hex(32)
    gateway.environment["SECOND"] = subprocess.run(
        ["openssl", "rand", "-base64", "32"], capture_output=True, text=True, check=True
    ).stdout.strip()
    gateway.start()
    approval = run_approved(gateway, "/held/rotation")
    assert not (gateway.data / "keys" / "payload.key").exists()
    assert gateway.stop() == 0
    gateway.configuration["payloads"] = {"key": "env:SECOND"}
    gateway.write_configuration()
    code, said = gateway.refuse_to_start()
    assert code != 0
    assert "payloads.previous" in said
    for name in ("FIRST", "SECOND"):
        assert gateway.environment[name] not in said
    gateway.configuration["payloads"] = {"key": "env:SECOND", "previous": ["env:FIRST"]}
    gateway.write_configuration()
    gateway.start()
    assert gateway.approval(approval["id"])["action"] == approval["action"]
    # The new key seals from now on; a reader beside the server needs both.
    gateway.exchange("GET", "/api/after-rotation")
    lines = [json.loads(line) for line in gateway.cli("log", "export").stdout.splitlines()]
    assert lines and all("document" in line for line in lines if "payload" in line["entry"])


@pytest.mark.parametrize("key", ["short", "00" * 31, "x" * 64])
def test_a_key_that_is_none_is_refused_without_being_repeated(install, key):
    def change(configuration):
        configuration["payloads"] = {"key": "env:PAYLOAD_KEY"}

    gateway = install(change=change)
    gateway.environment["PAYLOAD_KEY"] = key
    code, said = gateway.refuse_to_start()
    assert code != 0
    assert "payloads.key" in said and "openssl rand -base64 32" in said
    assert key not in said


def test_a_term_that_is_too_short_is_refused(install):
    def change(configuration):
        configuration["connections"][0]["retention"] = "10m"

    code, said = install(change=change).refuse_to_start()
    assert code != 0
    assert "connections[0].retention" in said and "1h" in said
