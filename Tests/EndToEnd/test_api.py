"""The API of DESIGN 9: idempotency, lists and cursors, long polls, events, documents without a proxy, identities."""

import base64
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.gateway import Events
from harness.transparency import digest
from harness.waiting import eventually


def document(path, effect="write", agent="bot", connection="api", **context):
    """An action document."""
    operation = {
        "effect": effect,
        "action": f"http:{effect}",
        "resource": {"type": "Endpoint", "id": f"{connection}/{path}"},
    }
    return {
        "subject": {"type": "Agent", "id": agent},
        "action": {"name": f"http:{effect}"},
        "resource": {"type": "Connection", "id": connection},
        "context": {"operations": [operation], "path": f"/{path}", **context},
    }


def held(gateway, path, agent="bot"):
    answer = gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "wait=0"), agent=agent)
    assert answer.status == 202, answer.body
    return answer.header("location").rsplit("/", 1)[1]


def is_problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code and problem["status"] == status and problem["detail"] and problem["title"], problem


# Actions without a proxy


def test_an_allowed_document_is_answered_allow_and_recorded(gateway, path):
    submitted = document(path)
    answer = gateway.agent_api().post("/v1/actions", json=submitted)
    assert answer.status_code == 200
    assert answer.json() == {"decision": "allow", "action_digest": digest(submitted)}
    assert [e["kind"] for e in gateway.entries(q=path)] == ["action.allowed"]


def test_a_forbidden_document_is_answered_deny_and_recorded(gateway, path):
    answer = gateway.agent_api().post("/v1/actions", json=document("forbidden/" + path))
    assert answer.status_code == 200 and answer.json()["decision"] == "deny"
    assert answer.json()["reasons"][0]["code"] == "forbidden"
    assert [e["kind"] for e in gateway.entries(q=path)] == ["action.denied"]


def test_a_held_document_is_approved_redeemed_once_and_reported(gateway, path):
    submitted = document(path, "delete", payload={"media_type": "application/json", "text": "{}"})
    answer = gateway.agent_api().post("/v1/actions", json=submitted)
    assert answer.status_code == 202 and answer.json()["decision"] == "pending"
    approval = answer.json()["approval"]
    assert answer.headers["location"] == approval["links"]["self"]
    assert approval["action"] == submitted and approval["action_digest"] == digest(submitted)
    url = approval["links"]["self"]
    early = gateway.agent_api().post(url + "/redeem")
    is_problem(early, 409, "approval-required")
    gateway.approve(approval)
    is_problem(gateway.agent_api().post(url + "/redeem", json={"action_digest": "A" * 43}), 409, "digest-mismatch")
    is_problem(gateway.agent_api("other-bot").post(url + "/redeem"), 404, "not-found")
    grants = ThreadPoolExecutor(8).map(lambda _: gateway.agent_api().post(url + "/redeem"), range(8))
    answers = list(grants)
    won = [a for a in answers if a.status_code == 200]
    assert len(won) == 1
    for lost in answers:
        if lost.status_code != 200:
            is_problem(lost, 409, "grant-used")
    head, body, _ = won[0].json()["grant"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "EdDSA"
    assert claims["approval"] == approval["id"] and claims["sub"] == "bot"
    assert claims["action_digest"] == approval["action_digest"] and claims["exp"] > time.time()
    done = gateway.agent_api().post(url + "/outcome", json={"result": "succeeded", "status": 0, "detail": "deleted 3"})
    assert done.status_code == 200 and done.json()["status"] == "succeeded"
    is_problem(gateway.agent_api().post(url + "/outcome", json={"result": "failed"}), 409, "already-decided")
    gateway.verify_receipt(approval["id"])


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["subject"].update(type="User"),
        lambda d: d["action"].update(name="http:read"),
        lambda d: d["action"].update(name="delete"),
        lambda d: d["context"].update(operations=[]),
        lambda d: d["context"]["operations"][0].update(effect="nothing"),
        lambda d: d["context"]["operations"][0]["resource"].update(id="impatient/x"),
        lambda d: d["context"]["operations"][0]["resource"].update(type="Secret"),
        lambda d: d.update(more=1),
        lambda d: d.pop("context"),
        lambda d: d["action"].update(name="postgres:write"),
        lambda d: d["context"].update(number=1e400),
        lambda d: d["context"].update(number=2**60),
    ],
    ids=lambda change: None,
)
def test_a_malformed_document_is_a_bad_request(gateway, path, change):
    submitted = document(path)
    change(submitted)
    answer = gateway.agent_api().post(
        "/v1/actions", content=json.dumps(submitted), headers={"Content-Type": "application/json"}
    )
    is_problem(answer, 400, "bad-request")


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "", "[]", '{"a":', "null", '{"a":"\\ud800"}', "\ufeff{}"])
def test_a_body_that_is_no_single_json_object_is_a_bad_request(gateway, text):
    answer = gateway.agent_api().post(
        "/v1/actions", content=text.encode(), headers={"Content-Type": "application/json"}
    )
    is_problem(answer, 400, "bad-request")


