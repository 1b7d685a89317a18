"""Held MCP calls in every tier: approved, denied, expired, asked again, killed meanwhile; each runs once at most."""

import contextlib
import itertools
import os
import threading
import time
from functools import partial

import anyio
import psutil
import pytest

from harness import mcp_clients
from harness.mcp import McpGateway, Peer
from harness.mcp_raw import APPROVAL, REFUSAL, Raw
from harness.mcp_routes import CLIENTS, soon
from harness.waiting import eventually

ERAS = ["legacy", "modern"]
NUMBERS = itertools.count(1)
# Short ones, so that their end can be waited for; with a progress token the wait is longer.
HOLD = {"mcp": "1s", "mcp_progress": "3s"}
PATIENT = {"mcp": "30s", "mcp_progress": "30s"}
LONG = pytest.mark.skipif(not os.environ.get("COUNTERSIGN_LONG_HOLDS"), reason="takes COUNTERSIGN_LONG_HOLDS")
eras = pytest.mark.parametrize("era", ERAS)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


def with_approvers(gateway):
    """Makes the approvers' tokens now, and not while a short wait runs."""
    for user in ("alice", "bob"):
        gateway.token(f"{user}@example.com")
    return gateway


@pytest.fixture(scope="module")
def peer(scratch):
    peer = Peer(scratch / "holding-peer").start()
    yield peer
    peer.kill()


@pytest.fixture(scope="module")
def gateway(scratch, peer):
    """Waits briefly at `tools`."""
    gateway = with_approvers(McpGateway(scratch / "holding", {"tools": peer}, HOLD).start())
    yield gateway
    gateway.stop()
    gateway.cli("log", "fsck", timeout=300)


@pytest.fixture(scope="module")
def patient(scratch, peer):
    """Waits as long as any test needs."""
    gateway = with_approvers(McpGateway(scratch / "patient", {"tools": peer}, PATIENT).start())
    yield gateway
    gateway.stop()


@pytest.fixture
def own(scratch):
    """Makes a server and a gateway for one test, which may kill both."""
    made = []

    def make(hold=None, transport="http", **options):
        number = next(NUMBERS)
        peer = Peer(scratch / f"own-peer-{number}", transport=transport)
        if transport != "stdio":
            peer.start()
        gateway = McpGateway(scratch / f"own-{number}", {"tools": peer}, hold or PATIENT, **options)
        made.extend([gateway, peer])
        return with_approvers(gateway.start()), peer

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def record(request):
    """A record that no other test deletes."""
    return f"{next(NUMBERS)}-{request.node.originalname}"[:60]


def client(gateway, era="modern", agent="bot", **capabilities):
    raw = Raw(gateway.port, "/tools/", gateway.keys[agent])
    if era == "legacy":
        raw.initialize(**capabilities)
    return raw


def delete(raw, era, record, **options):
    return raw.call(era, "delete_record", {"record": record}, **options)


def words(result):
    return " ".join(item["text"] for item in result["content"])


def held(gateway, record, timeout=10):
    return gateway.pending_call("delete_record", {"record": record}, timeout)


def not_executed(result, status="pending"):
    """Checks a result that says that nothing ran; answers the approval's part of `_meta`."""
    assert result["isError"] is True, result
    assert words(result).startswith("Not executed"), result
    about = result["_meta"][APPROVAL]
    assert about["status"] == status
    return about


def succeeded(result, record):
    assert not result.get("isError"), result
    assert words(result) == f"deleted {record}"


def ran_once(gateway, peer, approval, record):
    """Checks server, approval, log and receipt: it ran, and once."""
    final = gateway.until(approval["id"], "succeeded")
    assert peer.count("delete_record", record) == 1
    assert gateway.kinds(approval["id"])[-2:] == ["action.dispatched", "action.completed"]
    entries, _ = gateway.verify_receipt(approval["id"])
    assert entries[-1]["outcome"]["result"] == "succeeded"
    return final


def insist(raw, era, record, call=None, **options):
    """Asks, again and again, until it is no longer pending; answers the last result."""
    while True:
        result = (call or delete(raw, era, record, **options)).result(400)
        if not result.get("isError") or result["_meta"][APPROVAL]["status"] != "pending":
            return result
        call = None


# What approvers and the log see


@eras
def test_an_approver_sees_the_tool_and_its_arguments(gateway, peer, record, era):
    call = delete(client(gateway, era), era, record)
    approval = held(gateway, record)
    action = approval["action"]
    assert action["context"]["tool"] == "delete_record" and action["context"]["method"] == "tools/call"
    assert action["context"]["arguments"] == {"record": record}
    assert approval["agent"] == "bot" and [gate["policy"] for gate in approval["gates"]] == ["deletes-need-a-dba"]
    entry = gateway.entries(approval=approval["id"])[0]
    assert (entry["action"]["name"], entry["action"]["resource"]) == ("mcp:delete", "tools/delete_record")
    assert peer.count("delete_record", record) == 0
    call.abandon()


