"""Two that race on one approval: one wins, the other hears `already-decided`, and the log tells which."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from harness.waiting import eventually


def together(*calls):
    """Runs calls at the same moment; their results in order."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def held(gateway, path):
    """Makes pending approvals, one after the other."""
    numbers = iter(range(1000))

    def make(prefix=""):
        target = f"{prefix}/{path}/{next(numbers)}"
        answer = gateway.exchange("DELETE", f"/api{target}", ("Prefer", "wait=0"))
        assert answer.status == 202, answer.body
        return gateway.approval(answer.header("location").rsplit("/", 1)[1])

    # Tokens are made before the race.
    for user in ("alice", "bob"):
        gateway.user(user)
    return make


def outcome_of(gateway, approval, answers):
    """Checks that exactly one of the answers won and that the log says the same; answers the winner's entry."""
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert len(won) == 1 and len(lost) == len(answers) - 1, [answer.text for answer in answers]
    assert {(answer.status_code, answer.json()["code"]) for answer in lost} == {(409, "already-decided")}
    decided = gateway.entries(approval=approval["id"], kind="approval.decided")
    accepted = [entry for entry in decided if entry["accepted"]]
    refused = [entry for entry in decided if not entry["accepted"]]
    assert len(accepted) == 1 and len(refused) == len(lost)
    assert all(entry["reasons"] == ["already-decided"] for entry in refused)
    assert len(gateway.entries(approval=approval["id"], kind="approval.settled")) == 1
    return accepted[0]


def test_of_two_approvers_on_one_gate_one_wins(gateway, held):
    for _ in range(8):
        approval = held()
        answers = together(lambda: gateway.decide(approval, user="alice"), lambda: gateway.decide(approval, user="bob"))
        winner = outcome_of(gateway, approval, answers)
        final = gateway.approval(approval["id"])
        assert final["status"] == "approved"
        assert [decision["user"] for decision in final["decisions"]] == [winner["actor"]["id"]]


def test_of_approve_and_deny_one_wins(gateway, held):
    seen = set()
    for _ in range(8):
        approval = held()
        answers = together(
            lambda: gateway.decide(approval, "approve", "alice"), lambda: gateway.decide(approval, "deny", "bob")
        )
        winner = outcome_of(gateway, approval, answers)
        final = gateway.approval(approval["id"])["status"]
        assert final == {"approve": "approved", "deny": "denied"}[winner["decision"]]
        settled = gateway.entries(approval=approval["id"], kind="approval.settled")[0]
        assert settled["status"] == final and settled["sequence"] == winner["sequence"] + 1
        seen.add(final)
    assert seen <= {"approved", "denied"}


def test_one_user_clicking_twice_counts_once(gateway, held):
    approval = held()
    answers = together(*[lambda: gateway.decide(approval, user="bob")] * 4)
    outcome_of(gateway, approval, answers)


def test_of_a_decision_and_the_deadline_one_wins(gateway, path):
    gateway.user("bob")
    seen = set()
    for number in range(4):
        target = f"/brief/{path}/{number}"
        answer = gateway.exchange("POST", f"/api{target}", ("Prefer", "wait=0"))
        approval = gateway.approval(answer.header("location").rsplit("/", 1)[1])
        moment = datetime.fromisoformat(approval["expires_at"]).timestamp()
        # As close to the deadline as Python gets, on either side of it.
        eventually(lambda: time.time() >= moment - 0.004 + number * 0.002, pace=0.0005)
        decision = gateway.decide(approval)
        final = gateway.until(approval["id"], "approved", "expired")
        settled = gateway.entries(approval=approval["id"], kind="approval.settled")
        decided = gateway.entries(approval=approval["id"], kind="approval.decided")
        assert len(settled) == 1 and settled[0]["status"] == final["status"]
        assert len(decided) == 1
        if final["status"] == "approved":
            assert decision.status_code == 200 and decided[0]["accepted"] is True
        else:
            assert (decision.status_code, decision.json()["code"]) == (409, "already-decided")
            assert decided[0]["accepted"] is False and decided[0]["reasons"] == ["already-decided"]
        seen.add(final["status"])
    assert seen


def test_of_a_decision_and_a_withdrawal_one_wins(gateway, held):
    for _ in range(6):
        approval = held()
        withdraw = lambda: gateway.agent_api("bot").post(f"/v1/approvals/{approval['id']}/withdraw")
        decided, withdrawn = together(lambda: gateway.decide(approval), withdraw)
        assert sorted([decided.status_code, withdrawn.status_code]) == [200, 409]
        final = gateway.approval(approval["id"])["status"]
        assert final == ("approved" if decided.status_code == 200 else "withdrawn")
        assert len(gateway.entries(approval=approval["id"], kind="approval.settled")) == 1


def test_an_agent_that_reports_while_the_gateway_runs_its_action_brings_no_outcome(gateway, upstream, path):
    forged = {"result": "failed", "detail": "never sent"}
    for number in range(8):
        target = f"/{path}/{number}"
        answer = gateway.exchange("DELETE", f"/api{target}", ("Prefer", "wait=0"))
        approval = gateway.approve(gateway.approval(answer.header("location").rsplit("/", 1)[1]))
        over = threading.Event()

        def run():
            try:
                return gateway.exchange("DELETE", f"/api{target}")
            finally:
                over.set()

        def report():
            statuses = set()
            while not over.is_set():
                answer = gateway.agent_api("bot").post(f"/v1/approvals/{approval['id']}/outcome", json=forged)
                statuses.add(answer.status_code)
            return statuses

        ran, *reports = together(run, *[report] * 6)
        assert ran.status == 200 and upstream.count(target) == 1
        assert set().union(*reports) <= {409}
        completed = gateway.entries(approval=approval["id"], kind="action.completed")
        assert [entry["actor"] for entry in completed] == [{"type": "System", "id": "countersign"}]
        assert gateway.approval(approval["id"])["outcome"]["result"] == "succeeded"


def test_of_redemption_and_revocation_one_wins(gateway, upstream, path):
    for number in range(6):
        target = f"/{path}/{number}"
        answer = gateway.exchange("DELETE", f"/api{target}", ("Prefer", "wait=0"))
        approval = gateway.approval(answer.header("location").rsplit("/", 1)[1])
        gateway.approve(approval)
        revoke = lambda: gateway.user("bob").post(f"/v1/approvals/{approval['id']}/revoke")
        ran, revoked = together(lambda: gateway.exchange("DELETE", f"/api{target}", ("Prefer", "wait=0")), revoke)
        final = gateway.until(approval["id"], "succeeded", "revoked")["status"]
        assert upstream.count(target) == (1 if final == "succeeded" else 0)
        assert (revoked.status_code == 200) == (final == "revoked")
        assert ran.status in (200, 202, 403, 409)
