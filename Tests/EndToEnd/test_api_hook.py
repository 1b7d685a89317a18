"""Programs that ask before they act: `POST /v1/actions` from the question to the outcome, as a client meets it."""

import base64
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from harness.gateway import Events
from harness.transparency import digest
from harness.waiting import eventually
from test_api import document, is_problem


def submit(gateway, submitted, agent="bot", **headers):
    return gateway.agent_api(agent).post("/v1/actions", json=submitted, headers=headers)


def pending(gateway, submitted, agent="bot"):
    answer = submit(gateway, submitted, agent)
    assert answer.status_code == 202, answer.text
    return answer.json()["approval"]


def approved(gateway, submitted):
    approval = pending(gateway, submitted)
    gateway.approve(approval)
    return gateway.approval(approval["id"])


def redeem(gateway, approval, agent="bot", **body):
    return gateway.agent_api(agent).post(f"/v1/approvals/{approval['id']}/redeem", json=body or None)


def verified(gateway, grant, audience="api"):
    """The claims of a grant, as PyJWT and the published key find them."""
    keys = jwt.PyJWKSet.from_dict(gateway.anyone().get("/.well-known/jwks.json").json())
    key = keys[jwt.get_unverified_header(grant)["kid"]]
    return jwt.decode(grant, key, algorithms=["EdDSA"], audience=audience, issuer="e2e.example.com/log")


def test_the_whole_way_from_the_question_to_the_outcome(gateway, path):
    submitted = document(path, "delete", payload={"media_type": "application/json", "text": '{"id":7}'})
    words = "The order was entered twice."
    answer = submit(gateway, submitted, **{"Countersign-Justification": words})
    assert answer.status_code == 202 and answer.headers["retry-after"] == "1"
    url = answer.headers["location"]
    approval = answer.json()["approval"]
    assert approval["action"] == submitted and approval["action_digest"] == digest(submitted)
    assert approval["justification"] == words
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(lambda: gateway.agent_api().get(url, params={"wait": 30}).json())
        eventually(lambda: "countersign_waiting_holds 0\n" not in gateway.anyone().get("/metrics").text)
        gateway.approve(approval)
        assert poll.result(20)["status"] == "approved"
    grant = redeem(gateway, approval, action_digest=approval["action_digest"])
    assert grant.status_code == 200 and grant.json()["approval"]["status"] == "redeemed"
    claims = verified(gateway, grant.json()["grant"])
    assert claims["sub"] == "bot" and claims["jti"] == claims["approval"] == approval["id"]
    assert claims["action"] == "http:delete" and claims["action_digest"] == digest(submitted)
    assert claims["approvers"] == ["bob@example.com"] and claims["exp"] > claims["iat"]
    done = gateway.agent_api().post(url + "/outcome", json={"result": "succeeded", "status": 204})
    assert done.status_code == 200 and done.json()["outcome"] == {"result": "succeeded", "status": 204, "detail": None}
    assert gateway.kinds(approval["id"]) == [
        "approval.requested",
        "approval.decided",
        "approval.settled",
        "action.dispatched",
        "action.completed",
    ]
    gateway.verify_receipt(approval["id"])
    # Once its outcome is known, the same question is a new one.
    assert pending(gateway, submitted)["id"] != approval["id"]


def test_a_grant_that_was_changed_does_not_verify(gateway, path):
    grant = redeem(gateway, approved(gateway, document(path, "delete"))).json()["grant"]
    head, body, signature = grant.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["action_digest"] = "A" * 43
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidSignatureError):
        verified(gateway, f"{head}.{forged}.{signature}")
    with pytest.raises(jwt.InvalidAudienceError):
        verified(gateway, grant, audience="impatient")


def test_the_same_ask_attaches_and_another_agents_does_not(gateway, path):
    first = pending(gateway, document(path, "delete"))
    assert pending(gateway, document(path, "delete"))["id"] == first["id"]
    assert pending(gateway, document(path, "delete", agent="other-bot"), "other-bot")["id"] != first["id"]
    assert pending(gateway, document(path, "delete", payload={"media_type": "text/plain", "text": "x"}))["id"] != first["id"]
    gateway.approve(first)
    again = submit(gateway, document(path, "delete"))
    assert again.status_code == 202 and again.json()["approval"]["status"] == "approved"
    assert again.json()["approval"]["id"] == first["id"]


def test_a_denial_and_a_withdrawal_say_what_happened(gateway, path):
    approval = pending(gateway, document(path, "delete"))
    gateway.decide(approval, "deny", reason="wrong order")
    is_problem(redeem(gateway, approval), 409, "approval-denied")
    assert "Do not repeat" in redeem(gateway, approval).json()["detail"]
    seen = gateway.agent_api().get(f"/v1/approvals/{approval['id']}").json()
    assert seen["status"] == "denied" and seen["decisions"][0]["reason"] == "wrong order"
    second = pending(gateway, document(path, "delete"))
    url = f"/v1/approvals/{second['id']}"
    is_problem(gateway.agent_api("other-bot").post(url + "/withdraw"), 404, "not-found")
    assert gateway.agent_api().post(url + "/withdraw").json()["status"] == "withdrawn"
    is_problem(redeem(gateway, second), 409, "approval-withdrawn")
    is_problem(gateway.decide(second), 409, "already-decided")
    is_problem(gateway.agent_api().post(url + "/withdraw"), 409, "already-decided")


