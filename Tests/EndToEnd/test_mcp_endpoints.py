"""Several MCP servers as one, Countersign's own server, and what strangers may learn of an endpoint."""

import json

import httpx
import pytest

from harness.mcp import McpGateway, Peer
from harness.mcp_raw import APPROVAL, Raw
from harness.waiting import eventually

ERAS = pytest.mark.parametrize("era", ["legacy", "modern"])


@pytest.fixture(scope="module")
def peers(scratch):
    peers = {name: Peer(scratch / f"endpoints-{name}").start() for name in ("left", "right")}
    yield peers
    for peer in peers.values():
        peer.kill()


@pytest.fixture(scope="module")
def gateway(scratch, peers):
    def join(configuration):
        configuration["connections"].append({"name": "both", "kind": "mcp", "servers": ["left", "right", "gone"]})
        configuration["connections"].append({"name": "gone", "kind": "mcp", "upstream": "http://127.0.0.1:1/mcp"})

    gateway = McpGateway(scratch / "endpoints", peers, {"mcp": "20s", "mcp_progress": "20s"}, change=join).start()
    yield gateway
    gateway.stop()


def client(gateway, path, era, agent="bot"):
    raw = Raw(gateway.port, path, gateway.keys[agent])
    if era == "legacy":
        raw.initialize()
    return raw


def ask(raw, era, method, params=None, **options):
    return raw.modern(method, params, **options) if era == "modern" else raw.legacy(method, params, **options)


def text(result):
    return " ".join(item["text"] for item in result["content"])


@ERAS
def test_joined_servers_show_their_tools_under_their_names(gateway, era):
    names = {tool["name"] for tool in ask(client(gateway, "/both/", era), era, "tools/list").result()["tools"]}
    assert {"left__echo", "right__echo", "left__delete_record", "right__delete_record"} <= names
    assert not any(name.startswith("gone__") for name in names), "a server that is down hides nothing of the others"
    assert not any(name.endswith("read_hidden") for name in names), "what policy never allows is not shown"


def test_a_slash_at_the_end_of_an_address_is_part_of_it(install, own_upstream):
    def change(configuration):
        upstream = f"http://127.0.0.1:{own_upstream.port}/mcp/"
        configuration["connections"].append({"name": "tools", "kind": "mcp", "upstream": upstream})

    gateway = install(change=change).start()
    Raw(gateway.port, "/tools/", gateway.keys["bot"]).modern("tools/list").finish()
    assert own_upstream.count("/mcp/") > 0 and own_upstream.count("/mcp") == 0


@ERAS
def test_a_joined_call_is_the_members_own(gateway, peers, era):
    raw = client(gateway, "/both/", era)
    assert text(raw.call(era, "left__echo", {"text": "hello"}).result()) == "hello"
    record = f"joined-{era}"
    call = raw.call(era, "right__delete_record", {"record": record})
    approval = gateway.pending_call("delete_record", {"record": record})
    assert approval["action"]["resource"]["id"] == "right"
    # The same call at the member itself is the same action: it attaches.
    direct = client(gateway, "/right/", era).call(era, "delete_record", {"record": record})
    eventually(lambda: direct.begun.is_set() and len(gateway.calls("delete_record", {"record": record})) == 1)
    gateway.approve(approval)
    assert text(call.result()) == text(direct.result()) == f"deleted {record}"
    assert peers["right"].count("delete_record", record) == 1
    assert peers["left"].count("delete_record", record) == 0


@ERAS
def test_joined_resources_and_prompts_are_read_where_they_are(gateway, era):
    raw = client(gateway, "/both/", era)
    listed = ask(raw, era, "resources/list").result()["resources"]
    for member in ("left", "right"):
        uri = next(item["uri"] for item in listed if item["uri"].startswith(f"{member}+"))
        assert ask(raw, era, "resources/read", {"uri": uri}).result()["contents"]
    prompts = ask(raw, era, "prompts/list").result()["prompts"]
    assert any(item["name"].startswith("left__") for item in prompts)


@ERAS
def test_a_joined_name_of_no_member_is_refused(gateway, era):
    raw = client(gateway, "/both/", era)
    for name in ("echo", "nobody__echo", "left__", "__echo"):
        assert "error" in raw.call(era, name, {"text": "x"}).reply()


