"""The life of an action, DESIGN 2 and 5, over real sockets."""

import json
import re
import time

import httpx
import pytest

from harness.gateway import UPSTREAM_CREDENTIAL
from harness.waiting import eventually
from harness.wire import request_bytes


def test_an_allowed_get_passes_with_its_bytes_unchanged(gateway, upstream, path):
    body = bytes(range(256)) * 41
    upstream.on(f"/{path}", lambda x: x.respond(203, body, [("X-A", "1"), ("X-A", "2"), ("ETag", '"e"')], "Odd Reason"))
    answer = gateway.exchange("GET", f"/api/{path}?b=2&a=%20x", ("X-Custom", "vAlue"), ("Accept", "text/odd"))
    assert (answer.status, answer.body) == (203, body)
    assert answer.all("x-a") == ["1", "2"] and answer.header("etag") == '"e"'
    request = upstream.to(f"/{path}")[0]
    assert (request.method, request.target, request.version) == ("GET", f"/{path}?b=2&a=%20x", "HTTP/1.1")
    assert request.header("x-custom") == "vAlue" and request.header("accept") == "text/odd"
    assert request.body == b"" and not request.is_chunked


def test_an_allowed_write_passes_with_its_bytes_unchanged(gateway, upstream, path):
    body = b'{"b": 1.50, "a":"\\u00e9 \xc3\xa9" }\n'
    answer = gateway.exchange("PUT", f"/api/{path}", ("Content-Type", "application/json"), body=body)
    assert answer.status == 200
    request = upstream.to(f"/{path}")[0]
    assert (request.method, request.body, request.header("content-type")) == ("PUT", body, "application/json")


def test_the_agents_key_never_goes_upstream_and_the_connections_credential_does(gateway, upstream, path):
    gateway.exchange("GET", f"/api/{path}", ("Countersign-Justification", "because"))
    request = upstream.to(f"/{path}")[0]
    assert request.all("authorization") == [UPSTREAM_CREDENTIAL]
    assert gateway.keys["bot"].encode() not in request.head
    assert not [name for name, _ in request.headers if name.lower().startswith("countersign-")]
    forwarded = request.header("forwarded")
    assert forwarded and "for=127.0.0.1" in forwarded and "proto=http" in forwarded


def test_a_connection_without_a_credential_sends_none_upstream(gateway, upstream, path):
    gateway.exchange("GET", f"/impatient/{path}")
    assert upstream.to(f"/{path}")[0].all("authorization") == []


def test_an_allowed_action_has_exactly_one_entry_that_names_it(gateway, upstream, path):
    gateway.exchange("GET", f"/api/{path}")
    entries = gateway.entries(kind="action.allowed", q=path)
    assert len(entries) == 1
    entry = entries[0]
    assert entry["actor"] == {"type": "Agent", "id": "bot"}
    assert entry["action"]["name"] == "http:read" and entry["action"]["resource"] == f"api/GET /{path}"
    assert entry["policy"]["ids"] == ["agents-may-do-anything"] and entry["policy"]["version"]


def test_an_unknown_key_is_refused_and_recorded(gateway, upstream, path):
    size = gateway.log_size()
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", [("Authorization", "Bearer cs_wrong-wrong-wrong-wrong")]))
        answer = connection.answer()
    assert (answer.status, answer.code) == (401, "invalid-credential")
    assert answer.header("www-authenticate").startswith("Bearer")
    assert upstream.count(f"/{path}") == 0 and gateway.log_size() == size + 1


def test_an_agent_without_a_permit_is_denied_and_recorded(gateway, upstream, path):
    answer = gateway.exchange("GET", f"/api/{path}", agent="stranger")
    assert (answer.status, answer.code) == (403, "no-permit")
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json()["executed"] is False
    assert upstream.count(f"/{path}") == 0
    assert gateway.entries(kind="action.denied", agent="stranger")[-1]["reasons"] == ["no-permit"]