def test_an_agent_submits_only_its_own_actions(gateway, path):
    size = gateway.log_size()
    answer = gateway.agent_api().post("/v1/actions", json=document(path, agent="other-bot"))
    is_problem(answer, 403, "not-allowed")
    assert gateway.log_size() == size + 1
    is_problem(gateway.user().post("/v1/actions", json=document(path)), 403, "not-allowed")


def test_bodies_of_other_kinds_and_sizes_are_refused(gateway, path):
    plain = gateway.agent_api().post("/v1/actions", content=b"{}", headers={"Content-Type": "text/plain"})
    is_problem(plain, 415, "bad-request")
    large = document(path, text="x" * (2 << 20))
    is_problem(gateway.agent_api().post("/v1/actions", json=large), 413, "body-too-large")


# Idempotency


def test_a_request_under_one_key_runs_once(gateway, path):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    submitted = document(path)
    first = gateway.agent_api().post("/v1/actions", json=submitted, headers=key)
    again = gateway.agent_api().post("/v1/actions", json=submitted, headers=key)
    assert first.status_code == again.status_code == 200 and first.content == again.content
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"
    assert len(gateway.entries(q=path)) == 1
    gateway.agent_api().post("/v1/actions", json=submitted)
    assert len(gateway.entries(q=path)) == 2


def test_concurrent_requests_under_one_key_run_once(gateway, path):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    client = gateway.agent_api()
    answers = list(
        ThreadPoolExecutor(8).map(lambda _: client.post("/v1/actions", json=document(path), headers=key), range(8))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len(gateway.entries(q=path)) == 1


def test_a_key_with_another_request_is_a_conflict(gateway, path):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert gateway.agent_api().post("/v1/actions", json=document(path), headers=key).status_code == 200
    other = gateway.agent_api().post("/v1/actions", json=document(path + "x"), headers=key)
    is_problem(other, 409, "idempotency-conflict")
    # Another caller's key is another key.
    answer = gateway.agent_api("other-bot").post("/v1/actions", json=document(path, agent="other-bot"), headers=key)
    assert answer.status_code == 200


def test_a_decision_sent_again_under_its_key_is_answered_the_same(gateway, path):
    approval = gateway.approval(held(gateway, path))
    ballot = {"decision": "approve", "reason": "ok", "action_digest": approval["action_digest"]}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    url = f"/v1/approvals/{approval['id']}/decisions"
    first = gateway.user("bob").post(url, json=ballot, headers=key)
    again = gateway.user("bob").post(url, json=ballot, headers=key)
    assert first.status_code == again.status_code == 200 and first.content == again.content
    is_problem(gateway.user("bob").post(url, json=ballot), 409, "already-decided")
    assert len(gateway.approval(approval["id"])["decisions"]) == 1


# Lists


def test_lists_are_newest_first_and_cursors_walk_all_of_them(gateway, path):
    made = [held(gateway, f"{path}/{number}", "other-bot") for number in range(7)]
    walked, cursor = [], None
    while True:
        query = {"agent": "other-bot", "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = gateway.user().get("/v1/approvals", params=query).json()
        assert len(page["items"]) <= 3
        walked += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(walked) == len(set(walked))
    assert walked[:7] == made[::-1]
    times = [gateway.approval(identifier)["requested_at"] for identifier in walked[:7]]
    assert times == sorted(times, reverse=True)


def test_a_list_can_be_narrowed(gateway, path):
    identifier = held(gateway, path)
    assert identifier in [a["id"] for a in gateway.approvals(status="pending", agent="bot", connection="api")]
    assert identifier not in [a["id"] for a in gateway.approvals(status="denied")]
    assert gateway.approvals(connection="impatient", agent="other-bot") == []
    assert gateway.approvals(connection="no-such-connection") == []


def test_an_agent_sees_its_own_approvals_only(gateway, path):
    mine, other = held(gateway, path), held(gateway, path, "other-bot")
    seen = gateway.agent_api("bot").get("/v1/approvals", params={"limit": 200}).json()["items"]
    assert {item["agent"] for item in seen} == {"bot"} and mine in [item["id"] for item in seen]
    assert gateway.agent_api("bot").get("/v1/approvals", params={"agent": "other-bot"}).json()["items"] == []
    assert gateway.agent_api("bot").get(f"/v1/approvals/{other}").status_code == 404
    assert gateway.agent_api("bot").get("/v1/entries").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=2",
        "status=asleep",
        "cursor=%00",
        "agent=a%20b",
        "limit=%2B1",
    ],
)
def test_bad_parameters_are_bad_requests(gateway, query):
    is_problem(gateway.user().get(f"/v1/approvals?{query}"), 400, "bad-request")