def test_a_grant_lapses_and_a_late_redemption_is_told_so(gateway, path):
    approval = approved(gateway, document("short-grant/" + path))
    gateway.until(approval["id"], "lapsed")
    late = redeem(gateway, approval)
    is_problem(late, 409, "grant-lapsed")
    assert "Ask again" in late.json()["detail"]
    assert pending(gateway, document("short-grant/" + path))["id"] != approval["id"]


def test_two_redeem_at_once_and_one_wins(gateway, path):
    approval = approved(gateway, document(path, "delete"))
    barrier = threading.Barrier(12)

    def race(_):
        barrier.wait(20)
        return redeem(gateway, approval).status_code

    statuses = list(ThreadPoolExecutor(12).map(race, range(12)))
    assert sorted(statuses) == [200] + [409] * 11
    assert gateway.kinds(approval["id"]).count("action.dispatched") == 1


def test_a_redemption_whose_answer_was_lost_is_had_again_by_its_key(gateway, path):
    approval = approved(gateway, document(path, "delete"))
    url, key = f"/v1/approvals/{approval['id']}/redeem", {"Idempotency-Key": str(uuid.uuid4())}
    first = gateway.agent_api().post(url, headers=key)
    again = gateway.agent_api().post(url, headers=key)
    assert first.status_code == again.status_code == 200 and first.json()["grant"] == again.json()["grant"]
    is_problem(gateway.agent_api().post(url), 409, "grant-used")
    # Nor is the key of one agent another's.
    is_problem(gateway.agent_api("other-bot").post(url, headers=key), 404, "not-found")


def test_an_ask_sent_again_under_its_key_says_the_same_and_when_to_come_back(gateway, path):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (submit(gateway, document(path, "delete"), **key) for _ in range(2))
    assert first.content == again.content and again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"] and again.headers["retry-after"] == "1"


def test_another_agent_can_do_nothing_with_an_approval(gateway, path):
    approval = approved(gateway, document(path, "delete"))
    url = f"/v1/approvals/{approval['id']}"
    other = gateway.agent_api("other-bot")
    for answer in (
        other.get(url),
        other.get(url, params={"wait": 1}),
        other.post(url + "/redeem", json={"action_digest": approval["action_digest"]}),
        other.post(url + "/outcome", json={"result": "succeeded"}),
        other.post(url + "/withdraw"),
        other.get(url + "/receipt"),
    ):
        is_problem(answer, 404, "not-found")
    is_problem(redeem(gateway, approval, action_digest="A" * 43), 409, "digest-mismatch")
    assert redeem(gateway, approval).status_code == 200


def test_an_outcome_is_reported_once_and_only_of_what_runs(gateway, path):
    approval = approved(gateway, document(path, "delete"))
    url = f"/v1/approvals/{approval['id']}/outcome"
    is_problem(gateway.agent_api().post(url, json={"result": "succeeded"}), 409, "wrong-state")
    redeem(gateway, approval)
    for body in ({"result": "perhaps"}, {}, {"result": "failed", "status": -1}, {"result": "failed", "more": 1}):
        is_problem(gateway.agent_api().post(url, json=body), 400, "bad-request")
    told = gateway.agent_api().post(url, json={"result": "unknown", "detail": "the connection broke"})
    assert told.status_code == 200 and told.json()["status"] == "unknown"
    is_problem(gateway.agent_api().post(url, json={"result": "succeeded"}), 409, "already-decided")


@pytest.mark.parametrize("port", ["agent", "agent_api"])
def test_an_agent_hears_of_every_change_on_either_port_and_goes_on_where_it_stopped(gateway, path, port):
    client = getattr(gateway, port)("bot")
    stream = Events(client).listening()
    approval = pending(gateway, document(path, "delete"))
    _, first, data = stream.until(lambda data: data["id"] == approval["id"])
    assert data["status"] == "pending"
    stream.close()
    gateway.approve(approval)
    resumed = Events(client, last=first)
    _, second, data = resumed.until(lambda data: data["id"] == approval["id"])
    assert data["status"] == "approved" and second > first
    redeem(gateway, approval)
    _, _, data = resumed.until(lambda data: data["id"] == approval["id"] and data["status"] == "redeemed")
    gateway.agent_api().post(f"/v1/approvals/{approval['id']}/outcome", json={"result": "succeeded"})
    resumed.until(lambda data: data["id"] == approval["id"] and data["status"] == "succeeded")
    resumed.close()