@eras
def test_an_allowed_call_has_one_entry_and_no_approval(gateway, record, era):
    assert words(client(gateway, era).call(era, "echo", {"text": record}).result()) == record
    entries = gateway.entries(kind="action.allowed", q="tools/echo")
    assert entries[-1]["action"]["name"] == "mcp:read" and entries[-1]["action"]["resource"] == "tools/echo"
    assert gateway.calls("echo") == []


# T3: the response stream


@eras
@pytest.mark.parametrize("token", [None, "t-1", 7])
def test_a_held_call_waits_and_gets_the_tools_result(patient, peer, record, era, token):
    call = delete(client(patient, era), era, record, token=token)
    approval = held(patient, record)
    assert call.is_waiting and peer.count("delete_record", record) == 0
    patient.approve(approval)
    succeeded(call.result(), record)
    ran_once(patient, peer, approval, record)


@eras
def test_a_call_with_a_progress_token_hears_of_the_wait_in_rising_numbers(gateway, record, era):
    call = delete(client(gateway, era), era, record, token="token")
    approval = held(gateway, record)
    eventually(lambda: call.notifications("notifications/progress"), 3, "progress of a held call")
    gateway.approve(approval)
    succeeded(call.result(), record)
    heard = call.notifications("notifications/progress")
    values = [each["progress"] for each in heard]
    assert values == sorted(set(values)) and {each["progressToken"] for each in heard} == {"token"}
    assert any("approval" in each.get("message", "").lower() for each in heard)


@eras
def test_a_call_without_a_progress_token_hears_no_progress_and_is_a_stream(patient, record, era):
    call = delete(client(patient, era), era, record)
    approval = held(patient, record)
    assert call.begun.wait(15), "the stream should begin while the call is held"
    assert call.is_stream and call.status == 200
    assert call.header("x-accel-buffering") == "no"
    patient.approve(approval)
    succeeded(call.result(), record)
    assert call.notifications("notifications/progress") == []


@pytest.mark.anyio
@pytest.mark.parametrize(("sdk", "era"), CLIENTS, ids=[f"{sdk}-{era}" for sdk, era in CLIENTS])
async def test_a_real_client_waits_and_gets_the_tools_result(patient, peer, record, sdk, era):
    heard = []

    async def progress(value, total, message):
        heard.append(message)

    async def approve():
        approval = await soon(lambda: patient.calls("delete_record", {"record": record}, "pending"))
        await anyio.to_thread.run_sync(patient.approve, approval[0])

    way = mcp_clients.http(patient.url(), patient.keys["bot"], sdk, era)
    async with mcp_clients.plain(), way as face, anyio.create_task_group() as group:
        group.start_soon(approve)
        answer = await face.call("delete_record", {"record": record}, progress)
        assert (answer.is_error, answer.content[0].text) == (False, f"deleted {record}")
    assert peer.count("delete_record", record) == 1


# T4: the wait ends


@eras
@pytest.mark.parametrize(("token", "least", "most"), [(None, 0.9, 3), ("t", 2.9, 6)], ids=["plain", "progress"])
def test_the_wait_ends_with_a_result_that_says_what_is_pending(gateway, peer, record, era, token, least, most):
    raw = client(gateway, era)
    began = time.monotonic()
    result = delete(raw, era, record, token=token).result()
    assert least <= time.monotonic() - began <= most
    about = not_executed(result)
    approval = held(gateway, record)
    assert about["approvalId"] == approval["id"] and approval["id"] in words(result)
    assert about["actionDigest"] == approval["action_digest"]
    assert about["expiresAt"] == approval["expires_at"]
    assert about["statusUrl"].endswith(f"/v1/approvals/{approval['id']}") and about["retryAfterMs"] > 0
    assert result.get("resultType") == ("complete" if era == "modern" else None)
    assert peer.count("delete_record", record) == 0


@eras
def test_the_status_url_answers_the_agent(gateway, record, era):
    about = not_executed(delete(client(gateway, era), era, record).result())
    path = about["statusUrl"].split("/v1/", 1)[1]
    answer = gateway.agent_api("bot").get(f"/v1/{path}")
    assert answer.status_code == 200 and answer.json()["status"] == "pending"
    assert gateway.agent_api("other-bot").get(f"/v1/{path}").status_code == 404


@eras
def test_an_identical_call_attaches_to_the_approval_and_runs_once(gateway, peer, record, era):
    raw = client(gateway, era)
    first = not_executed(delete(raw, era, record).result())
    again = delete(raw, era, record, token="other")
    approval = gateway.until(first["approvalId"], "pending")
    assert len(gateway.calls("delete_record", {"record": record})) == 1
    gateway.approve(approval)
    succeeded(insist(raw, era, record, again, token="other"), record)
    ran_once(gateway, peer, approval, record)
    assert len(gateway.calls("delete_record", {"record": record})) == 1