def test_entries_can_be_searched(gateway, path):
    identifier = held(gateway, path)
    entry = gateway.entries(approval=identifier)[0]
    assert gateway.entries(q=path, kind="approval.requested") == [entry]
    assert gateway.entries(q=path, kind=["approval.requested", "action.denied"]) == [entry]
    assert gateway.entries(q=path, agent="other-bot") == []
    assert gateway.entries(q=path, **{"from": entry["time"]}) == [entry]
    assert gateway.entries(q=path, to=entry["time"]) == []
    assert gateway.entries(q=path, to="2099-01-01T00:00:00Z") == [entry]
    asked = {"connection": "api", "effect": ["delete", "export"], "status": "pending", "agent": "bot"}
    assert gateway.entries(q=path, **asked) == [entry]
    for name, other in [("connection", "impatient"), ("effect", "read"), ("status", "denied,failed")]:
        assert gateway.entries(q=path, **{**asked, name: other}) == []
    decided = gateway.user().post(
        f"/v1/approvals/{identifier}/decisions",
        json={"decision": "deny", "reason": "no", "action_digest": entry["action"]["digest"]},
    )
    assert decided.status_code == 200, decided.text
    end = gateway.entries(approval=identifier, effect="delete", status="denied", user="alice@example.com")
    assert [e["kind"] for e in end] == ["approval.settled"]
    assert end[0]["action"]["name"] == "http:delete"
    for query in ("effect=zap", "status=done", "user=a%20b", "connection=a%20b", "effect=", "status=denied,"):
        is_problem(gateway.user().get(f"/v1/entries?{query}"), 400, "bad-request")
    # What is special to a search engine is not special here.
    for text in ("%", "_", "'", '"', "*", "\\", "a AND b", "😀"):
        assert gateway.user().get("/v1/entries", params={"q": text, "limit": 1}).status_code == 200


def test_unknown_approvals_are_not_found(gateway):
    for identifier in ("apr_" + "0" * 26, "x", "apr_%2e%2e"):
        for suffix in ("", "/receipt"):
            assert gateway.user().get(f"/v1/approvals/{identifier}{suffix}").status_code == 404


# Waiting


def test_a_long_poll_answers_as_soon_as_something_changes(gateway, path):
    approval = gateway.approval(held(gateway, path))
    result = []

    def poll():
        begun = time.monotonic()
        answer = gateway.agent_api().get(f"/v1/approvals/{approval['id']}", params={"wait": 30})
        result.append((answer.json()["status"], time.monotonic() - begun))

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    eventually(lambda: "countersign_waiting_holds 0\n" not in gateway.anyone().get("/metrics").text)
    gateway.approve(approval)
    thread.join(20)
    assert result and result[0][0] == "approved" and result[0][1] < 20


def test_a_long_poll_answers_when_its_time_is_over(gateway, path):
    identifier = held(gateway, path)
    begun = time.monotonic()
    answer = gateway.agent_api().get(f"/v1/approvals/{identifier}", params={"wait": 1})
    assert answer.json()["status"] == "pending" and 0.9 <= time.monotonic() - begun < 10
    assert gateway.agent_api().get(f"/v1/approvals/{identifier}?wait=61").status_code == 400


