"""`kill -9` at every step: nothing is lost, nothing runs twice, and the log verifies afterwards."""

import random
import threading
from datetime import datetime, timezone

import pytest

from harness.waiting import eventually
from harness.wire import RawConnection, request_bytes

pytestmark = pytest.mark.timeout(150)


def kill_and_restart(gateway):
    gateway.kill()
    gateway.start()


def entry_kinds_are_whole(gateway):
    """Checks the log as a whole, and that no grant was dispatched twice; answers the entries."""
    entries = gateway.verify_log()
    dispatched = [entry["approval"] for entry in entries if entry["kind"] == "action.dispatched"]
    assert len(dispatched) == len(set(dispatched)), "a grant was used twice"
    return entries


def test_killed_while_pending_the_approval_is_there_again(own_gateway, own_upstream, path):
    ask = own_gateway.ask("DELETE", f"/api/{path}")
    approval = own_gateway.pending(f"/{path}")
    kill_and_restart(own_gateway)
    ask.join(10)
    assert own_gateway.approval(approval["id"]) == approval
    again = own_gateway.ask("DELETE", f"/api/{path}")
    own_gateway.approve(approval)
    assert again.answer().status == 200 and own_upstream.count(f"/{path}") == 1
    own_gateway.until(approval["id"], "succeeded")
    own_gateway.verify_receipt(approval["id"])
    entry_kinds_are_whole(own_gateway)


def test_killed_with_one_of_two_approvals_the_decision_counts(own_gateway, own_upstream, path):
    answer = own_gateway.exchange("POST", f"/api/two-dbas/{path}", ("Prefer", "wait=0"))
    assert answer.status == 202
    approval = own_gateway.pending(f"/two-dbas/{path}")
    assert own_gateway.approve(approval, "alice")["status"] == "pending"
    kill_and_restart(own_gateway)
    assert own_gateway.decide(approval, user="alice").json()["code"] == "already-decided"
    assert own_gateway.approve(approval, "bob")["status"] == "approved"
    entry_kinds_are_whole(own_gateway)


def test_killed_while_approved_the_grant_still_runs_it_once(own_gateway, own_upstream, path):
    own_gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    approval = own_gateway.approve(own_gateway.pending(f"/{path}"))
    assert approval["status"] == "approved"
    kill_and_restart(own_gateway)
    after = own_gateway.approval(approval["id"])
    assert (after["status"], after["grant_expires_at"]) == ("approved", approval["grant_expires_at"])
    assert own_upstream.count() == 0
    assert own_gateway.exchange("DELETE", f"/api/{path}").status == 200
    assert own_upstream.count(f"/{path}") == 1
    own_gateway.until(approval["id"], "succeeded")
    own_gateway.verify_receipt(approval["id"])
    entry_kinds_are_whole(own_gateway)


def test_killed_after_dispatch_the_outcome_is_unknown_and_it_never_runs_again(own_gateway, own_upstream, path):
    gate = own_upstream.stall(f"/{path}")
    ask = own_gateway.ask("DELETE", f"/api/{path}")
    approval = own_gateway.pending(f"/{path}")
    own_gateway.approve(approval)
    assert gate.reached.wait(10)
    assert own_gateway.approval(approval["id"])["status"] == "redeemed"
    own_gateway.kill()
    gate.open()
    ask.join(10)
    own_gateway.start()
    after = own_gateway.approval(approval["id"])
    assert after["status"] == "unknown" and after["outcome"]["result"] == "unknown"
    assert own_gateway.kinds(approval["id"])[-2:] == ["action.dispatched", "action.completed"]
    # Asking again is a new approval, for only people can know what to do now.
    again = own_gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    assert again.status == 202 and approval["id"] not in again.header("location")
    assert own_upstream.count(f"/{path}") == 1
    entries, _ = own_gateway.verify_receipt(approval["id"])
    assert entries[-1]["outcome"]["result"] == "unknown"
    entry_kinds_are_whole(own_gateway)


def test_killed_after_dispatch_of_an_asynchronous_action_it_never_runs_again(own_gateway, own_upstream, path):
    gate = own_upstream.stall(f"/held/{path}")
    own_gateway.exchange("POST", f"/api/held/{path}", ("Prefer", "respond-async"), body=b"once")
    approval = own_gateway.pending(f"/held/{path}")
    own_gateway.approve(approval)
    assert gate.reached.wait(10)
    own_gateway.kill()
    gate.open()
    own_gateway.start()
    assert own_gateway.approval(approval["id"])["status"] == "unknown"
    own_gateway.exchange("GET", f"/api/{path}/afterwards")
    assert own_upstream.count(f"/held/{path}") == 1
    entry_kinds_are_whole(own_gateway)