def test_an_identical_call_attaches_over_eras_and_sessions(gateway, peer, record):
    asked = [delete(client(gateway, era), era, record) for era in ("legacy", "modern", "legacy")]
    about = [not_executed(call.result()) for call in asked]
    assert len({each["approvalId"] for each in about}) == len({each["actionDigest"] for each in about}) == 1
    approval = gateway.approve(gateway.approval(about[0]["approvalId"]))
    succeeded(delete(client(gateway, "legacy"), "legacy", record).result(), record)
    ran_once(gateway, peer, approval, record)


@eras
def test_what_was_approved_while_nobody_waited_runs_when_it_is_asked_again(gateway, peer, record, era):
    raw = client(gateway, era)
    about = not_executed(delete(raw, era, record).result())
    approval = gateway.approve(gateway.approval(about["approvalId"]))
    assert approval["status"] == "approved" and peer.count("delete_record", record) == 0
    succeeded(delete(raw, era, record).result(), record)
    ran_once(gateway, peer, approval, record)
    # Its result was delivered: asking once more is another action.
    assert not_executed(delete(raw, era, record).result())["approvalId"] != approval["id"]
    assert peer.count("delete_record", record) == 1


@eras
def test_changed_arguments_are_a_new_approval(gateway, peer, record, era):
    raw = client(gateway, era)
    first = not_executed(delete(raw, era, record).result())
    gateway.approve(gateway.approval(first["approvalId"]))
    other = not_executed(delete(raw, era, record + "!").result())
    assert other["approvalId"] != first["approvalId"] and other["actionDigest"] != first["actionDigest"]
    assert peer.runs("delete_record", record + "!") == [] and peer.runs("delete_record", record) == []


def test_another_agents_identical_call_is_another_approval(gateway, peer, record):
    first = not_executed(delete(client(gateway), "modern", record).result())
    gateway.approve(gateway.approval(first["approvalId"]))
    other = not_executed(delete(client(gateway, agent="other-bot"), "modern", record).result())
    assert other["approvalId"] != first["approvalId"] and peer.count("delete_record", record) == 0


@eras
def test_two_identical_calls_at_once_run_once_and_both_hear_of_it(patient, peer, record, era):
    raw = client(patient, era)
    barrier, calls = threading.Barrier(2), []

    def ask():
        barrier.wait(10)
        calls.append(delete(raw, era, record))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    approval = held(patient, record)
    assert len(patient.calls("delete_record", {"record": record})) == 1
    patient.approve(approval)
    for call in calls:
        succeeded(call.result(), record)
    ran_once(patient, peer, approval, record)


# Denied, expired, refused by policy


@eras
def test_a_denial_says_who_and_why(patient, peer, record, era):
    call = delete(client(patient, era), era, record)
    approval = held(patient, record)
    assert patient.decide(approval, "deny", reason="that record is in use").status_code == 200
    result = call.result()
    about = not_executed(result, "denied")
    assert about["approvalId"] == approval["id"]
    assert "bob@example.com" in words(result) and "that record is in use" in words(result)
    assert peer.count("delete_record", record) == 0
    assert patient.kinds(approval["id"]) == ["approval.requested", "approval.decided", "approval.settled"]


@eras
def test_an_approval_that_nobody_gives_expires(patient, peer, record, era):
    call = client(patient, era).call(era, "delete_briefly", {"record": record})
    approval = patient.pending_call("delete_briefly", {"record": record})
    result = call.result()
    assert not_executed(result, "expired")["approvalId"] == approval["id"]
    assert patient.until(approval["id"], "expired") and peer.count("delete_record", record) == 0


@eras
@pytest.mark.parametrize(
    ("tool", "arguments", "policy"),
    [("read_hidden", {"number": 1}, "never-hidden"), ("echo", {"text": "a secret"}, "no-secrets")],
    ids=["by tool", "by argument"],
)
def test_what_policy_denies_is_refused_with_the_policys_name(gateway, peer, era, tool, arguments, policy):
    call = client(gateway, era).call(era, tool, arguments)
    result = call.result()
    assert call.status == 200 and result["isError"] is True
    reason = result["_meta"][REFUSAL]["reasons"][0]
    assert (reason["code"], reason["policy"]) == ("forbidden", policy) and reason["message"]
    assert policy in words(result) and APPROVAL not in result["_meta"]
    assert peer.runs("read_hidden") == []
    assert gateway.entries(kind="action.denied")[-1]["policy"]["ids"] == [policy]