def test_events_tell_every_change_and_resume_after_the_last_one(gateway, path):
    stream = Events(gateway.user()).listening()
    approval = gateway.approval(held(gateway, path))
    name, first, data = stream.until(lambda data: data["id"] == approval["id"])
    assert name == "approval" and data["status"] == "pending"
    gateway.approve(approval)
    _, second, data = stream.until(lambda data: data["id"] == approval["id"])
    assert data["status"] == "approved" and second > first
    stream.close()
    # What happened while nobody listened comes first after a resumption.
    gateway.user("alice").post(f"/v1/approvals/{approval['id']}/revoke")
    resumed = Events(gateway.user(), last=second)
    _, third, data = resumed.until(lambda data: data["id"] == approval["id"])
    assert data["status"] == "revoked" and third > second
    resumed.close()
    entry = [e for e in gateway.entries(approval=approval["id"]) if e["sequence"] == third]
    assert entry and entry[0]["kind"] == "approval.settled"


def test_no_page_is_heavier_than_a_few_documents(install):
    def change(configuration):
        configuration["connections"][0]["body"] = {"inline": "1MiB", "maximum": "4MiB"}

    gateway = install(change=change).start()
    for number in range(200):
        body = b"%06d" % number + b"x" * 1_000_000
        answer = gateway.exchange("POST", f"/api/held/{number}", ("Content-Type", "text/plain"), ("Prefer", "wait=0"), body=body)
        assert answer.status == 202
    first = gateway.entries(kind="approval.requested")[0]["sequence"]
    seen, cursor, pages = [], None, 0
    while True:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = gateway.user().get("/v1/approvals", params=query)
        assert page.status_code == 200 and len(page.content) < (4 << 20) + (64 << 10)
        seen += [item["action"]["context"]["path"] for item in page.json()["items"]]
        cursor, pages = page.json()["next_cursor"], pages + 1
        if not cursor:
            break
    assert seen == [f"/held/{number}" for number in reversed(range(200))] and pages >= 50
    # The command line walks the pages, and a stream that resumes from the beginning tells of all, too.
    listed = json.loads(gateway.cli("approvals", "list", "--json", "--limit", "200").stdout)
    assert len(listed["items"] if isinstance(listed, dict) else listed) == 200
    stream = Events(gateway.user(), last=first - 1)
    told = [stream.next()[2]["action"]["context"]["path"] for _ in range(200)]
    stream.close()
    assert told == seen[::-1]


def test_a_caller_has_so_many_event_streams_and_no_more(install, path):
    gateway = install().start()
    streams = [Events(gateway.user()).listening() for _ in range(32)]
    is_problem(gateway.user().get("/v1/events"), 429, "overloaded")
    others = Events(gateway.user("bob")).listening()
    streams.pop().close()

    def again():
        # What is written to all of them finds out who has gone.
        held(gateway, f"{path}/{uuid.uuid4().hex}")
        streams.append(Events(gateway.user()).listening())
        return True

    eventually(again, 20)
    for stream in [*streams, others]:
        stream.close()


def test_an_agent_hears_of_its_own_approvals_only(gateway, path):
    stream = Events(gateway.agent_api("other-bot")).listening()
    held(gateway, path, "bot")
    mine = held(gateway, path, "other-bot")
    _, _, data = stream.next()
    assert data["id"] == mine and data["agent"] == "other-bot"
    stream.close()


def test_events_need_a_credential(gateway):
    is_problem(gateway.anyone().get("/v1/events"), 401, "unauthenticated")
    is_problem(gateway.user().get("/v1/events", headers={"Last-Event-ID": "x"}), 400, "bad-request")


# Who


def test_me_says_who_one_is(gateway):
    assert gateway.agent_api("bot").get("/v1/me").json()["id"] == "bot"
    me = gateway.user("alice").get("/v1/me").json()
    assert (me["id"], me["type"], me["via"], me["groups"]) == (
        "alice@example.com",
        "User",
        "local-administrator",
        ["dba"],
    )