def test_killed_after_completion_the_kept_result_is_delivered(own_gateway, own_upstream, path):
    gate = own_upstream.stall(f"/{path}", b"kept over the crash")
    ask = own_gateway.ask("DELETE", f"/api/{path}")
    approval = own_gateway.pending(f"/{path}")
    own_gateway.approve(approval)
    assert gate.reached.wait(10)
    ask.abandon()
    gate.open()
    own_gateway.until(approval["id"], "succeeded")
    kill_and_restart(own_gateway)
    answer = own_gateway.exchange("DELETE", f"/api/{path}")
    assert (answer.status, answer.body) == (200, b"kept over the crash")
    assert own_upstream.count(f"/{path}") == 1
    entry_kinds_are_whole(own_gateway)


@pytest.mark.parametrize("body", [b"small", b"L" * 300_000], ids=["small", "spooled"])
def test_an_asynchronous_action_approved_while_the_upstream_was_down_runs_after_a_crash(
    own_gateway, own_upstream, path, body
):
    own_gateway.exchange("POST", f"/api/held/{path}", ("Prefer", "respond-async"), body=body)
    approval = own_gateway.pending(f"/held/{path}")
    own_upstream.stop()
    own_gateway.approve(approval)
    assert own_gateway.approval(approval["id"])["status"] == "approved"
    own_gateway.kill()
    own_upstream.start()
    own_gateway.start()
    own_gateway.until(approval["id"], "succeeded")
    assert [request.body for request in own_upstream.to(f"/held/{path}")] == [body]
    assert own_gateway.agent_api().get(f"/v1/approvals/{approval['id']}/response").status_code == 200
    entry_kinds_are_whole(own_gateway)


def test_an_approval_whose_time_passed_while_the_gateway_was_down_has_expired(own_gateway, path):
    own_gateway.exchange("POST", f"/api/brief/{path}", ("Prefer", "wait=0"))
    approval = own_gateway.pending(f"/brief/{path}")
    own_gateway.kill()
    ends = datetime.fromisoformat(approval["expires_at"])
    eventually(lambda: datetime.now(timezone.utc) > ends)
    own_gateway.start()
    assert own_gateway.approval(approval["id"])["status"] == "expired"
    assert own_gateway.decide(approval).json()["code"] == "already-decided"


def test_sessions_keys_and_users_made_by_command_survive(own_gateway, own_upstream, path):
    key = own_gateway.cli("agent", "add", "made-bot", "--owner", "olga@example.com", "--group", "agents").stdout
    secret = next(word for word in key.split() if word.startswith("cs_"))
    kill_and_restart(own_gateway)
    own_gateway.keys["made-bot"] = secret
    assert own_gateway.exchange("GET", f"/api/{path}", agent="made-bot").status == 200
    assert own_upstream.count(f"/{path}") == 1


def test_what_was_acknowledged_before_a_kill_is_in_the_log(own_gateway, own_upstream, path):
    """Under load, again and again: every answer that an agent got has its entry after the crash."""
    answered, stop, lock = [], threading.Event(), threading.Lock()
    failures = []

    def load(worker):
        chance, number = random.Random(worker), 0
        while not stop.is_set():
            number += 1
            target = f"/{path}/{worker}/{number}"
            held = chance.random() < 0.3
            method, prefer = ("DELETE", [("Prefer", "wait=0")]) if held else (chance.choice(["GET", "POST"]), [])
            try:
                with RawConnection(own_gateway.port, timeout=10) as connection:
                    connection.send(request_bytes(method, "/api" + target, own_gateway.headers("bot", *prefer)))
                    answer = connection.answer()
            except (OSError, ValueError):
                continue
            with lock:
                answered.append((target, answer.status))
            if answer.status not in (200, 202, 503):
                failures.append((target, answer.status, answer.body))

    workers = [threading.Thread(target=load, args=(number,), daemon=True) for number in range(6)]
    for worker in workers:
        worker.start()
    for round in range(4):
        want = len(answered) + 60
        eventually(lambda: len(answered) >= want, 30, "some load")
        kill_and_restart(own_gateway)
    stop.set()
    for worker in workers:
        worker.join(20)
    assert not failures
    entries = entry_kinds_are_whole(own_gateway)
    allowed = {e["action"]["resource"].split(" ", 1)[1] for e in entries if e["kind"] == "action.allowed"}
    held = {e["action"]["resource"].split(" ", 1)[1] for e in entries if e["kind"] == "approval.requested"}
    for target, status in answered:
        if status == 200:
            assert target in allowed, f"{target} was answered and is not in the log"
        elif status == 202:
            assert target in held, f"{target} was said to be held and is not in the log"
    assert len(own_gateway.approvals(status="pending")) <= len(held)