@eras
def test_an_agent_without_a_permit_sees_nothing_and_may_do_nothing(gateway, era):
    raw = client(gateway, era, agent="stranger")
    ask = raw.modern if era == "modern" else raw.legacy
    for method, member in [("tools/list", "tools"), ("resources/list", "resources"), ("prompts/list", "prompts")]:
        assert ask(method).result()[member] == []
    assert ask("resources/templates/list").result()["resourceTemplates"] == []
    result = raw.call(era, "echo", {"text": "x"}).result()
    assert result["isError"] and result["_meta"][REFUSAL]["reasons"][0]["code"] == "no-permit"
    # What is no tool is refused with an error of JSON-RPC.
    for method, params in [
        ("resources/read", {"uri": "text://hello"}),
        ("prompts/get", {"name": "greet", "arguments": {"name": "x"}}),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "style", "value": "g"}},
        ),
    ]:
        error = ask(method, params).failure()
        assert isinstance(error["code"], int) and error["message"], (method, error)
        assert not -32019 <= error["code"] <= -32000, "new implementations should not use these codes"


@eras
def test_lists_have_what_an_approval_could_allow(gateway, era):
    raw = client(gateway, era)
    tools = (raw.modern if era == "modern" else raw.legacy)("tools/list").result()["tools"]
    names = {tool["name"] for tool in tools}
    assert {"echo", "delete_record", "delete_briefly"} <= names and "read_hidden" not in names


@eras
def test_a_tool_whose_definition_changes_is_held_until_somebody_looked(own, era):
    gateway, peer = own({"mcp": "1s"})
    raw = client(gateway, era)
    ask = raw.modern if era == "modern" else raw.legacy
    ask("tools/list").result()
    assert words(raw.call(era, "counter", {"label": "before"}).result()) == "before"
    peer.mutate("description")

    def is_held():
        result = raw.call(era, "counter", {"label": "changed"}).result()
        return result.get("isError") and APPROVAL in result.get("_meta", {})

    def sees_it():
        ask("tools/list").result()
        return is_held()

    eventually(sees_it, 15, "a changed tool that is held", pace=0.2)
    count = peer.count("counter", "changed")
    assert is_held() and peer.count("counter", "changed") == count
    # As it was accepted, it is free again.
    peer.mutate("")
    eventually(lambda: ask("tools/list").result() and not is_held(), 15, "the accepted definition again", pace=0.2)


# What the agent itself does about its call


def asks_again_after_cancelling(gateway, peer, era, approval, record):
    """SDKs cancel when they time out, so what was cancelled still waits (decision 0025): it runs if asked for again."""
    gateway.approve(approval)
    gateway.until(approval["id"], "approved")
    assert peer.count("delete_record", record) == 0, "nothing runs for a request that was cancelled"
    succeeded(delete(client(gateway, era), era, record).result(), record)
    ran_once(gateway, peer, approval, record)


def test_a_legacy_call_that_is_cancelled_does_not_run_until_it_is_asked_again(patient, peer, record):
    raw = client(patient, "legacy")
    call = delete(raw, "legacy", record, identifier=f"id-{record}")
    approval = held(patient, record)
    answer = raw.notify("notifications/cancelled", {"requestId": f"id-{record}", "reason": "changed my mind"})
    assert answer.finish().status == 202
    asks_again_after_cancelling(patient, peer, "legacy", approval, record)
    call.abandon()


def test_a_modern_call_whose_stream_was_closed_does_not_run_until_it_is_asked_again(patient, peer, record):
    call = delete(client(patient), "modern", record)
    approval = held(patient, record)
    assert call.begun.wait(15)
    call.abandon()
    asks_again_after_cancelling(patient, peer, "modern", approval, record)


def test_a_legacy_client_that_was_killed_finds_its_approval_again(patient, peer, record):
    call = delete(client(patient, "legacy"), "legacy", record)
    approval = held(patient, record)
    call.abandon()
    again = delete(client(patient, "legacy"), "legacy", record)
    eventually(lambda: len(patient.calls("delete_record", {"record": record})) == 1)
    assert patient.approval(approval["id"])["status"] == "pending"
    patient.approve(approval)
    succeeded(again.result(), record)
    ran_once(patient, peer, approval, record)


def test_a_legacy_client_that_was_killed_while_it_ran_gets_the_kept_result(patient, peer, record):
    peer.close_gate(record)
    call = delete(client(patient, "legacy"), "legacy", record)
    approval = held(patient, record)
    patient.approve(approval)
    eventually(lambda: peer.count("delete_record", record))
    call.abandon()
    peer.open_gate(record)
    patient.until(approval["id"], "succeeded")
    succeeded(delete(client(patient, "legacy"), "legacy", record).result(), record)
    ran_once(patient, peer, approval, record)


def test_who_asks_while_it_runs_gets_the_same_result(patient, peer, record):
    peer.close_gate(record)
    calls = [delete(client(patient), "modern", record)]
    approval = held(patient, record)
    patient.approve(approval)
    eventually(lambda: peer.count("delete_record", record))
    calls.append(delete(client(patient), "modern", record))
    peer.open_gate(record)
    for call in calls:
        succeeded(call.result(), record)
    ran_once(patient, peer, approval, record)