@pytest.mark.parametrize("credential", ["cst_x.y.z", "cs_nobody-nobody-nobody", "x", "cst_"])
def test_wrong_credentials_are_refused(gateway, credential):
    answer = gateway.anyone().get("/v1/me", headers={"Authorization": f"Bearer {credential}"})
    is_problem(answer, 401, "invalid-credential")


def test_a_token_that_was_changed_is_refused(gateway):
    token = gateway.token("alice@example.com")
    head, body, signature = token.removeprefix("cst_").split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "bob@example.com"
    forged = base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    for text in (f"cst_{head}.{forged}.{signature}", f"cst_{none}.{body}.", f"cst_{head}.{body}.{signature[:-4]}AAAA"):
        answer = gateway.anyone().get("/v1/me", headers={"Authorization": f"Bearer {text}"})
        is_problem(answer, 401, "invalid-credential")


def test_a_token_ends(gateway):
    token = gateway.cli("user", "token", "alice@example.com", "--ttl", "1s").stdout.strip()
    bearer = {"Authorization": f"Bearer {token}"}
    assert gateway.anyone().get("/v1/me", headers=bearer).status_code == 200
    eventually(lambda: gateway.anyone().get("/v1/me", headers=bearer).status_code == 401, 5)


def test_agents_users_and_keys_are_managed_by_the_command_line(gateway, path):
    name = f"cli-bot-{uuid.uuid4().hex[:8]}"
    said = json.loads(
        gateway.cli(
            "agent", "add", name, "--owner", "olga@example.com", "--group", "agents", "--no-key", "--json"
        ).stdout
    )
    assert name in json.dumps(said)
    first = gateway.cli("key", "add", "--agent", name).stdout
    secret = next(word for word in first.split() if word.startswith("cs_"))
    gateway.keys[name] = secret
    assert gateway.exchange("GET", f"/api/{path}", agent=name).status == 200
    listed = json.loads(gateway.cli("key", "list", "--json").stdout)["items"]
    key = next(item for item in listed if item["agent"] == name)
    assert secret not in json.dumps(listed) and secret.startswith(key["prefix"])
    gateway.cli("key", "revoke", key["id"])
    assert gateway.exchange("GET", f"/api/{path}", agent=name).status == 401
    gateway.cli("user", "add", "yan@example.com", "--group", "dba")
    assert "yan@example.com" in gateway.cli("user", "list").stdout
    gateway.cli("user", "remove", "yan@example.com")
    gateway.cli("agent", "revoke", name)
    assert name not in gateway.cli("agent", "list").stdout
    assert all(secret not in json.dumps(entry) for entry in gateway.entries(kind="identity.changed"))


def test_only_the_local_administrator_changes_identities(gateway):
    answer = gateway.user("alice").post("/v1/users", json={"id": "mallory@example.com", "groups": ["dba"]})
    is_problem(answer, 403, "not-allowed")
    is_problem(gateway.agent_api().post("/v1/keys", json={"agent": "bot"}), 403, "not-allowed")


# The rest


def test_every_answer_has_the_fields_that_keep_browsers_safe(gateway):
    for path in ("/", "/v1/me", "/healthz", "/nothing", "/openapi.json", "/assets/app.js", "/sign-in"):
        fields = gateway.anyone().get(path).headers
        assert "default-src 'none'" in fields["content-security-policy"], path
        assert "unsafe" not in fields["content-security-policy"]
        assert fields["x-content-type-options"] == "nosniff" and fields["x-frame-options"] == "DENY"
        assert fields["referrer-policy"] and fields["x-request-id"]


def test_unknown_paths_and_methods_are_problems(gateway):
    is_problem(gateway.user().get("/v1/nothing"), 404, "not-found")
    answer = gateway.user().delete("/v1/approvals")
    assert answer.status_code == 405 and "GET" in answer.headers["allow"]


def test_health_readiness_and_metrics(gateway):
    assert gateway.anyone().get("/healthz").text == "ok\n" and gateway.anyone().get("/readyz").text == "ready\n"
    metrics = gateway.anyone().get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    for name in ('countersign_approvals{status="pending"}', "countersign_log_entries_total", "countersign_build_info"):
        assert name in metrics.text
    for line in metrics.text.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0


def test_head_answers_as_get_does_without_a_body(gateway):
    answer = gateway.user().head("/v1/approvals")
    assert answer.status_code == 200 and answer.content == b""