@ERAS
def test_an_agent_sees_its_own_approvals_and_nobody_elses(gateway, era):
    record = f"own-{era}"
    call = client(gateway, "/left/", era).call(era, "delete_record", {"record": record})
    approval = gateway.pending_call("delete_record", {"record": record})
    raw, other = client(gateway, "/countersign/", era), client(gateway, "/countersign/", era, "other-bot")
    assert approval["id"] in text(raw.call(era, "list_approvals", {"status": "pending"}).result())
    assert approval["id"] not in text(other.call(era, "list_approvals").result())
    for tool in ("wait_for_approval", "withdraw_approval"):
        result = other.call(era, tool, {"id": approval["id"]}).result()
        assert result["isError"] and "no approval" in text(result)
    assert gateway.approval(approval["id"])["status"] == "pending"
    waiting = raw.call(era, "wait_for_approval", {"id": approval["id"], "seconds": 30})
    gateway.approve(approval)
    assert '"status":"' in text(waiting.result()) and '"pending"' not in text(waiting.result())
    assert text(call.result()) == f"deleted {record}"


@ERAS
def test_an_agent_takes_its_own_request_back(gateway, peers, era):
    record = f"back-{era}"
    call = client(gateway, "/left/", era).call(era, "delete_record", {"record": record})
    approval = gateway.pending_call("delete_record", {"record": record})
    result = client(gateway, "/countersign/", era).call(era, "withdraw_approval", {"id": approval["id"]}).result()
    assert not result.get("isError") and '"withdrawn"' in text(result)
    ended = call.result()
    assert ended["isError"] and ended["_meta"][APPROVAL]["status"] == "withdrawn"
    assert peers["left"].count("delete_record", record) == 0


HOSTILE = "<b onclick=x>now</b> \u202eon\u202c\u200b\n\"quoted\" \\u0000"


@ERAS
def test_an_agent_adds_to_why_it_asks(gateway, peers, era):
    record = f"because-{era}"
    call = client(gateway, "/left/", era).call(era, "delete_record", {"record": record})
    approval = gateway.pending_call("delete_record", {"record": record})
    raw, other = client(gateway, "/countersign/", era), client(gateway, "/countersign/", era, "other-bot")

    def add(text_, by=raw):
        return by.call(era, "add_justification", {"id": approval["id"], "text": text_}).result()

    refused = add("hello", other)
    assert refused["isError"] and "no approval" in text(refused)
    none = other.call(era, "add_justification", {"id": approval["id"][:-4] + "0000", "text": "hello"}).result()
    assert text(none) == text(refused), "another's is as absent as none"
    for words in ("", " \n", "a" * 1001, "a" * 1_000_000, 7, None, ["x"]):
        wrong = add(words)
        assert wrong["isError"] and "1 to 1000 characters" in text(wrong)
    assert gateway.approval(approval["id"]) == approval
    added = add(HOSTILE)
    assert not added.get("isError")
    assert json.loads(text(added))["comments"][0]["text"] == HOSTILE
    assert text(add(HOSTILE)) == text(added), "a retry adds nothing"
    after = gateway.approval(approval["id"])
    assert [(each["author"]["id"], each["text"]) for each in after["comments"]] == [("bot", HOSTILE)]
    assert after["status"] == "pending" and after["action_digest"] == approval["action_digest"]
    assert json.loads(text(raw.call(era, "list_approvals", {"status": "pending"}).result()))
    for number in range(7):
        assert not add(f"word {number}").get("isError")
    full = add("one more")
    assert full["isError"] and "8 comments" in text(full)
    gateway.approve(approval)
    assert text(call.result()) == f"deleted {record}" and peers["left"].count("delete_record", record) == 1
    late = add("too late")
    assert late["isError"] and "decided already" in text(late)
    assert gateway.kinds(approval["id"])[:9] == ["approval.requested"] + ["approval.commented"] * 8
    gateway.until(approval["id"], "succeeded")
    gateway.verify_receipt(approval["id"])