def test_a_forbid_names_its_policy(gateway, upstream, path):
    answer = gateway.exchange("POST", f"/api/forbidden/{path}")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert answer.json()["reasons"][0]["policy"] == "never-this"
    assert upstream.count(f"/forbidden/{path}") == 0


def test_an_unknown_connection_is_not_found_and_recorded(gateway):
    size = gateway.log_size()
    answer = gateway.exchange("GET", "/no-such/x")
    assert (answer.status, answer.code) == (404, "unknown-connection")
    assert gateway.log_size() == size + 1


def test_a_held_delete_approved_by_the_api_runs_once_with_its_bytes(gateway, upstream, path):
    ask = gateway.ask(
        "DELETE", f"/api/{path}?force=1", ("X-Why", "cleanup"), ("Countersign-Justification", "old order")
    )
    approval = gateway.pending(f"/{path}")
    assert ask.is_waiting and upstream.count(f"/{path}") == 0
    assert approval["agent"] == "bot" and approval["owner"] == "olga@example.com"
    assert approval["justification"] == "old order" and approval["source_address"] == "127.0.0.1"
    assert [gate["policy"] for gate in approval["gates"]] == ["deletes-need-a-dba"]
    assert approval["gates"][0]["advice"] == "Deletes. Look twice."
    assert approval["gates"][0]["position"].startswith("main.cedar:")
    context = approval["action"]["context"]
    assert (context["method"], context["path"], context["query"]) == ("DELETE", f"/{path}", "force=1")
    assert context["headers"]["x-why"] == ["cleanup"]
    done = gateway.approve(approval)
    assert done["status"] in ("approved", "redeemed", "succeeded") and done["decisions"][0]["user"] == "bob@example.com"
    answer = ask.answer()
    assert answer.status == 200 and answer.json()["call"] == 1
    request = upstream.to(f"/{path}")[0]
    assert (request.method, request.target) == ("DELETE", f"/{path}?force=1")
    assert request.header("x-why") == "cleanup" and request.all("authorization") == [UPSTREAM_CREDENTIAL]
    final = gateway.until(approval["id"], "succeeded")
    assert final["outcome"]["result"] == "succeeded" and final["outcome"]["status"] == 200
    assert gateway.kinds(approval["id"]) == [
        "approval.requested",
        "approval.decided",
        "approval.settled",
        "action.dispatched",
        "action.completed",
    ]


