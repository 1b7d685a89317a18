"""The colocated core of AuthZEN's Access Request and Approval Profile: a denial, a task, people, and one evaluation more."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.gateway import Gateway
from harness.transparency import digest
from harness.waiting import eventually
from test_api import document, is_problem
from test_authzen import ask, codes, decision, short
from test_log_faults import clock  # noqa: F401, a fixture

TYPES = "urn:openid:authzen:access-request:error:"


def served(configuration):
    configuration["api"] = {"access_requests": "draft-1"}


@pytest.fixture(scope="module")
def desk(scratch, upstream):
    """A gateway that takes access requests."""
    gateway = Gateway(scratch / "desk", upstream.port, served).start()
    yield gateway
    gateway.stop()
    gateway.cli("log", "fsck", timeout=300)


def is_error(answer, status, name):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == TYPES + name and answer.json()["status"] == status, answer.text
    assert answer.json()["detail"] and answer.json()["code"] and answer.json()["title"]


def denied(gateway, question, agent="bot"):
    """The context of a denial that can be lifted."""
    answer = ask(gateway, question, agent)
    assert decision(answer) is False and "access_request" in answer.json()["context"], answer.text
    return answer.json()["context"]


def wanted(question, context, **more):
    """The request for what was denied."""
    denial = {
        "evaluation_id": context["evaluation_id"],
        "evaluated_at": context["evaluated_at"],
        "expires_at": context["access_request"]["expires_at"],
        "reason": context["reason"],
    }
    return question | {"denial": denial} | more


def post(gateway, body, agent="bot", **headers):
    return gateway.agent_api(agent).post("/access/v1/requests", json=body, headers=headers)


def task(gateway, question, agent="bot"):
    """A pending task, as the answer has it."""
    answer = post(gateway, wanted(question, denied(gateway, question, agent)), agent)
    assert answer.status_code == 202, answer.text
    return answer.json()["task"]


def look(gateway, identifier, agent="bot"):
    return gateway.agent_api(agent).get(f"/access/v1/requests/{identifier}")


def again(question, approval):
    """The question with the approval."""
    return question | {"context": question["context"] | {"approval": approval}}


def granted(gateway, question):
    """The approval of a task that people approved."""
    made = task(gateway, question)
    gateway.approve(gateway.approval(made["id"]))
    found = look(gateway, made["id"]).json()
    assert found["task"]["status"] == "approved" and found["result"]["mode"] == "reevaluate"
    return found["result"]["approval"]


def test_the_metadata_names_the_endpoint_and_the_capability(desk):
    found = desk.anyone().get("/.well-known/authzen-configuration").json()
    assert found["access_request_endpoint"] == f"http://127.0.0.1:{desk.control}/access/v1/requests"
    assert found["capabilities"] == ["urn:openid:authzen:capability:access-request"]
    paths = desk.anyone().get("/openapi.json").json()["paths"]
    assert {"/access/v1/requests", "/access/v1/requests/{id}", "/access/v1/requests/{id}/cancel"} <= set(paths)


def test_the_whole_way_from_the_denial_to_the_permit(desk, path):
    question = short(path, "delete", business_justification="The order was entered twice.")
    context = denied(desk, question)
    assert context["reason"] == "approval-required" and context["evaluation_id"].startswith("eval_")
    assert context["access_request"]["endpoint"] == f"http://127.0.0.1:{desk.control}/access/v1/requests"
    assert context["access_request"]["expires_at"] > context["evaluated_at"]
    answer = post(desk, wanted(question, context))
    assert answer.status_code == 202, answer.text
    made = answer.json()["task"]
    assert answer.headers["location"] == made["status_endpoint"] and int(answer.headers["retry-after"]) >= 1
    assert made["status"] == "pending" and made["links"]["cancel"] == made["status_endpoint"] + "/cancel"
    assert made["status_endpoint"].endswith(f"/access/v1/requests/{made['id']}") and "result" not in answer.json()
    # One authority: the task is the approval, with the same document, the agent's words, and the same inbox.
    approval = desk.approval(made["id"])
    assert approval["action_digest"] == digest(document(path, "delete")) and approval["status"] == "pending"
    assert approval["justification"] == "The order was entered twice."
    early = ask(desk, again(question, {"id": made["id"]}))
    assert decision(early) is False and early.json()["context"]["reason"] == "grant_pending"
    assert early.json()["context"]["next_action"] == "retry" and "access_request" not in early.json()["context"]
    desk.approve(approval)
    found = look(desk, made["id"])
    assert found.status_code == 200 and "retry-after" not in found.headers
    grant = found.json()["result"]["approval"]
    assert grant["id"] == made["id"] and grant["approved_until"] > grant["approved_at"]
    permit = ask(desk, again(question, grant))
    assert decision(permit) is True
    assert permit.json()["context"] == {
        "action_digest": approval["action_digest"],
        "approval": {"id": made["id"], "approved_until": grant["approved_until"]},
    }
    # Once.
    used = ask(desk, again(question, grant))
    assert decision(used) is False and used.json()["context"]["reason"] == "approval_expired"
    assert codes(used) == ["grant-used", "approval-required"] and used.json()["context"]["next_action"] == "request"
    done = desk.agent_api().post(f"/v1/approvals/{made['id']}/outcome", json={"result": "succeeded"})
    assert done.status_code == 200, done.text
    assert desk.kinds(made["id"]) == [
        "approval.requested",
        "approval.decided",
        "approval.settled",
        "action.dispatched",
        "action.completed",
    ]
    assert desk.entries(approval=made["id"], kind="action.dispatched")[0]["actor"]["via"] == "authzen"
    assert look(desk, made["id"]).json()["task"]["status"] == "approved"
    desk.verify_receipt(made["id"])


def test_a_task_follows_its_approval(desk, path):
    refused = task(desk, short(path + "/denied", "delete"))
    desk.decide(desk.approval(refused["id"]), "deny")
    answer = look(desk, refused["id"]).json()
    assert answer["task"]["status"] == "denied" and "result" not in answer and "cancel" not in answer["task"]["links"]
    presented = ask(desk, again(short(path + "/denied", "delete"), {"id": refused["id"]}))
    assert presented.json()["context"]["reason"] == "policy_denied" and codes(presented)[0] == "approval-denied"
    assert presented.json()["context"]["next_action"] == "none"
    expired = task(desk, short("brief/" + path))
    eventually(lambda: look(desk, expired["id"]).json()["task"]["status"] == "expired", 10)
    late = ask(desk, again(short("brief/" + path), {"id": expired["id"]}))
    assert late.json()["context"]["reason"] == "approval_expired"
    two = task(desk, short("two-dbas/" + path))
    desk.approve(desk.approval(two["id"]), "bob")
    assert look(desk, two["id"]).json()["task"]["status"] == "pending"
    desk.approve(desk.approval(two["id"]), "alice")
    assert look(desk, two["id"]).json()["task"]["status"] == "approved"


def test_an_approval_that_was_taken_back_or_has_lapsed_does_not_count(desk, path):
    question = short(path, "delete")
    grant = granted(desk, question)
    assert desk.user("alice").post(f"/v1/approvals/{grant['id']}/revoke").status_code == 200
    revoked = ask(desk, again(question, grant))
    assert decision(revoked) is False and codes(revoked)[0] == "approval-revoked"
    assert look(desk, grant["id"]).json()["task"]["status"] == "approved"
    question = short("short-grant/" + path)
    grant = granted(desk, question)
    desk.until(grant["id"], "lapsed")
    late = ask(desk, again(question, grant))
    assert decision(late) is False and late.json()["context"]["reason"] == "approval_expired"
    assert codes(late)[0] == "grant-lapsed"
    # A new denial comes along, and with it the way to a new approval.
    assert post(desk, wanted(question, late.json()["context"])).status_code == 202


def test_a_task_is_cancelled_once_and_by_its_agent(desk, path):
    made = task(desk, short(path, "delete"))
    url = f"/access/v1/requests/{made['id']}/cancel"
    is_error(desk.agent_api("other-bot").post(url), 404, "unknown_task")
    is_problem(desk.agent_api().post(url, json={"more": 1}), 400, "bad-request")
    answer = desk.agent_api().post(url, json={"reason": "changed-plan", "comment": "Not needed any more."})
    assert answer.status_code == 200 and answer.json()["task"]["status"] == "cancelled"
    is_error(desk.agent_api().post(url), 409, "invalid_task_state")
    assert desk.approval(made["id"])["status"] == "withdrawn"
    is_error(desk.agent_api().post("/access/v1/requests/apr_" + "0" * 26 + "/cancel"), 404, "unknown_task")


def test_the_same_request_is_the_same_task(desk, path):
    question = short(path, "delete")
    first = denied(desk, question)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    one = post(desk, wanted(question, first), **key)
    two = post(desk, wanted(question, first), **key)
    assert one.content == two.content and two.headers["location"] == one.headers["location"]
    other = post(desk, wanted(question, first, requested_access={"requested_until": "2030-01-01T00:00:00Z"}), **key)
    is_error(other, 409, "duplicate_request")
    # Without a key, and from another denial of the same action, it is the same task, too.
    third = post(desk, wanted(question, denied(desk, question)))
    assert third.status_code == 202 and third.json()["task"]["id"] == one.json()["task"]["id"]
    desk.approve(desk.approval(one.json()["task"]["id"]))
    ready = post(desk, wanted(question, first))
    assert ready.status_code == 201 and ready.json()["result"]["approval"]["id"] == one.json()["task"]["id"]


# What does not bind


def test_a_request_is_bound_to_a_denial_of_exactly_this_action_and_agent(desk, path):
    question = short(path, "delete")
    context = denied(desk, question)
    size = len(desk.approvals(status="pending"))
    other = short(path + "/other", "delete")
    is_error(post(desk, wanted(other, context)), 400, "invalid_denial_binding")
    graver = short(path, "delete", payload={"media_type": "text/plain", "text": "all"})
    is_error(post(desk, wanted(graver, context)), 400, "invalid_denial_binding")
    theirs = short(path, "delete", agent="other-bot")
    is_error(post(desk, wanted(theirs, context), "other-bot"), 400, "invalid_denial_binding")
    foreign = denied(desk, theirs, "other-bot")
    is_error(post(desk, wanted(question, foreign)), 400, "invalid_denial_binding")
    is_problem(post(desk, wanted(theirs, context)), 403, "not-allowed")
    allowed = ask(desk, short(path + "/allowed"))
    assert decision(allowed) is True
    number = desk.entries(q=path + "/allowed")[-1]["sequence"]
    for wrong in (f"eval_{number}", "eval_0", "eval_-1", "eval_01", "eval_", "eval_" + "9" * 30, "eval_9223372036854775807", "x", ""):
        body = wanted(question, context)
        body["denial"]["evaluation_id"] = wrong
        is_error(post(desk, body), 400, "invalid_denial_binding")
    for change in ({"evaluation_id": None}, {"evaluation_id": 7}, {"binding_token": "e30.e30.e30"}):
        body = wanted(question, context)
        body["denial"] |= change
        is_error(post(desk, body), 400, "invalid_denial_binding")
    for body in (question, question | {"denial": []}, question | {"denial": {}}):
        is_error(post(desk, body), 400, "invalid_denial_binding")
    assert len(desk.approvals(status="pending")) == size


def test_what_nobody_can_lift_or_nobody_need_lift_is_not_requestable(install, path):
    gateway = install(change=served).start()
    question = short(path, "delete")
    context = denied(gateway, question)
    assert "access_request" not in ask(gateway, short("forbidden/" + path)).json()["context"]
    gateway.write_policy("main.cedar", 'permit (principal, action, resource);')
    eventually(lambda: decision(ask(gateway, question)) is True, 10)
    is_error(post(gateway, wanted(question, context)), 400, "not_requestable")
    gateway.write_policy("main.cedar", 'forbid (principal, action, resource);')
    eventually(lambda: decision(ask(gateway, question)) is False, 10)
    answer = post(gateway, wanted(question, context))
    is_error(answer, 400, "not_requestable")
    assert answer.json()["reasons"]
    assert gateway.approvals() == []


def test_policy_that_became_stricter_wins_over_an_approval(install, path):
    gateway = install(change=served).start()
    question = short(path, "delete")
    grant = granted(gateway, question)
    gateway.write_policy("main.cedar", 'permit (principal, action, resource);\nforbid (principal is Agent, action, resource);')
    eventually(lambda: "access_request" not in ask(gateway, question).json()["context"], 10)
    answer = ask(gateway, again(question, grant))
    assert decision(answer) is False and answer.json()["context"]["reason"] == "policy_denied"
    assert answer.json()["context"]["next_action"] == "none"


def test_a_denial_ends_and_with_it_what_it_binds(install, clock, path):  # noqa: F811
    file, wrapper = clock
    gateway = install(change=served)
    gateway.wrapper = wrapper
    gateway.start()
    question = short(path, "delete")
    context = denied(gateway, question)
    file.write_text("590")
    assert post(gateway, wanted(question, context)).status_code == 202
    other = short(path + "/2", "delete")
    context = denied(gateway, other)
    file.write_text("1200")
    is_error(post(gateway, wanted(other, context)), 410, "expired_denial")
    # What the caller says of the deadline is not asked.
    late = wanted(other, context)
    late["denial"]["expires_at"] = "2999-01-01T00:00:00Z"
    is_error(post(gateway, late), 410, "expired_denial")


@pytest.mark.parametrize(
    "change",
    [
        {"callback": {"endpoint": "https://pep.example.com/"}},
        {"items": []},
        {"context": []},
        {"subject": None},
        {"more": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_the_core_does_not_have_is_refused_and_not_passed_over(desk, path, change):
    question = short(path, "delete")
    is_problem(post(desk, wanted(question, denied(desk, question)) | change), 400, "bad-request")


# What is no approval


def test_an_approval_of_another_agent_or_none_is_no_approval(desk, path):
    question = short(path, "delete")
    theirs = short(path, "delete", agent="other-bot")
    made = task(desk, theirs, "other-bot")
    desk.approve(desk.approval(made["id"]))
    for identifier in (made["id"], "apr_" + "0" * 26, "apr_x", "", "x" * 100_000, "../" + made["id"]):
        answer = ask(desk, again(question, {"id": identifier}))
        assert decision(answer) is False and answer.json()["context"]["reason"] == "approval_unverifiable"
        assert codes(answer) == ["not-found", "approval-required"] and answer.json()["context"]["next_action"] == "request"
    # An approval that says more of itself than an id is looked up all the same.
    forged = {"id": "apr_" + "0" * 26, "approved_until": "2999-01-01T00:00:00Z", "state": "e30.e30.e30"}
    assert decision(ask(desk, again(question, forged))) is False
    is_error(look(desk, made["id"]), 404, "unknown_task")
    is_error(look(desk, "apr_x"), 404, "unknown_task")
    assert desk.approval(made["id"])["status"] == "approved"
    assert decision(ask(desk, again(theirs, {"id": made["id"]}), "other-bot")) is True


def test_an_approval_is_of_one_action_and_no_other(desk, path):
    question = short(path, "delete")
    grant = granted(desk, question)
    for other in (short(path + "/2", "delete"), short(path, "delete", n=1), short("held/" + path)):
        answer = ask(desk, again(other, grant))
        assert decision(answer) is False and answer.json()["context"]["reason"] == "out_of_scope"
        assert codes(answer) == ["digest-mismatch", "approval-required"]
    assert desk.approval(grant["id"])["status"] == "approved"
    # The form in which it is asked is no other action, nor is why.
    permit = ask(desk, again(document(path, "delete", business_justification="again"), grant))
    assert decision(permit) is True


def test_an_approval_permits_one_of_many_that_ask_at_once(desk, path):
    question = short(path, "delete")
    grant = granted(desk, question)
    barrier = threading.Barrier(12)

    def race(number):
        barrier.wait(20)
        if number % 2:
            return decision(ask(desk, again(question, grant)))
        return desk.agent_api().post(f"/v1/approvals/{grant['id']}/redeem").status_code == 200

    answers = list(ThreadPoolExecutor(12).map(race, range(12)))
    assert answers.count(True) == 1
    assert desk.kinds(grant["id"]).count("action.dispatched") == 1


def test_in_several_questions_an_approval_counts_once(desk, path):
    question = short(path, "delete")
    grant = granted(desk, question)
    answer = ask(desk, again(question, grant) | {"evaluations": [{}, {}, {}]}, path="evaluations")
    assert [each["decision"] for each in answer.json()["evaluations"]] == [True, False, False]


def test_an_approval_changes_nothing_where_policy_has_no_gate(desk, path):
    assert decision(ask(desk, again(short(path), {"id": "apr_x"}))) is True
    forbidden = ask(desk, again(short("forbidden/" + path), {"id": "apr_x"}))
    assert decision(forbidden) is False and codes(forbidden) == ["forbidden"]


def test_an_outcome_that_nobody_reports_keeps_nobody_from_asking_again(desk, path):
    question = short("short-grant/" + path)
    grant = granted(desk, question)
    assert decision(ask(desk, again(question, grant))) is True
    context = denied(desk, question)
    is_error(post(desk, wanted(question, context)), 409, "invalid_task_state")

    def next_task():
        answer = post(desk, wanted(question, denied(desk, question)))
        return answer.json()["task"] if answer.status_code == 202 else None

    made = eventually(next_task, 10)
    assert made["id"] != grant["id"]
    assert desk.approval(grant["id"])["outcome"]["result"] == "unknown"


def test_tasks_outlive_the_gateway(install, path):
    gateway = install(change=served).start()
    question = short(path, "delete")
    context = denied(gateway, question)
    gateway.kill()
    gateway.start()
    made = post(gateway, wanted(question, context))
    assert made.status_code == 202, made.text
    gateway.kill()
    gateway.start()
    identifier = made.json()["task"]["id"]
    assert look(gateway, identifier).json()["task"]["status"] == "pending"
    gateway.approve(gateway.approval(identifier))
    assert decision(ask(gateway, again(question, {"id": identifier}))) is True


def test_an_unknown_version_of_the_profile_is_no_configuration(install):
    gateway = install(change=lambda c: c.update(api={"access_requests": "draft-2"}))
    code, said = gateway.refuse_to_start()
    assert code != 0 and "api.access_requests" in said and "draft-1" in said