@eras
def test_who_asks_while_it_runs_is_not_told_that_nothing_was_done(gateway, peer, record, era):
    not_executed(delete(client(gateway, era), era, record).result())
    approval = gateway.approve(held(gateway, record))
    peer.close_gate(record)
    running = delete(client(gateway, era), era, record)
    eventually(lambda: peer.count("delete_record", record))
    other = delete(client(gateway, era), era, record, token="t")
    told = other.result()
    assert told["isError"] and told["_meta"][APPROVAL]["status"] == "redeemed"
    assert words(told).startswith("Approved, and under way") and "Nothing has been done" not in words(told)
    assert {each["message"] for each in other.notifications("notifications/progress")} == {"approved, and under way"}
    peer.open_gate(record)
    succeeded(running.result(), record)
    ran_once(gateway, peer, approval, record)


# T1: the tasks extension


def task_of(raw, record):
    """Asks for a deletion that becomes a task; answers the task."""
    call = raw.modern_call("delete_record", {"record": record}, tasks=True)
    task = call.result(5)
    assert task["resultType"] == "task", task
    assert len(task["taskId"]) >= 20 and {"createdAt", "lastUpdatedAt", "ttlMs"} <= set(task)
    assert task["status"] == "working"
    return task["taskId"]


def finished(raw, identifier, timeout=10):
    """Polls until a task is over."""

    def over():
        task = raw.task("tasks/get", identifier).result()
        return task["status"] != "working" and task

    return eventually(over, timeout, f"the end of task {identifier}", pace=0.1)


def test_t1_a_task_comes_at_once_and_runs_by_itself_when_approved(gateway, peer, record):
    raw = client(gateway)
    identifier = task_of(raw, record)
    approval = held(gateway, record)
    working = raw.task("tasks/get", identifier).result()
    assert (working["resultType"], working["status"], working["taskId"]) == ("complete", "working", identifier)
    assert "result" not in working and peer.count("delete_record", record) == 0
    gateway.approve(approval)
    # Nobody asks for it.
    eventually(lambda: peer.count("delete_record", record) == 1, 10, "the run of an approved task")
    task = finished(raw, identifier)
    assert (task["resultType"], task["status"]) == ("complete", "completed")
    succeeded(task["result"], record)
    ran_once(gateway, peer, approval, record)
    # It can be asked for more than once.
    assert raw.task("tasks/get", identifier).result()["result"] == task["result"]


def test_t1_a_task_tells_of_a_persons_question_and_works_on(gateway, peer, record):
    raw = client(gateway)
    identifier = task_of(raw, record)
    approval = held(gateway, record)
    url = f"/v1/approvals/{approval['id']}/comments"
    assert gateway.user("alice").post(url, json={"text": "Which ticket?"}).status_code == 200
    asked = raw.task("tasks/get", identifier).result()
    assert asked["status"] == "working" and 'has decided nothing by it: "Which ticket?"' in asked["statusMessage"]
    assert asked["lastUpdatedAt"] > asked["createdAt"]
    assert gateway.agent().post(url, json={"text": "4711"}).status_code == 200
    assert "ticket" not in raw.task("tasks/get", identifier).result()["statusMessage"]
    assert peer.count("delete_record", record) == 0
    gateway.approve(approval)
    assert finished(raw, identifier)["status"] == "completed" and peer.count("delete_record", record) == 1


@eras
def test_a_call_whose_wait_is_over_has_the_question_in_its_result(gateway, peer, record, era):
    call = delete(client(gateway, era), era, record)
    approval = held(gateway, record)
    url = f"/v1/approvals/{approval['id']}/comments"
    assert gateway.user("alice").post(url, json={"text": "Which ticket?"}).status_code == 200
    result = call.result()
    words = " ".join(item["text"] for item in result["content"])
    assert result["isError"] and 'has decided nothing by it: "Which ticket?"' in words and "add_justification" in words
    assert gateway.approval(approval["id"])["status"] == "pending" and peer.count("delete_record", record) == 0


def test_t1_a_denied_task_is_completed_with_an_error_result(gateway, peer, record):
    raw = client(gateway)
    identifier = task_of(raw, record)
    approval = held(gateway, record)
    gateway.decide(approval, "deny", reason="not that one")
    task = finished(raw, identifier)
    assert task["status"] == "completed"
    assert not_executed(task["result"], "denied")["approvalId"] == approval["id"]
    assert "bob@example.com" in words(task["result"]) and "not that one" in words(task["result"])
    assert peer.count("delete_record", record) == 0


def test_t1_an_expired_task_is_completed_with_an_error_result(gateway, peer, record):
    raw = client(gateway)
    identifier = raw.modern_call("delete_briefly", {"record": record}, tasks=True).result()["taskId"]
    task = finished(raw, identifier)
    assert task["status"] == "completed"
    not_executed(task["result"], "expired")
    assert peer.count("delete_record", record) == 0


