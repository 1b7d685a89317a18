"""Who may decide: nobody on their own action, only members of the gate's groups, and one person once."""

import pytest


@pytest.fixture
def held(gateway, path):
    """Makes pending approvals on paths of their own."""
    numbers = iter(range(1000))

    def make(*headers, prefix="", method="DELETE", agent="bot"):
        target = f"{prefix}/{path}/{next(numbers)}"
        answer = gateway.exchange(method, f"/api{target}", ("Prefer", "wait=0"), *headers, agent=agent)
        assert answer.status == 202, answer.body
        return gateway.approval(answer.header("location").rsplit("/", 1)[1])

    return make


def refused_and_recorded(gateway, approval, answer, code, user):
    assert answer.status_code == 403 and answer.json()["code"] == code, answer.text
    entry = gateway.entries(approval=approval["id"], kind="approval.decided")[-1]
    assert entry["accepted"] is False and entry["reasons"] == [code] and entry["actor"]["id"] == user
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_the_agents_owner_cannot_approve_by_the_api(gateway, held):
    approval = held()
    refused_and_recorded(gateway, approval, gateway.decide(approval, user="olga"), "self-approval", "olga@example.com")


def test_the_agents_owner_cannot_deny_either(gateway, held):
    approval = held()
    answer = gateway.decide(approval, "deny", user="olga")
    refused_and_recorded(gateway, approval, answer, "self-approval", "olga@example.com")


def test_the_human_acted_for_cannot_approve_by_the_api(gateway, held):
    approval = held(("Countersign-On-Behalf-Of", "bob@example.com"))
    refused_and_recorded(gateway, approval, gateway.decide(approval, user="bob"), "self-approval", "bob@example.com")
    assert gateway.decide(approval, user="alice").status_code == 200


def test_an_agents_key_cannot_decide_and_the_attempt_is_recorded(gateway, held):
    approval = held()
    ballot = {"decision": "approve", "reason": "me", "action_digest": approval["action_digest"]}
    answer = gateway.agent_api("bot").post(f"/v1/approvals/{approval['id']}/decisions", json=ballot)
    refused_and_recorded(gateway, approval, answer, "self-approval", "bot")
    other = gateway.agent_api("other-bot").post(f"/v1/approvals/{approval['id']}/decisions", json=ballot)
    assert other.status_code in (403, 404)
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_without_a_credential_nobody_decides(gateway, held):
    approval = held()
    ballot = {"decision": "approve", "reason": "me", "action_digest": approval["action_digest"]}
    answer = gateway.anyone().post(f"/v1/approvals/{approval['id']}/decisions", json=ballot)
    assert answer.status_code == 401
    assert gateway.approval(approval["id"])["status"] == "pending"


@pytest.mark.parametrize("user", ["erin", "carol"])
def test_a_user_in_none_of_the_gates_groups_cannot_decide(gateway, held, user):
    approval = held()
    answer = gateway.decide(approval, user=user)
    refused_and_recorded(gateway, approval, answer, "not-an-approver", f"{user}@example.com")


def test_an_unknown_user_cannot_decide_even_with_a_token(gateway, held):
    approval = held()
    answer = gateway.decide(approval, user="mallory")
    assert answer.status_code in (401, 403)
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_a_quorum_of_two_needs_two_people(gateway, upstream, held):
    approval = held(prefix="/two-dbas", method="POST")
    gate = approval["gates"][0]
    assert (gate["policy"], gate["quorum"], gate["missing"]) == ("two-dbas", 2, 2)
    first = gateway.approve(approval, "alice")
    assert first["status"] == "pending" and first["gates"][0]["missing"] == 1
    again = gateway.decide(approval, user="alice")
    assert (again.status_code, again.json()["code"]) == (409, "already-decided")
    assert gateway.approve(approval, "bob")["status"] == "approved"


def test_one_deny_settles_whatever_the_quorum(gateway, held):
    approval = held(prefix="/two-dbas", method="POST")
    gateway.approve(approval, "alice")
    assert gateway.decide(approval, "deny", "bob").json()["status"] == "denied"


def test_two_groups_need_somebody_from_each(gateway, held):
    approval = held(prefix="/both-groups", method="POST")
    assert approval["gates"][0]["approvers"] == ["dba", "security"]
    assert gateway.approve(approval, "alice")["status"] == "pending"
    assert gateway.approve(approval, "bob")["status"] == "pending"
    assert gateway.approve(approval, "carol")["status"] == "approved"


def test_one_person_in_both_groups_counts_once(gateway, held):
    approval = held(prefix="/both-groups", method="POST")
    first = gateway.approve(approval, "dave")
    assert first["status"] == "pending" and first["gates"][0]["missing"] == 1
    again = gateway.decide(approval, user="dave")
    assert (again.status_code, again.json()["code"]) == (409, "already-decided")
    assert gateway.approve(approval, "bob")["status"] == "approved"


def test_gates_add_up(gateway, upstream, held):
    approval = held(prefix="/held", method="DELETE")
    assert sorted(gate["policy"] for gate in approval["gates"]) == ["deletes-need-a-dba", "held"]
    # One person may meet two different gates.
    assert gateway.approve(approval, "alice")["status"] == "approved"


def test_a_receipt_of_a_refused_self_approval_tells_of_it(gateway, held):
    approval = held()
    gateway.decide(approval, user="olga")
    gateway.approve(approval)
    entries, _ = gateway.verify_receipt(approval["id"])
    refused = [entry for entry in entries if entry["kind"] == "approval.decided" and not entry["accepted"]]
    assert [entry["actor"]["id"] for entry in refused] == ["olga@example.com"]
