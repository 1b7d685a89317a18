"""AuthZEN's Authorization API 1.0: evaluations are the judgments of `POST /v1/actions`, and what waits for people is a no."""

import json
import uuid

import pytest

from harness.transparency import digest
from test_api import document, is_problem
from test_api_hook import request


def ask(gateway, question, agent="bot", path="evaluation", **headers):
    return gateway.agent_api(agent).post(f"/access/v1/{path}", json=question, headers=headers)


def decision(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["decision"]


def codes(answer):
    return [reason["code"] for reason in answer.json()["context"]["reasons"]]


def short(path, effect="write", agent="bot", **context):
    """A question about one thing, as other decision points are asked it."""
    return {
        "subject": {"type": "Agent", "id": agent},
        "action": {"name": f"http:{effect}"},
        "resource": {"type": "Endpoint", "id": f"api/{path}"},
        "context": {"path": f"/{path}", **context},
    }


def test_the_metadata_names_what_there_is_and_nothing_more(gateway):
    answer = gateway.anyone().get("/.well-known/authzen-configuration", headers={"X-Request-ID": "mine"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    base = f"http://127.0.0.1:{gateway.control}"
    assert answer.json() == {
        "policy_decision_point": base,
        "access_evaluation_endpoint": base + "/access/v1/evaluation",
        "access_evaluations_endpoint": base + "/access/v1/evaluations",
    }
    assert answer.headers["x-request-id"] == "mine" and "max-age" in answer.headers["cache-control"]
    # The draft profile is off unless the configuration turns it on.
    for method, path in (("POST", "/access/v1/requests"), ("GET", "/access/v1/requests/apr_" + "0" * 26)):
        is_problem(gateway.agent_api().request(method, path), 404, "not-found")


@pytest.mark.parametrize("form", [document, short])
def test_what_policy_allows_is_true_and_has_its_entry(gateway, path, form):
    answer = ask(gateway, form(path))
    assert decision(answer) is True
    # Both forms are one action.
    assert answer.json()["context"] == {"action_digest": digest(document(path))}
    assert [entry["kind"] for entry in gateway.entries(q=path)] == ["action.allowed"]


@pytest.mark.parametrize("form", [document, short])
def test_what_policy_forbids_is_false_and_has_its_entry(gateway, path, form):
    answer = ask(gateway, form("forbidden/" + path))
    assert decision(answer) is False and answer.json()["context"]["reason"] == "forbidden"
    assert codes(answer) == ["forbidden"]
    assert [entry["kind"] for entry in gateway.entries(q=path)] == ["action.denied"]


def test_what_waits_for_people_is_false_and_nobody_is_asked(gateway, path):
    answer = ask(gateway, short(path, "delete"))
    assert decision(answer) is False and codes(answer) == ["approval-required"]
    assert answer.json()["context"]["reasons"][0]["policy"] == "deletes-need-a-dba"
    assert "Ask for the approval" in answer.json()["context"]["reasons"][0]["message"]
    assert "access_request" not in answer.json()["context"] and "evaluation_id" not in answer.json()["context"]
    assert [entry["kind"] for entry in gateway.entries(q=path)] == ["action.denied"]
    assert not gateway.of(f"/{path}")
    # Nor does an approval that is presented do anything where access requests are not served.
    approval = gateway.agent_api().post("/v1/actions", json=document(path, "delete")).json()["approval"]
    gateway.approve(approval)
    again = ask(gateway, short(path, "delete", approval={"id": approval["id"]}))
    assert decision(again) is False and gateway.approval(approval["id"])["status"] == "approved"


def test_a_stranger_is_denied_by_default(gateway, path):
    assert decision(ask(gateway, short(path, agent="stranger"), "stranger")) is False
    assert codes(ask(gateway, short(path, agent="stranger"), "stranger")) == ["no-permit"]


def test_the_subject_is_the_agent_whose_key_came_along(gateway, path):
    answer = ask(gateway, short(path, agent="other-bot"))
    assert decision(answer) is False and codes(answer) == ["not-allowed"]
    assert gateway.entries(kind="action.denied")[-1]["actor"]["id"] == "bot"
    is_problem(gateway.anyone().post("/access/v1/evaluation", json=short(path)), 401, "unauthenticated")
    is_problem(gateway.user().post("/access/v1/evaluation", json=short(path)), 403, "not-allowed")
    for subject in ({"type": "User", "id": "bot"}, {"type": "Agent"}, {"type": "Agent", "id": "BOT"}):
        answer = ask(gateway, short(path) | {"subject": subject})
        assert answer.status_code == 400 or decision(answer) is False
    claimed = short(path) | {"subject": {"type": "Agent", "id": "bot", "properties": {"on_behalf_of": "nobody@example.com"}}}
    assert decision(ask(gateway, claimed)) is False
    actor = short(path) | {"subject": {"type": "Agent", "id": "bot", "properties": {"act": {"sub": "root"}}}}
    assert ask(gateway, actor).json()["context"]["action_digest"] == digest(document(path))


def test_the_configurations_word_counts_here_too(gateway, path):
    milder = ask(gateway, request("/v1/exports", "POST", "read", "exportOrders", n=path))
    assert decision(milder) is False and codes(milder) == ["effect-mismatch"]


@pytest.mark.parametrize(
    "change",
    [
        lambda q: q.pop("subject"),
        lambda q: q.pop("action"),
        lambda q: q.pop("resource"),
        lambda q: q.update(context=[]),
        lambda q: q.update(subject="bot"),
        lambda q: q.update(more={}),
        lambda q: q["resource"].update(type="Secret"),
        lambda q: q["resource"].update(id="impatient"),
        lambda q: q["resource"].update(id=7),
        lambda q: q["resource"].update(properties={"a": 1}),
        lambda q: q["action"].update(name="write"),
        lambda q: q["action"].update(name=None),
        lambda q: q["action"].update(properties={"a": 1}),
        lambda q: q["context"].update(time="2026-01-01T00:00:00Z"),
        lambda q: q["context"].update(approval="apr_x"),
        lambda q: q["context"].update(business_justification=7),
        lambda q: q["context"].update(business_justification="x" * 1001),
        lambda q: q["context"].update(operations=[]),
    ],
    ids=lambda change: None,
)
def test_a_question_that_is_none_is_a_bad_request(gateway, path, change):
    question = short(path)
    change(question)
    is_problem(ask(gateway, question), 400, "bad-request")


def test_large_deep_and_double_questions_are_refused(gateway, path):
    def send(text):
        return gateway.agent_api().post(
            "/access/v1/evaluation", content=text, headers={"Content-Type": "application/json"}
        )

    whole = json.dumps(short(path))
    is_problem(send(whole[:-1] + ',"subject":{"type":"Agent","id":"bot"}}'), 400, "bad-request")
    is_problem(send(whole.replace('"path":', '"path":"/x","path":')), 400, "bad-request")
    is_problem(send(json.dumps(short(path, text="x" * (1 << 20)))), 413, "body-too-large")
    is_problem(send(whole.replace('"path":', '"deep":' + "[" * 100 + "]" * 100 + ',"path":')), 400, "bad-request")
    is_problem(send(whole.replace('"path":', '"deep":' + '{"a":' * 100_000 + ',"path":')), 400, "bad-request")
    is_problem(send(""), 400, "bad-request")
    wide = short(path, text="x" * 900_000, deep=json.loads("[" * 55 + "]" * 55))
    assert decision(ask(gateway, wide)) is True


def test_a_request_id_comes_back_and_a_wild_one_does_not(gateway, path):
    name = str(uuid.uuid4())
    assert ask(gateway, short(path), **{"X-Request-ID": name}).headers["x-request-id"] == name
    assert ask(gateway, {}, **{"X-Request-ID": name}).headers["x-request-id"] == name
    assert ask(gateway, short(path), **{"X-Request-ID": "x" * 300}).headers["x-request-id"].startswith("req_")
    # The entry has the gateway's own.
    assert all(e["circumstances"]["request_id"].startswith("req_") for e in gateway.entries(q=path))


def test_a_question_asked_again_under_its_key_is_one_question(gateway, path):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (ask(gateway, short(path), **key) for _ in range(2))
    assert first.content == again.content and len(gateway.entries(q=path)) == 1
    is_problem(ask(gateway, short(path, "read"), **key), 409, "idempotency-conflict")


def test_evaluations_are_answered_on_the_agents_port_too(gateway, path):
    answer = gateway.agent().post("/access/v1/evaluation", json=short(path))
    assert decision(answer) is True
    stranger = gateway.client("nobody at the gateway", gateway.port, None)
    assert stranger.post("/access/v1/evaluation", json=short(path)).status_code == 401


# Several at once


def several(gateway, path, *names, semantic=None, **more):
    """Asks about these paths, with all else as defaults."""
    items = [{"resource": {"type": "Endpoint", "id": f"api/{name}"}, "context": {"path": f"/{name}"}} for name in names]
    question = {
        "subject": {"type": "Agent", "id": "bot"},
        "action": {"name": "http:write"},
        "evaluations": items,
        **more,
    }
    if semantic:
        question["options"] = {"evaluations_semantic": semantic}
    return ask(gateway, question, path="evaluations")


@pytest.mark.parametrize(
    "semantic, answers",
    [
        (None, [True, False, True, False]),
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_several_questions_are_answered_in_order_and_as_far_as_is_asked(gateway, path, semantic, answers):
    names = (f"{path}/1", f"forbidden/{path}", f"{path}/3", f"held/{path}")
    answer = several(gateway, path, *names, semantic=semantic)
    assert answer.status_code == 200, answer.text
    assert [each["decision"] for each in answer.json()["evaluations"]] == answers
    kinds = ["action.allowed" if each else "action.denied" for each in answers]
    assert [entry["kind"] for entry in gateway.entries(q=path)] == kinds


def test_the_first_permit_ends_the_search_wherever_it_is(gateway, path):
    names = (f"forbidden/{path}", f"held/{path}", f"{path}/3", f"{path}/4")
    answer = several(gateway, path, *names, semantic="permit_on_first_permit")
    assert [each["decision"] for each in answer.json()["evaluations"]] == [False, False, True]


def test_what_is_wrong_with_one_of_several_is_its_own(gateway, path):
    question = {
        **short(path),
        "evaluations": [
            {},
            {"resource": {"type": "Secret", "id": "api/x"}},
            7,
            {"subject": {"type": "Agent", "id": "other-bot"}},
            {"action": {"name": "http:read"}},
            {"more": 1},
        ],
    }
    answer = ask(gateway, question, path="evaluations")
    found = answer.json()["evaluations"]
    assert [each["decision"] for each in found] == [True, False, False, False, True, False]
    assert found[1]["context"]["error"]["status"] == 400 and "resource.type" in found[1]["context"]["error"]["message"]
    assert found[2]["context"]["error"]["status"] == found[5]["context"]["error"]["status"] == 400
    assert found[3]["context"]["reason"] == "not-allowed"
    short_cut = ask(gateway, question | {"options": {"evaluations_semantic": "deny_on_first_deny"}}, path="evaluations")
    assert [each["decision"] for each in short_cut.json()["evaluations"]] == [True, False]


def test_without_a_list_it_is_one_question(gateway, path):
    for question in (short(path), short(path) | {"evaluations": []}):
        answer = ask(gateway, question, path="evaluations")
        assert answer.json() == {"decision": True, "context": {"action_digest": digest(document(path))}}


@pytest.mark.parametrize(
    "more",
    [
        {"evaluations": {}},
        {"evaluations": [{}] * 101},
        {"options": []},
        {"options": {"evaluations_semantic": "whatever"}},
        {"options": {"evaluations_semantic": 1}},
        {"another": 1},
    ],
    ids=lambda more: next(iter(more)),
)
def test_several_questions_in_a_form_that_is_none_are_a_bad_request(gateway, path, more):
    size = gateway.log_size()
    is_problem(ask(gateway, short(path) | {"evaluations": [{}]} | more, path="evaluations"), 400, "bad-request")
    assert gateway.log_size() == size