def test_t1_a_cancelled_task_is_withdrawn(gateway, peer, record):
    raw = client(gateway)
    identifier = task_of(raw, record)
    approval = held(gateway, record)
    assert raw.task("tasks/cancel", identifier).result()["resultType"] == "complete"
    gateway.until(approval["id"], "withdrawn")
    assert gateway.decide(approval).status_code == 409
    assert finished(raw, identifier)["status"] == "cancelled"
    assert peer.count("delete_record", record) == 0


def test_t1_a_task_is_its_agents_alone(gateway, record):
    identifier = task_of(client(gateway), record)
    other = client(gateway, agent="other-bot")
    for method in ("tasks/get", "tasks/cancel"):
        assert other.task(method, identifier).failure()["code"] == -32602
    assert held(gateway, record)["status"] == "pending"


def test_t1_a_subscriber_hears_of_the_tasks_end(gateway, record):
    raw = client(gateway)
    identifier = task_of(raw, record)
    capabilities = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    params = {"notifications": {"taskIds": [identifier]}}
    stream = raw.modern("subscriptions/listen", params, identifier="listen", capabilities=capabilities)
    acknowledged = "notifications/subscriptions/acknowledged"
    eventually(lambda: stream.notifications(acknowledged))
    assert stream.notifications(acknowledged)[0]["notifications"]["taskIds"] == [identifier]
    gateway.approve(held(gateway, record))

    def told():
        heard = stream.notifications("notifications/tasks")
        return [each for each in heard if each["status"] == "completed"]

    note = eventually(told)[0]
    assert note["taskId"] == identifier and note["_meta"]["io.modelcontextprotocol/subscriptionId"] == "listen"
    succeeded(note["result"], record)
    stream.abandon()


def test_t1_an_allowed_call_of_a_client_with_tasks_is_answered_directly(gateway, record):
    result = client(gateway).modern_call("echo", {"text": record}, tasks=True).result()
    assert (result["resultType"], words(result)) == ("complete", record)


def test_t1_identical_calls_that_become_tasks_run_once(gateway, peer, record):
    raw = client(gateway)
    tasks = [task_of(raw, record), task_of(raw, record)]
    approval = held(gateway, record)
    assert len(gateway.calls("delete_record", {"record": record})) == 1
    gateway.approve(approval)
    for identifier in tasks:
        succeeded(finished(raw, identifier)["result"], record)
    ran_once(gateway, peer, approval, record)


# T2: tasks of 2025-11-25


def legacy_task(raw, record):
    result = raw.legacy_call("delete_record", {"record": record}, task={"ttl": 600_000}).result(5)
    task = result["task"]
    assert task["status"] == "working" and {"createdAt", "lastUpdatedAt", "ttl"} <= set(task)
    return task["taskId"]


def test_t2_the_gateway_says_that_it_does_tasks(gateway):
    raw = Raw(gateway.port, "/tools/", gateway.keys["bot"])
    assert raw.initialize()["capabilities"]["tasks"]["requests"]["tools"]["call"] == {}
    tools = {tool["name"]: tool for tool in raw.legacy("tools/list").result()["tools"]}
    assert tools["delete_record"]["execution"]["taskSupport"] == "optional"


def test_t2_a_task_comes_at_once_and_its_result_waits_for_the_approval(gateway, peer, record):
    raw = client(gateway, "legacy")
    identifier = legacy_task(raw, record)
    approval = held(gateway, record)
    assert raw.legacy("tasks/get", {"taskId": identifier}).result()["status"] == "working"
    waiting = raw.legacy("tasks/result", {"taskId": identifier})
    assert not waiting.ended.wait(0.5), "tasks/result must wait for the end"
    gateway.approve(approval)
    result = waiting.result()
    succeeded(result, record)
    assert result["_meta"]["io.modelcontextprotocol/related-task"] == {"taskId": identifier}
    assert raw.legacy("tasks/get", {"taskId": identifier}).result()["status"] == "completed"
    ran_once(gateway, peer, approval, record)


def test_t2_a_denied_task_has_failed_and_its_result_says_why(gateway, peer, record):
    raw = client(gateway, "legacy")
    identifier = legacy_task(raw, record)
    approval = held(gateway, record)
    gateway.decide(approval, "deny", reason="keep it")
    result = raw.legacy("tasks/result", {"taskId": identifier}).result()
    not_executed(result, "denied")
    assert "bob@example.com" in words(result) and "keep it" in words(result)
    # 2025-11-25: "failed […] includes cases where the tool call result has isError set to true".
    assert raw.legacy("tasks/get", {"taskId": identifier}).result()["status"] == "failed"
    assert peer.count("delete_record", record) == 0


def test_t2_a_cancelled_task_is_withdrawn_and_stays_cancelled(gateway, peer, record):
    raw = client(gateway, "legacy")
    identifier = legacy_task(raw, record)
    approval = held(gateway, record)
    assert raw.legacy("tasks/cancel", {"taskId": identifier}).result()["status"] == "cancelled"
    assert raw.legacy("tasks/cancel", {"taskId": identifier}).failure()["code"] == -32602
    gateway.until(approval["id"], "withdrawn")
    assert gateway.decide(approval).status_code == 409
    assert raw.legacy("tasks/get", {"taskId": identifier}).result()["status"] == "cancelled"
    assert peer.count("delete_record", record) == 0