# What the configuration knows


def request(path, method, effect, name=None, **context):
    """A document that names a request as the gateway would."""
    operation = {
        "effect": effect,
        "action": f"http:{effect}",
        "resource": {"type": "Endpoint", "id": f"api/{name or f'{method} {path}'}"},
    }
    return {
        "subject": {"type": "Agent", "id": "bot"},
        "action": {"name": f"http:{effect}"},
        "resource": {"type": "Connection", "id": "api"},
        "context": {"operations": [operation], "method": method, "path": path, "headers": {}, **context},
    }


def test_a_route_says_what_a_request_does_and_the_agent_does_not(gateway, path):
    size = gateway.log_size()
    for effect in ("read", "write", "delete"):
        answer = submit(gateway, request("/v1/exports", "POST", effect, "exportOrders", n=path))
        assert answer.status_code == 200 and answer.json()["decision"] == "deny", answer.text
        assert [each["code"] for each in answer.json()["reasons"]] == ["effect-mismatch"]
        assert "export" in answer.json()["reasons"][0]["message"]
    entries = gateway.entries(kind="action.denied")[-3:]
    assert [entry["reasons"] for entry in entries] == [["effect-mismatch"]] * 3 and gateway.log_size() == size + 3
    # As the configuration has it, it is held by the gate for exports.
    held = submit(gateway, request("/v1/exports", "POST", "export", "exportOrders", n=path))
    assert held.status_code == 202
    assert [gate["policy"] for gate in held.json()["approval"]["gates"]] == ["exports-need-a-dba"]


def test_a_method_says_what_a_request_does_at_least(gateway, path):
    milder = submit(gateway, request(f"/{path}", "DELETE", "read"))
    assert milder.json()["decision"] == "deny" and milder.json()["reasons"][0]["code"] == "effect-mismatch"
    graver = submit(gateway, request(f"/{path}", "POST", "delete"))
    assert graver.status_code == 202
    other = submit(gateway, request(f"/{path}", "DELETE", "delete", "harmless"))
    assert other.json()["decision"] == "deny" and other.json()["reasons"][0]["code"] == "effect-mismatch"
    for document in (
        request(f"/%61{path}", "GET", "read"),
        request(f"/{path}/../x", "GET", "read"),
        request(f"/{path}", "GET", "read", query="a=%62"),
        request(f"/{path}", 7, "read"),
    ):
        is_problem(submit(gateway, document), 400, "bad-request")
    incomplete = request("/v1/exports", "POST", "read")
    del incomplete["context"]["method"]
    is_problem(submit(gateway, incomplete), 400, "bad-request")


def test_an_approved_action_is_not_redeemed_as_what_it_is_no_longer(install, path):
    gateway = install().start()
    approval = approved(gateway, request(f"/{path}", "DELETE", "delete"))
    route = {"match": f"DELETE /{path}", "effect": "privilege"}
    gateway.configuration["connections"][0]["routes"].append(route)
    gateway.write_configuration()

    def refused():
        answer = submit(gateway, request(f"/{path}/other", "DELETE", "delete"))
        answer = submit(gateway, request(f"/{path}", "DELETE", "delete"))
        return answer.status_code == 200 and answer.json()["reasons"][0]["code"] == "effect-mismatch"

    eventually(refused, 10)
    late = redeem(gateway, approval)
    is_problem(late, 409, "policy-changed")
    assert [reason["code"] for reason in late.json()["reasons"]] == ["policy-changed", "effect-mismatch"]
    assert gateway.approval(approval["id"])["status"] == "approved"


# What is not taken


def test_large_deep_and_double_documents_are_refused_and_nothing_breaks(gateway, path):
    def send(text):
        return gateway.agent_api().post(
            "/v1/actions", content=text, headers={"Content-Type": "application/json"}
        )

    whole = json.dumps(document(path))
    is_problem(send(whole[:-1] + ',"context":{}}'), 400, "bad-request")
    is_problem(send(whole.replace('"path":', '"path":"/x","path":')), 400, "bad-request")
    is_problem(send(json.dumps(document(path, text="x" * (1 << 20)))), 413, "body-too-large")
    deep = "[" * 100 + "]" * 100
    is_problem(send(whole.replace('"path":', f'"deep":{deep},"path":')), 400, "bad-request")
    is_problem(send(whole.replace('"path":', '"deep":' + "[" * 200_000 + ',"path":')), 400, "bad-request")
    # Just within the limits, everything works to the end.
    large = document(path, "delete", text="x" * 900_000, deep=json.loads("[" * 55 + "]" * 55))
    begun = time.monotonic()
    approval = approved(gateway, large)
    assert approval["action"] == large and approval["action_digest"] == digest(large)
    assert redeem(gateway, approval).status_code == 200 and time.monotonic() - begun < 30
    gateway.verify_receipt(approval["id"])