@ERAS
def test_a_person_asks_and_the_agent_that_waits_answers(gateway, peers, era):
    record = f"asked-{era}"
    # Another agent than the other tests', so that its pace is its own.
    held = client(gateway, "/left/", era, "other-bot").call(era, "delete_record", {"record": record}, token="token")
    approval = gateway.pending_call("delete_record", {"record": record})
    raw = client(gateway, "/countersign/", era, "other-bot")

    def say(words, user="alice"):
        answer = gateway.user(user).post(f"/v1/approvals/{approval['id']}/comments", json={"text": words})
        assert answer.status_code == 200, answer.text

    def wait(**more):
        return raw.call(era, "wait_for_approval", {"id": approval["id"], "seconds": 30} | more)

    waiting = wait()
    question = "Which <b>ticket</b>?\u202e\u200b"
    say(question)
    told = json.loads(text(waiting.result()))
    assert told["status"] == "pending" and told["decisions"] == [] and "no decision" in told["note"]
    [said] = told["comments"]
    assert (said["by"], said["from"], said["text"]) == ("alice@example.com", "person", question)
    # A call that comes later has it at once, and one that has read it waits for more.
    assert json.loads(text(wait().result()))["comments"] == told["comments"]
    patient = wait(comments_seen=1, seconds=1)
    assert "note" not in json.loads(text(patient.result()))
    waiting = wait(comments_seen=1)
    # The held call itself hears of it, too, with what is hidden written out.
    heard = eventually(
        lambda: [each["message"] for each in held.notifications("notifications/progress") if "ticket" in each["message"]],
        20,
        "progress with the question",
    )
    assert 'alice@example.com says, and has decided nothing by it: "Which <b>ticket</b>?\\u{202E}\\u{200B}"' in heard[0]
    say("And whose?", "bob")
    assert [each["text"] for each in json.loads(text(waiting.result()))["comments"]] == [question, "And whose?"]
    answer = raw.call(era, "add_justification", {"id": approval["id"], "text": "4711, of alice@example.com"}).result()
    comments = json.loads(text(answer))["comments"]
    assert [(each["by"], each["from"]) for each in comments][-1] == ("other-bot", "agent")
    # Its own words are nothing new to it.
    quiet = json.loads(text(wait(seconds=1).result()))
    assert quiet["status"] == "pending" and "note" not in quiet
    for wrong in (-1, 10**12, "one", None, 1.5):
        assert json.loads(text(wait(comments_seen=wrong, seconds=1).result()))["status"] == "pending"
    waiting = wait()
    gateway.approve(approval)
    assert json.loads(text(waiting.result()))["status"] != "pending"
    assert text(held.result()) == f"deleted {record}" and peers["left"].count("delete_record", record) == 1


@ERAS
def test_no_tool_of_countersigns_own_decides(gateway, era):
    raw = client(gateway, "/countersign/", era)
    tools = {tool["name"] for tool in ask(raw, era, "tools/list").result()["tools"]}
    # A tool that is added here is looked at: none may decide.
    assert tools == {
        "list_approvals", "wait_for_approval", "add_justification", "withdraw_approval", "request_permission"
    }
    record = f"decide-{era}"
    call = client(gateway, "/left/", era).call(era, "delete_record", {"record": record})
    approval = gateway.pending_call("delete_record", {"record": record})
    for name in ("approve", "deny", "decide", "approve_approval", "decide_approval", "redeem", "revoke_approval"):
        arguments = {"id": approval["id"], "decision": "approve", "action_digest": approval["action_digest"]}
        assert "error" in raw.call(era, name, arguments).reply()
    for method in ("approvals/decide", "tasks/approve"):
        assert ask(raw, era, method, {"id": approval["id"]}).failure()["code"] == -32601
    assert gateway.approval(approval["id"])["status"] == "pending"
    call.abandon()


def test_the_start_says_where_mcp_is_served(gateway):
    line = next(line for line in gateway.log_text().splitlines() if "MCP gateway" in line)
    assert f"127.0.0.1:{gateway.port}/" in line and "HTTP" in line


def test_a_stranger_learns_that_a_credential_is_needed_and_nothing_else(gateway):
    for path in ("/left/", "/nothing-of-this-name/"):
        answer = httpx.post(gateway.url("x")[:-3] + path, json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert answer.status_code == 401
    challenge = httpx.post(gateway.url("left"), json={}).headers["www-authenticate"]
    url = challenge.split('resource_metadata="')[1].split('"')[0]
    metadata = httpx.get(url).json()
    assert metadata["resource"] == gateway.url("left")
    assert metadata["bearer_methods_supported"] == ["header"]
    other = httpx.get(url.replace("/left/", "/nothing-of-this-name/"))
    assert other.status_code == 200, "which connections there are is nobody's business"


def test_a_key_of_nobody_opens_nothing(gateway):
    for path in ("/left/", "/both/", "/countersign/"):
        assert Raw(gateway.port, path, "cs_wrong").modern("tools/list").finish().status == 401