def test_a_held_delete_approved_by_the_command_line_runs(gateway, upstream, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    listed = json.loads(gateway.cli("approvals", "list", "--status", "pending", "--json").stdout)["items"]
    assert approval["id"] in [item["id"] for item in listed]
    shown = gateway.cli("approvals", "show", approval["id"]).stdout
    assert f"api/DELETE /{path}" in shown and "deletes-need-a-dba" in shown
    gateway.cli("approvals", "approve", approval["id"], "--as", "alice@example.com", "--reason", "by hand")
    assert ask.answer().status == 200 and upstream.count(f"/{path}") == 1
    decision = gateway.approval(approval["id"])["decisions"][0]
    assert (decision["user"], decision["reason"]) == ("alice@example.com", "by hand")
    # Whoever decides with the data folder's key is marked so.
    decided = gateway.entries(approval=approval["id"], kind="approval.decided")[0]
    assert decided["actor"]["via"] == "local-administrator"


def test_an_action_denied_by_the_command_line_does_not_run(gateway, upstream, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    gateway.cli("approvals", "deny", approval["id"], "--as", "alice@example.com", "--reason", "not today")
    answer = ask.answer()
    assert answer.status == 403 and answer.code == "approval-denied" and "not today" in answer.json()["detail"]
    again = gateway.cli("approvals", "approve", approval["id"], "--as", "bob@example.com", succeed=False)
    assert again.returncode == 6, again.stderr
    assert upstream.count(f"/{path}") == 0


def test_a_denied_action_is_refused_with_the_reason(gateway, upstream, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    assert gateway.decide(approval, "deny", reason="that order is live").json()["status"] == "denied"
    answer = ask.answer()
    assert (answer.status, answer.code) == (403, "approval-denied")
    assert "that order is live" in answer.json()["detail"] and answer.json()["executed"] is False
    assert upstream.count(f"/{path}") == 0
    assert gateway.kinds(approval["id"]) == ["approval.requested", "approval.decided", "approval.settled"]


def test_a_denial_needs_a_reason(gateway, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    answer = gateway.decide(approval, "deny", reason="")
    assert answer.status_code == 400 and answer.json()["code"] == "bad-request"
    assert gateway.approval(approval["id"])["status"] == "pending"
    ask.abandon()


def test_a_decision_needs_the_actions_digest(gateway, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    url = f"/v1/approvals/{approval['id']}/decisions"
    missing = gateway.user("bob").post(url, json={"decision": "approve", "reason": "x"})
    assert missing.status_code == 400
    other = gateway.decide(approval | {"action_digest": "A" * 42 + "A"})
    assert (other.status_code, other.json()["code"]) == (409, "digest-mismatch")
    assert gateway.approval(approval["id"])["status"] == "pending"
    assert gateway.entries(approval=approval["id"], kind="approval.decided")[-1]["accepted"] is False
    ask.abandon()


def test_an_action_that_nobody_decides_on_expires(gateway, upstream, path):
    ask = gateway.ask("POST", f"/api/brief/{path}")
    approval = gateway.pending(f"/brief/{path}")
    answer = ask.answer()
    assert (answer.status, answer.code) == (403, "approval-expired")
    assert gateway.until(approval["id"], "expired")["settled_at"]
    assert upstream.count(f"/brief/{path}") == 0
    assert gateway.kinds(approval["id"]) == ["approval.requested", "approval.settled"]
    late = gateway.decide(approval)
    assert (late.status_code, late.json()["code"]) == (409, "already-decided")


def test_an_action_that_the_agent_withdraws_does_not_run(gateway, upstream, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    answer = gateway.agent_api("bot").post(f"/v1/approvals/{approval['id']}/withdraw")
    assert answer.status_code == 200 and answer.json()["status"] == "withdrawn"
    assert (ask.answer().status, ask.answer().code) == (403, "approval-withdrawn")
    assert upstream.count(f"/{path}") == 0
    late = gateway.decide(approval)
    assert (late.status_code, late.json()["code"]) == (409, "already-decided")


def test_only_the_agent_that_asked_may_withdraw(gateway, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    url = f"/v1/approvals/{approval['id']}"
    assert gateway.agent_api("other-bot").post(url + "/withdraw").status_code == 404
    assert gateway.agent_api("other-bot").get(url).status_code == 404
    assert gateway.user("alice").post(url + "/withdraw").status_code == 403
    assert gateway.approval(approval["id"])["status"] == "pending"
    ask.abandon()


def hold_and_leave(gateway, method, target, path, *headers, body=None, agent="bot"):
    """Asks, waits until it is held, and goes away; the approval stays."""
    ask = gateway.ask(method, target, *headers, body=body, agent=agent)
    approval = gateway.pending(path)
    ask.abandon()
    return approval


def test_a_revoked_approval_does_not_run(gateway, upstream, path):
    approval = hold_and_leave(gateway, "DELETE", f"/api/{path}", f"/{path}")
    assert gateway.approve(approval)["status"] == "approved"
    url = f"/v1/approvals/{approval['id']}/revoke"
    assert gateway.user("erin").post(url).status_code == 403
    assert gateway.user("carol").post(url).status_code == 403
    answer = gateway.user("alice").post(url)
    assert answer.status_code == 200 and answer.json()["status"] == "revoked"
    # Asking again is a new action and a new approval.
    again = gateway.ask("DELETE", f"/api/{path}")
    assert gateway.pending(f"/{path}")["id"] != approval["id"]
    assert upstream.count(f"/{path}") == 0
    again.abandon()


def test_an_approved_action_that_does_not_start_in_time_lapses(gateway, upstream, path):
    approval = hold_and_leave(gateway, "POST", f"/api/short-grant/{path}", f"/short-grant/{path}")
    gateway.approve(approval)
    assert gateway.until(approval["id"], "lapsed")
    assert gateway.entries(approval=approval["id"])[-1]["reasons"] == ["grant-lapsed"]
    again = gateway.ask("POST", f"/api/short-grant/{path}")
    assert gateway.pending(f"/short-grant/{path}")["id"] != approval["id"]
    assert upstream.count(f"/short-grant/{path}") == 0
    again.abandon()


@pytest.mark.timeout(120)
def test_a_hundred_identical_requests_attach_and_run_once(gateway, upstream, path):
    body = b'{"order": 42}'
    asks = [
        gateway.ask("POST", f"/api/held/{path}", ("Content-Type", "application/json"), body=body) for _ in range(100)
    ]
    approval = gateway.pending(f"/held/{path}")
    holds = lambda: re.search(r"^countersign_waiting_holds (\d+)$", gateway.anyone().get("/metrics").text, re.M)
    eventually(lambda: int(holds()[1]) >= 100, 30, "a hundred held requests")
    gateway.approve(approval)
    answers = [ask.answer(60) for ask in asks]
    assert {answer.status for answer in answers} == {200}
    assert {answer.body for answer in answers} == {answers[0].body}
    assert upstream.count(f"/held/{path}") == 1 and upstream.to(f"/held/{path}")[0].body == body
    assert len(gateway.of(f"/held/{path}")) == 1
    assert gateway.kinds(approval["id"]).count("action.dispatched") == 1


def test_identical_asks_of_two_agents_do_not_share_an_approval(gateway, path):
    first = gateway.ask("DELETE", f"/api/{path}", agent="bot")
    second = gateway.ask("DELETE", f"/api/{path}", agent="other-bot")
    pending = eventually(lambda: len(gateway.of(f"/{path}", "pending")) == 2 and gateway.of(f"/{path}", "pending"))
    assert {item["agent"] for item in pending} == {"bot", "other-bot"}
    assert pending[0]["action_digest"] != pending[1]["action_digest"]
    first.abandon()
    second.abandon()


@pytest.mark.parametrize("change", ["header", "query", "body", "method"])
def test_another_action_is_another_approval(gateway, path, change):
    target, headers, body, method = f"/api/held/{path}", [("X-Mode", "dry")], b"a", "POST"
    first = gateway.ask(method, target, *headers, body=body)
    known = gateway.pending(f"/held/{path}")
    match change:
        case "header":
            headers = [("X-Mode", "wet")]
        case "query":
            target += "?x"
        case "body":
            body = b"b"
        case "method":
            method = "PUT"
    second = gateway.ask(method, target, *headers, body=body)
    pending = eventually(lambda: len(gateway.of(f"/held/{path}", "pending")) == 2 and gateway.of(f"/held/{path}"))
    assert len({item["action_digest"] for item in pending}) == 2 and known["id"] in [item["id"] for item in pending]
    first.abandon()
    second.abandon()


def test_what_cannot_change_the_action_does_not_change_the_digest(gateway, path):
    volatile = [
        ("User-Agent", "a"),
        ("X-Request-ID", "1"),
        ("Traceparent", "00-1"),
        ("Accept-Encoding", "gzip"),
        ("Prefer", "wait=1"),
    ]
    first = gateway.exchange("DELETE", f"/api/{path}", *volatile)
    second = gateway.exchange(
        "DELETE", f"/api/{path}", ("User-Agent", "b"), ("X-Request-ID", "2"), ("Prefer", "wait=0")
    )
    assert (first.status, second.status) == (202, 202)
    assert first.header("location") == second.header("location")


def test_a_client_killed_while_held_resumes_by_asking_again(gateway, upstream, path):
    approval = hold_and_leave(gateway, "DELETE", f"/api/{path}", f"/{path}")
    assert gateway.approval(approval["id"])["status"] == "pending"
    again = gateway.ask("DELETE", f"/api/{path}")
    gateway.approve(approval)
    assert again.answer().status == 200 and upstream.count(f"/{path}") == 1
    assert [item["id"] for item in gateway.of(f"/{path}")] == [approval["id"]]


def test_what_was_approved_while_the_agent_was_away_runs_when_it_asks_again(gateway, upstream, path):
    approval = hold_and_leave(gateway, "DELETE", f"/api/{path}", f"/{path}")
    gateway.approve(approval)
    assert gateway.approval(approval["id"])["status"] == "approved" and upstream.count(f"/{path}") == 0
    answer = gateway.exchange("DELETE", f"/api/{path}")
    assert answer.status == 200 and upstream.count(f"/{path}") == 1
    gateway.until(approval["id"], "succeeded")


def test_a_result_that_could_not_be_delivered_is_kept_for_the_next_identical_ask(gateway, upstream, path):
    gate = upstream.stall(f"/{path}", b"the one result")
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    gateway.approve(approval)
    assert gate.reached.wait(10)
    ask.abandon()
    gate.open()
    done = gateway.until(approval["id"], "succeeded")
    assert done["links"]["response"] == f"/v1/approvals/{approval['id']}/response"
    answer = gateway.exchange("DELETE", f"/api/{path}")
    assert (answer.status, answer.body, answer.header("x-stalled")) == (200, b"the one result", "yes")
    assert upstream.count(f"/{path}") == 1
    # Delivered, and noted so: asking again is a new action.
    eventually(lambda: "response" not in gateway.approval(approval["id"])["links"])
    again = gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    assert again.status == 202 and approval["id"] not in again.header("location")
    assert upstream.count(f"/{path}") == 1


def test_asking_while_it_runs_waits_for_the_one_result(gateway, upstream, path):
    gate = upstream.stall(f"/{path}", b"one")
    first = gateway.ask("DELETE", f"/api/{path}")
    gateway.approve(gateway.pending(f"/{path}"))
    assert gate.reached.wait(10)
    second = gateway.ask("DELETE", f"/api/{path}")
    eventually(lambda: second.connection.sock.fileno() >= 0)
    gate.open()
    bodies = {first.answer().body}
    # The second one either shared the result or, coming later, began a new approval; never a second call by itself.
    approvals = gateway.of(f"/{path}")
    if len(approvals) == 1:
        bodies.add(second.answer().body)
    else:
        second.abandon()
    assert bodies == {b"one"} and upstream.count(f"/{path}") == 1


def test_after_delivery_the_same_ask_is_a_new_approval(gateway, upstream, path):
    ask = gateway.ask("DELETE", f"/api/{path}")
    first = gateway.pending(f"/{path}")
    gateway.approve(first)
    assert ask.answer().status == 200
    gateway.until(first["id"], "succeeded")
    eventually(lambda: "response" not in gateway.approval(first["id"])["links"], what="the note of the delivery")
    again = gateway.ask("DELETE", f"/api/{path}")
    second = gateway.pending(f"/{path}")
    assert second["id"] != first["id"] and second["action_digest"] == first["action_digest"]
    again.abandon()
    assert upstream.count(f"/{path}") == 1


def test_an_upstreams_refusal_is_the_outcome_failed_and_goes_to_the_agent(gateway, upstream, path):
    upstream.on(f"/{path}", lambda x: x.respond_json({"error": "locked"}, 409))
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    gateway.approve(approval)
    answer = ask.answer()
    assert answer.status == 409 and answer.json() == {"error": "locked"}
    assert gateway.until(approval["id"], "failed")["outcome"]["status"] == 409


def test_prefer_wait_ends_the_wait_with_202(gateway, upstream, path):
    begun = time.monotonic()
    answer = gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=1"))
    assert 0.9 <= time.monotonic() - begun < 8
    approval = gateway.of(f"/{path}", "pending")[0]
    assert answer.status == 202 and answer.header("content-type") == "application/problem+json"
    assert answer.header("location") == f"/v1/approvals/{approval['id']}"
    assert int(answer.header("retry-after")) >= 1
    problem = answer.json()
    assert problem["code"] == "approval-required" and problem["executed"] is False
    assert problem["approval"]["id"] == approval["id"]
    assert problem["approval"]["links"]["dashboard"].endswith(f"/approvals/{approval['id']}")
    # Where it was told to look, on either port.
    for client in (gateway.agent_api("bot"), gateway.agent("bot")):
        assert client.get(answer.header("location")).json()["id"] == approval["id"]
    assert upstream.count(f"/{path}") == 0


def test_the_agents_port_does_not_lead_to_what_users_do(gateway, path):
    answer = gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"))
    location = answer.header("location")
    approval = gateway.pending(f"/{path}")
    ballot = {"decision": "approve", "reason": "x", "action_digest": approval["action_digest"]}
    with httpx.Client(base_url=f"http://127.0.0.1:{gateway.port}") as client:
        bearer = {"Authorization": f"Bearer {gateway.token('bob@example.com')}"}
        assert client.post(location + "/decisions", json=ballot, headers=bearer).status_code == 401
        assert client.get("/v1/entries", headers=bearer).status_code == 401
        assert client.get(location).status_code == 401
    assert gateway.approval(approval["id"])["status"] == "pending"


def test_the_hold_ends_after_the_configured_time(install, own_upstream, path):
    gateway = install(change=lambda c: c["hold"].update(http="300ms")).start()
    answer = gateway.exchange("DELETE", f"/api/{path}")
    assert answer.status == 202 and answer.code == "approval-required"


def test_the_approver_sees_the_exact_body(gateway, path):
    body = b'{"customers":[1,2],"note":"\\u003cb>"}'
    ask = gateway.ask("POST", "/api/v1/exports?" + path, ("Content-Type", "application/json"), body=body)

    def found():
        return [a for a in gateway.of("/v1/exports", "pending") if a["action"]["context"].get("query") == path]

    approval = eventually(found)[0]
    context = approval["action"]["context"]
    assert context["payload"] == {"media_type": "application/json", "text": body.decode()}
    assert context["operations"][0]["resource"] == {"type": "Endpoint", "id": "api/exportOrders"}
    assert approval["action"]["action"]["name"] == "http:export"
    ask.abandon()


def test_the_human_acted_for_is_on_the_record(gateway, path):
    ask = gateway.ask("DELETE", f"/api/{path}", ("Countersign-On-Behalf-Of", "alice@example.com"))
    approval = gateway.pending(f"/{path}")
    assert approval["on_behalf_of"] == "alice@example.com"
    assert approval["action"]["subject"]["properties"] == {"on_behalf_of": "alice@example.com"}
    ask.abandon()
    answer = gateway.exchange("GET", f"/api/{path}", ("Countersign-On-Behalf-Of", "nobody@example.com"))
    assert (answer.status, answer.code) == (403, "not-allowed")


def test_an_agent_at_its_cap_of_pending_approvals_is_refused(install, own_upstream, path):
    gateway = install(change=lambda c: c["limits"].update(pending_per_agent=5)).start()
    for number in range(5):
        assert gateway.exchange("DELETE", f"/api/{path}/{number}", ("Prefer", "wait=0")).status == 202
    answer = gateway.exchange("DELETE", f"/api/{path}/5", ("Prefer", "wait=0"))
    assert (answer.status, answer.code) == (429, "too-many-pending")
    assert gateway.entries(kind="action.denied")[-1]["reasons"] == ["too-many-pending"]
    # An identical ask attaches, another agent is not concerned, and a decision makes room.
    assert gateway.exchange("DELETE", f"/api/{path}/3", ("Prefer", "wait=0")).status == 202
    assert gateway.exchange("DELETE", f"/api/{path}/5", ("Prefer", "wait=0"), agent="other-bot").status == 202
    gateway.decide(gateway.of(f"/{path}/0")[0], "deny")
    assert gateway.exchange("DELETE", f"/api/{path}/5", ("Prefer", "wait=0")).status == 202
    assert own_upstream.count() == 0


def test_the_whole_log_verifies_independently(gateway):
    entries = gateway.verify_log()
    assert entries[0]["sequence"] == 0 and {"configuration.changed", "policy.changed"} <= {e["kind"] for e in entries}