def test_t2_a_task_is_listed_for_its_agent_and_for_nobody_else(gateway, record):
    raw, other = client(gateway, "legacy"), client(gateway, "legacy", agent="other-bot")
    identifier = legacy_task(raw, record)

    def listed(of):
        found, cursor = [], None
        while True:
            page = of.legacy("tasks/list", {"cursor": cursor} if cursor else {}).result()
            found += [task["taskId"] for task in page["tasks"]]
            cursor = page.get("nextCursor")
            if not cursor:
                return found

    assert identifier in listed(raw) and identifier not in listed(other)
    assert other.legacy("tasks/get", {"taskId": identifier}).failure()["code"] == -32602


# However long it takes


def approved_after(gateway, peer, record, seconds, ask):
    """Approves a call `seconds` after it was held."""
    approval = held(gateway, record, 20)
    timer = threading.Timer(seconds, gateway.approve, [approval])
    timer.start()
    try:
        ask()
    finally:
        timer.join()
    ran_once(gateway, peer, approval, record)


SECONDS = [
    pytest.param(5, marks=pytest.mark.slow),
    *(pytest.param(each, marks=[LONG, pytest.mark.timeout(each + 120)]) for each in (70, 300, 1800)),
]
AS_SHIPPED = {"mcp": "45s", "mcp_progress": "210s"}


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("tier", ["t1", "t2", "t3", "t3-progress", "t4-modern", "t4-legacy"])
def test_a_call_that_is_approved_late_reaches_its_client(gateway, own, peer, record, tier, seconds):
    """With the waits that it is shipped with, or, for five seconds, with the tests' own."""
    if seconds > 5:
        gateway, peer = own(AS_SHIPPED)
    era = "legacy" if tier in ("t2", "t4-legacy") else "modern"
    raw = client(gateway, era)
    if tier == "t1":
        identifier = task_of(raw, record)
        approved_after(
            gateway, peer, record, seconds, lambda: succeeded(finished(raw, identifier, seconds + 20)["result"], record)
        )
    elif tier == "t2":
        identifier = legacy_task(raw, record)
        waiting = raw.legacy("tasks/result", {"taskId": identifier}, timeout=seconds + 60)
        approved_after(gateway, peer, record, seconds, lambda: succeeded(waiting.result(seconds + 30), record))
    else:
        token = "token" if tier == "t3-progress" else None
        call = delete(raw, era, record, token=token, timeout=400)
        ask = partial(insist, raw, era, record, call, token=token, timeout=400)
        approved_after(gateway, peer, record, seconds, lambda: succeeded(ask(), record))


# The gateway is killed


def restart(gateway):
    gateway.kill()
    gateway.start()


@eras
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_gateway_is_killed_while_the_call_is_pending(own, record, era):
    gateway, peer = own()
    raw = client(gateway, era)
    call = delete(raw, era, record)
    approval = held(gateway, record)
    gateway.kill()
    call.ended.wait(10)
    gateway.start()
    assert gateway.approval(approval["id"])["status"] == "pending"
    # The same session, which the gateway must still know.
    again = delete(raw, era, record)
    eventually(lambda: again.is_waiting and len(gateway.calls("delete_record", {"record": record})) == 1)
    gateway.approve(approval)
    succeeded(again.result(), record)
    ran_once(gateway, peer, approval, record)
    gateway.verify_log()


@eras
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_gateway_is_killed_after_the_approval(own, record, era):
    gateway, peer = own({"mcp": "500ms"})
    raw = client(gateway, era)
    about = not_executed(delete(raw, era, record).result())
    approval = gateway.approve(gateway.approval(about["approvalId"]))
    restart(gateway)
    assert gateway.approval(approval["id"])["status"] == "approved" and peer.count("delete_record", record) == 0
    succeeded(delete(raw, era, record).result(), record)
    ran_once(gateway, peer, approval, record)
    gateway.verify_log()


@eras
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_gateway_is_killed_while_the_call_runs(own, record, era):
    gateway, peer = own({"mcp": "3s"})
    raw = client(gateway, era)
    peer.close_gate(record)
    call = delete(raw, era, record)
    approval = held(gateway, record)
    gateway.approve(approval)
    eventually(lambda: peer.count("delete_record", record))
    gateway.kill()
    call.ended.wait(10)
    peer.open_gate(record)
    gateway.start()
    after = gateway.approval(approval["id"])
    assert (after["status"], after["outcome"]["result"]) == ("unknown", "unknown")
    # Only people can know what to do now: it is asked anew, and nothing runs.
    assert not_executed(delete(raw, era, record).result())["approvalId"] != approval["id"]
    assert peer.count("delete_record", record) == 1
    entries, _ = gateway.verify_receipt(approval["id"])
    assert entries[-1]["outcome"]["result"] == "unknown"
    gateway.verify_log()


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("when", ["pending", "approved and gone", "running"])
def test_a_task_outlives_the_gateway(own, record, when):
    gateway, peer = own()
    raw = client(gateway)
    peer.close_gate(record)
    identifier = task_of(raw, record)
    approval = held(gateway, record)
    if when != "pending":
        gateway.approve(approval)
    if when == "running":
        eventually(lambda: peer.count("delete_record", record))
    gateway.kill()
    peer.open_gate(record)
    gateway.start()
    if when == "pending":
        assert raw.task("tasks/get", identifier).result()["status"] == "working"
        gateway.approve(approval)
    task = finished(raw, identifier, 20)
    outcome = gateway.until(approval["id"], "succeeded", "unknown")["outcome"]["result"]
    assert peer.count("delete_record", record) <= 1
    if outcome == "succeeded":
        assert when != "running"
        succeeded(task["result"], record)
        assert peer.count("delete_record", record) == 1
    else:
        assert when != "pending", "it was not dispatched, so it must run"
        said = str(task.get("result") or task.get("error"))
        assert "unknown" in said or "not known" in said, said
        assert not (task.get("result") or {"isError": True}).get("isError") is False
    gateway.verify_log()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_legacy_session_outlives_the_gateway(own):
    gateway, _ = own()
    raw = client(gateway, "legacy")
    session = raw.session
    assert session
    restart(gateway)
    assert words(raw.legacy_call("echo", {"text": "again"}).result()) == "again"
    assert raw.session == session


# The server is killed


@eras
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_server_is_down_when_the_call_is_approved(own, record, era):
    gateway, peer = own()
    raw = client(gateway, era)
    call = delete(raw, era, record)
    approval = held(gateway, record)
    peer.kill()
    gateway.approve(approval)
    message = call.reply()
    assert "error" in message or message["result"]["isError"], message
    # Nothing was sent: the approval still stands.
    assert gateway.approval(approval["id"])["status"] == "approved"
    peer.start()
    succeeded(delete(raw, era, record).result(), record)
    ran_once(gateway, peer, approval, record)


@eras
@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_server_is_killed_while_the_call_runs(own, record, era):
    gateway, peer = own({"mcp": "3s"})
    raw = client(gateway, era)
    peer.close_gate(record)
    call = delete(raw, era, record)
    approval = held(gateway, record)
    gateway.approve(approval)
    eventually(lambda: peer.count("delete_record", record))
    peer.kill()
    message = call.reply()
    text = str(message)
    assert "error" in message or message["result"]["isError"], message
    assert "unknown" in text or "not known" in text, text
    assert gateway.until(approval["id"], "unknown")["outcome"]["result"] == "unknown"
    peer.open_gate(record)
    peer.start()
    # It is back, and what may have happened is not done again.
    assert words(raw.call(era, "echo", {"text": "back"}).result()) == "back"
    assert not_executed(delete(raw, era, record).result())["approvalId"] != approval["id"]
    assert peer.count("delete_record", record) == 1
    gateway.verify_log()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_server_on_stdio_is_killed_while_the_call_runs_and_started_again(own, record):
    gateway, peer = own({"mcp": "3s"}, transport="stdio")
    raw = client(gateway)
    assert words(raw.modern_call("echo", {"text": "there"}).result()) == "there"
    peer.close_gate(record)
    call = delete(raw, "modern", record)
    approval = held(gateway, record)
    gateway.approve(approval)
    eventually(lambda: peer.count("delete_record", record))
    children = psutil.Process(gateway.process.pid).children(recursive=True)
    servers = [child for child in children if "official.py" in " ".join(child.cmdline())]
    assert len(servers) == 1
    servers[0].kill()
    message = call.reply()
    assert "error" in message or message["result"]["isError"], message
    assert gateway.until(approval["id"], "unknown")["outcome"]["result"] == "unknown"
    peer.open_gate(record)

    def answers_again():
        return words(raw.modern_call("echo", {"text": "back"}).result()) == "back"

    eventually(answers_again, 20, "a new child", ignoring=(KeyError,))
    assert peer.count("delete_record", record) == 1
    # Its standard error is kept where operators look.
    assert "official peer on stdio" in gateway.log_text() or list(gateway.folder.rglob("*stderr*"))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_stdio_server_ends_with_the_gateway(own):
    gateway, _ = own(transport="stdio")
    assert words(client(gateway).modern_call("echo", {"text": "x"}).result()) == "x"
    child = next(
        each
        for each in psutil.Process(gateway.process.pid).children(recursive=True)
        if "official.py" in " ".join(each.cmdline())
    )
    gateway.kill()

    def is_gone():
        with contextlib.suppress(psutil.NoSuchProcess):
            return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        return True

    eventually(is_gone, 10, "the end of the child of a killed gateway")
