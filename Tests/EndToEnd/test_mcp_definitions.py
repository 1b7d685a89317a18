"""Definitions of MCP tools: accepted at first use or by people, shown to nobody before, and compared ever after."""

import itertools
from contextlib import closing

import pytest

from harness import transparency
from harness.mcp import POLICIES, McpGateway, Peer
from harness.mcp_raw import APPROVAL, REFUSAL, Raw
from harness.waiting import eventually
from test_dashboard import field, sign_in

NUMBERS = itertools.count(1)
GATE = "tool-definition-changed"
GATED_COUNTER = POLICIES + """
@id("counting-needs-a-dba") @approvers("dba") forbid (principal is Agent, action, resource)
  when { context has tool && context.tool == "counter" };
"""


@pytest.fixture
def own(scratch):
    """Makes a server and a gateway for one test."""
    made = []

    def make(policies=POLICIES, peers=("tools",), **more):
        number = next(NUMBERS)
        servers = {name: Peer(scratch / f"definitions-{number}-{name}").start() for name in peers}
        connections = {name: (peer, more) for name, peer in servers.items()}
        gateway = McpGateway(scratch / f"definitions-{number}", connections, {"mcp": "1s"}, policies=policies)
        made.extend([gateway, *servers.values()])
        gateway.start()
        for user in ("alice", "bob", "carol"):
            gateway.token(f"{user}@example.com")
        return gateway, *servers.values()

    yield make
    gateway = made[0]
    if gateway.process.poll() is None:
        gateway.stop()
        # The table of accepted definitions follows from the entries.
        gateway.cli("log", "fsck", timeout=300)
    for each in made:
        each.kill()


def client(gateway, connection="tools"):
    return Raw(gateway.port, f"/{connection}/", gateway.keys["bot"])


def listed(raw):
    return {tool["name"]: tool for tool in raw.modern("tools/list").result()["tools"]}


def call(raw, label, **options):
    return raw.modern_call("counter", {"label": label}, **options).result()


def words(result):
    return " ".join(item["text"] for item in result["content"])


def tool(gateway, name="counter", connection="tools", user="alice"):
    answer = gateway.user(user).get(f"/v1/tools/{connection}/{name}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def accept(gateway, digest, user="alice", name="counter", connection="tools"):
    return gateway.user(user).post(f"/v1/tools/{connection}/{name}/accept", json={"digest": digest})


def until(gateway, raw, status):
    """Lists until the gateway sees the tool stand so."""

    def reached():
        listed(raw)
        found = tool(gateway)
        return found if found["status"] == status else None

    return eventually(reached, 15, f"counter is {status}", pace=0.1)


def acceptances(gateway):
    """The entries that tell of accepted definitions."""
    entries = [each for each in gateway.entries(kind="configuration.changed") if "tool_definition" in each]
    return entries


def test_the_first_list_is_accepted_and_every_tool_has_an_entry(own):
    gateway, peer = own()
    raw = client(gateway)
    names = set(listed(raw)) | {"read_hidden"}
    found = gateway.user().get("/v1/tools", params={"limit": 200}).json()["items"]
    assert {each["tool"] for each in found} == names
    for each in found:
        assert each["status"] == "accepted" and each["accepted"]["by"] == {"type": "System", "id": "countersign"}
        assert each["accepted"]["digest"] == each["listed"]["digest"] and "definition" not in each["listed"]
    told = {each["tool_definition"]["tool"]: each for each in acceptances(gateway)}
    assert set(told) == names
    assert told["counter"]["tool_definition"]["previous"] is None
    assert words(call(raw, "first")) == "first"
    page = gateway.user().get("/v1/tools", params={"limit": 2, "status": "accepted"}).json()
    assert len(page["items"]) == 2 and page["next_cursor"]
    rest = gateway.user().get("/v1/tools", params={"limit": 200, "cursor": page["next_cursor"]}).json()
    assert len(rest["items"]) == len(names) - 2 and rest["next_cursor"] is None
    assert gateway.user().get("/v1/tools", params={"status": "new,changed"}).json()["items"] == []


@pytest.mark.parametrize("mutation", ["description", "schema", "hidden"])
def test_a_changed_tool_is_shown_as_it_was_and_its_call_waits_for_a_reviewer(own, mutation):
    gateway, peer = own()
    raw = client(gateway)
    before = listed(raw)["counter"]
    peer.mutate(mutation)
    changed = until(gateway, raw, "changed")
    shown = listed(raw)["counter"]
    assert shown["description"] == before["description"] and shown["inputSchema"] == before["inputSchema"]
    result = call(raw, "changed")
    assert result["isError"] and result["_meta"][APPROVAL]["status"] == "pending"
    approval = gateway.pending_call("counter", {"label": "changed"})
    assert [gate["policy"] for gate in approval["gates"]] == [GATE]
    assert approval["action"]["context"]["definition"] == changed["listed"]["digest"] != changed["accepted"]["digest"]
    assert gateway.decide(approval, user="carol").status_code == 403
    assert peer.count("counter", "changed") == 0
    gateway.approve(approval)
    assert words(call(raw, "changed")) == "changed"
    assert peer.count("counter", "changed") == 1
    # That was one call. The next one is another.
    assert call(raw, "changed again")["isError"] and peer.count("counter", "changed again") == 0


def test_an_accepted_definition_takes_effect_at_once_and_the_log_says_who(own):
    gateway, peer = own()
    raw = client(gateway)
    old = listed(raw)["counter"]
    peer.mutate("description")
    changed = until(gateway, raw, "changed")
    present = changed["listed"]["digest"]
    for answer, status, code in [
        (accept(gateway, changed["accepted"]["digest"]), 409, "digest-mismatch"),
        (accept(gateway, present, user="carol"), 403, "not-allowed"),
        (accept(gateway, present, name="nothing"), 404, "not-found"),
        (accept(gateway, "x"), 400, "bad-request"),
    ]:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    answer = gateway.agent_api().post("/v1/tools/tools/counter/accept", json={"digest": present})
    assert answer.status_code == 403
    assert gateway.agent_api().get("/v1/tools").status_code == 403
    assert listed(raw)["counter"]["description"] == old["description"]
    done = accept(gateway, present, user="bob")
    assert done.status_code == 200 and done.json()["status"] == "accepted"
    assert listed(raw)["counter"]["description"].startswith("Counts. IMPORTANT")
    assert words(call(raw, "free")) == "free"
    last = acceptances(gateway)[-1]
    assert last["actor"]["id"] == "bob@example.com" and last["actor"]["type"] == "User"
    assert last["tool_definition"] == {
        "connection": "tools",
        "tool": "counter",
        "digest": present,
        "previous": changed["accepted"]["digest"],
    }
    # What it was before is a change now, like any other.
    peer.mutate("")
    assert until(gateway, raw, "changed")["listed"]["digest"] == changed["accepted"]["digest"]
    assert call(raw, "back")["isError"]


def test_where_nobody_reviews_a_changed_tool_is_refused(own):
    gateway, peer = own(reviewers=[])
    raw = client(gateway)
    listed(raw)
    peer.mutate("description")
    until(gateway, raw, "changed")
    result = call(raw, "changed")
    assert result["isError"] and words(result).startswith("Not executed.")
    assert [each["code"] for each in result["_meta"][REFUSAL]["reasons"]] == ["tool-not-accepted"]
    assert gateway.calls("counter") == [] and peer.count("counter", "changed") == 0
    denied = gateway.entries(kind="action.denied")[-1]
    assert denied["reasons"] == ["tool-not-accepted"]
    # The local administrator can accept all the same.
    gateway.cli("tools", "accept", "tools", "counter", "--yes")
    assert words(call(raw, "changed")) == "changed"


def test_with_review_nothing_is_listed_before_somebody_accepts_it(own):
    gateway, peer = own(definitions="review")
    raw = client(gateway)
    assert listed(raw) == {} and acceptances(gateway) == []
    assert tool(gateway)["status"] == "new"
    assert call(raw, "early")["_meta"][APPROVAL]["status"] == "pending"
    assert accept(gateway, tool(gateway)["listed"]["digest"]).status_code == 200
    assert set(listed(raw)) == {"counter"}
    assert words(call(raw, "accepted")) == "accepted"
    assert peer.count("counter", "early") == 0


def test_a_tool_that_the_server_does_not_list_is_refused_before_anybody_is_asked(own):
    gateway, peer = own()
    raw = client(gateway)
    error = raw.modern_call("delete_nothing", {"record": "1"}).failure()
    assert error["code"] == -32602
    raw.initialize()
    assert raw.legacy_call("delete_nothing", {"record": "1"}).failure()["code"] == -32602
    assert gateway.approvals() == []
    assert gateway.entries(kind="action.denied")[-1]["reasons"] == ["not-found"]


def test_a_definition_that_changes_between_list_and_approval_revokes_the_approval(own):
    gateway, peer = own(policies=GATED_COUNTER)
    raw = client(gateway)
    listed(raw)
    task = raw.modern_call("counter", {"label": "old"}, tasks=True).result()
    approval = gateway.pending_call("counter", {"label": "old"})
    assert [gate["policy"] for gate in approval["gates"]] == ["counting-needs-a-dba"]
    peer.mutate("schema")
    until(gateway, raw, "changed")
    gateway.approve(approval)
    assert gateway.until(approval["id"], "revoked")["status"] == "revoked", task
    assert peer.count("counter", "old") == 0
    # Asked again, it is another action, and both gates stand before it.
    assert call(raw, "old")["isError"]
    again = gateway.pending_call("counter", {"label": "old"})
    assert {gate["policy"] for gate in again["gates"]} == {"counting-needs-a-dba", GATE}


def test_two_servers_with_one_tool_name_are_compared_apart(own):
    gateway, one, other = own(peers=("tools", "others"))
    raws = client(gateway), client(gateway, "others")
    for raw in raws:
        listed(raw)
    one.mutate("description")
    until(gateway, raws[0], "changed")
    assert call(raws[0], "mine")["isError"]
    assert words(call(raws[1], "yours")) == "yours"
    assert tool(gateway, connection="others")["status"] == "accepted"
    digest = tool(gateway)["listed"]["digest"]
    assert accept(gateway, digest, connection="others").status_code == 409


def test_what_was_accepted_survives_a_restart_and_a_crash(own):
    gateway, peer = own()
    raw = client(gateway)
    listed(raw)
    before = acceptances(gateway)
    versions = len(gateway.entries(kind="configuration.changed")) - len(before)
    gateway.kill()
    gateway.start()
    assert tool(gateway)["status"] == "unseen"
    peer.mutate("description")
    until(gateway, client(gateway), "changed")
    assert acceptances(gateway) == before
    # The entries of tools do not pass for another configuration.
    assert len(gateway.entries(kind="configuration.changed")) - len(before) == versions == 1


def test_the_command_line_lists_shows_and_accepts(own):
    gateway, peer = own()
    raw = client(gateway)
    listed(raw)
    peer.mutate("hidden")
    digest = until(gateway, raw, "changed")["listed"]["digest"]
    table = gateway.cli("tools", "list", "--status", "changed").stdout.splitlines()
    assert len(table) == 2 and digest in table[1] and "changed" in table[1]
    text = gateway.cli("tools", "show", "tools", "counter").stdout
    assert '- ' in text and '"description": "Counts a call."' in text
    assert "\\u{200b}" in text and "\\u{202e}" in text and "\u202e" not in text
    assert "hidden: /description: zero-width U+200B" in text
    unasked = gateway.cli("tools", "accept", "tools", "counter", succeed=False)
    assert unasked.returncode == 2 and "--digest" in unasked.stderr
    stale = gateway.cli("tools", "accept", "tools", "counter", "--digest", "A" * 43, succeed=False)
    assert stale.returncode == 6
    stranger = ("--as", "carol@example.com")
    assert gateway.cli("tools", "accept", "tools", "counter", "--digest", digest, *stranger, succeed=False).returncode == 5
    gateway.cli("tools", "accept", "tools", "counter", "--digest", digest, "--as", "alice@example.com")
    assert tool(gateway)["accepted"]["by"]["id"] == "alice@example.com"


def test_the_dashboard_shows_the_difference_and_accepts_what_was_shown(own):
    gateway, peer = own()
    raw = client(gateway)
    listed(raw)
    peer.mutate("hidden")
    digest = until(gateway, raw, "changed")["listed"]["digest"]
    with closing(sign_in(gateway, "carol")) as carol, closing(sign_in(gateway, "alice")) as alice:
        assert ">counter</a>" in alice.get("/tools").text
        url = "/tools/tools/counter"
        page = alice.get(url).text
        assert "&lt;b&gt;backwards" in page and "<b>backwards" not in page and "\u202e" not in page
        assert "\\u{202E}" in page and "tag-character" in page
        assert field(page, "digest") == digest
        form = {"csrf": field(page, "csrf"), "digest": digest}
        assert "unconfirmed" in alice.post(url + "/accept", data=form).headers["location"]
        stale = form | {"confirmed": "yes", "digest": "A" * 43}
        assert "digest-mismatch" in alice.post(url + "/accept", data=stale).headers["location"]
        assert alice.post(url + "/accept", data=form | {"confirmed": "yes", "csrf": "x"}).status_code == 403
        theirs = carol.get(url).text
        assert 'name="digest"' not in theirs
        other = form | {"confirmed": "yes", "csrf": field(theirs, "csrf")}
        assert "not-allowed" in carol.post(url + "/accept", data=other).headers["location"]
        assert tool(gateway)["status"] == "changed"
        done = alice.post(url + "/accept", data=form | {"confirmed": "yes"})
        assert done.status_code == 303 and "result=accepted" in done.headers["location"]
        assert "Accepted." in alice.get(done.headers["location"]).text
    assert tool(gateway)["status"] == "accepted"


def test_an_approver_sees_the_call_and_the_servers_words_as_such(own):
    gateway, peer = own()
    raw = client(gateway)
    listed(raw)
    peer.mutate("hidden")
    until(gateway, raw, "changed")
    label = "a \u200bhidden <i>label</i>"
    assert call(raw, label)["isError"]
    approval = gateway.pending_call("counter", {"label": label})
    with closing(sign_in(gateway, "alice")) as alice:
        page = alice.get(f"/approvals/{approval['id']}").text
        assert "tools/counter" in alice.get("/").text
    assert "Calls the tool" in page and "What the server says of the tool" in page
    assert "&lt;i&gt;label" in page and "<i>label" not in page and "\u200b" not in page and "\\u{200B}" in page
    assert "&lt;b&gt;backwards" in page and "\u202e" not in page
    assert "see what has changed" in page
    text = gateway.cli("approvals", "show", approval["id"]).stdout
    assert "tool          counter" in text and "server says" in text and "\\u{202e}" in text and "\u202e" not in text


# Calls that an agent makes by itself, and only has judged


def submitted(definition, **context):
    resource = {"type": "Tool", "id": "tools/counter"}
    context = {"method": "tools/call", "tool": "counter", "arguments": {"label": "own"}} | context
    if definition is not None:
        context["definition"] = definition
    operation = {"effect": "read", "action": "mcp:read", "resource": resource}
    return {
        "subject": {"type": "Agent", "id": "bot"},
        "action": {"name": "mcp:read"},
        "resource": {"type": "Connection", "id": "tools"},
        "context": {"operations": [operation], **{key: value for key, value in context.items() if value is not None}},
    }


def submit(gateway, document):
    return gateway.agent().post("/v1/actions", json=document)


def test_a_submitted_call_names_the_definition_that_it_is_made_by(own):
    gateway, peer = own()
    raw = client(gateway)
    unseen = {"_meta", "icons", "execution"}
    shown = {key: value for key, value in listed(raw)["counter"].items() if key not in unseen and value is not None}
    accepted = tool(gateway)["accepted"]["digest"]
    assert transparency.digest(shown) == accepted, "what the documentation says of how it is computed"
    allowed = submit(gateway, submitted(accepted))
    assert allowed.status_code == 200 and allowed.json()["decision"] == "allow", allowed.text
    # What lacks is named, with what to do about it.
    for document, member in [
        (submitted(None), "context.definition"),
        (submitted("abc"), "context.definition"),
        (submitted(7), "context.definition"),
        (submitted(accepted, tool=None), "context.tool"),
        (submitted(accepted, tool=""), "context.tool"),
        (submitted(accepted, method=None), "context.method"),
        (submitted(accepted, method="prompts/get"), "context.method"),
        (submitted(accepted, tool="echo"), "resource"),
    ]:
        refused = submit(gateway, document)
        assert refused.status_code == 400 and member in refused.json()["detail"], refused.text
    assert "SHA-256" in submit(gateway, submitted(None)).json()["detail"]
    wrong = submit(gateway, submitted("A" * 43))
    assert wrong.status_code == 200 and wrong.json()["decision"] == "deny"
    assert [each["code"] for each in wrong.json()["reasons"]] == ["digest-mismatch"]
    assert "GET /v1/tools/" in wrong.json()["reasons"][0]["message"]
    assert gateway.entries(kind="action.denied")[-1]["reasons"] == ["digest-mismatch"]
    # The document describes it, too.
    context = gateway.anyone().get("/openapi.json").json()["components"]["schemas"]["ActionDocument"]["properties"]["context"]
    assert "SHA-256" in context["properties"]["definition"]["description"]


def test_a_submitted_call_by_a_definition_that_nobody_has_accepted_waits_for_a_reviewer(own):
    gateway, peer = own()
    raw = client(gateway)
    listed(raw)
    peer.mutate("description")
    changed = until(gateway, raw, "changed")
    answer = submit(gateway, submitted(changed["listed"]["digest"]))
    assert answer.status_code == 202, answer.text
    assert [gate["policy"] for gate in answer.json()["approval"]["gates"]] == [GATE]


def test_the_accepted_definition_does_not_do_where_the_server_lists_another(own):
    gateway, peer = own(policies=GATED_COUNTER)
    raw = client(gateway)
    listed(raw)
    accepted = tool(gateway)["accepted"]["digest"]
    held = submit(gateway, submitted(accepted))
    assert held.status_code == 202
    approval = gateway.approve(held.json()["approval"])
    peer.mutate("description")
    until(gateway, raw, "changed")
    answer = submit(gateway, submitted(accepted))
    assert answer.status_code == 200 and answer.json()["decision"] == "deny", answer.text
    assert [each["code"] for each in answer.json()["reasons"]] == ["digest-mismatch"]
    # Nor is the grant used that was given before.
    late = gateway.agent_api().post(f"/v1/approvals/{approval['id']}/redeem")
    assert late.status_code == 409 and late.json()["code"] == "policy-changed", late.text
    assert [each["code"] for each in late.json()["reasons"]] == ["policy-changed", "digest-mismatch"]
    peer.mutate("")
    until(gateway, raw, "accepted")
    assert gateway.agent_api().post(f"/v1/approvals/{approval['id']}/redeem").status_code == 200


def test_a_submitted_call_is_what_the_rules_say_and_not_what_the_agent_says(own):
    gateway, peer = own(tools=[{"match": "counter", "effect": "delete"}])
    raw = client(gateway)
    listed(raw)
    accepted = tool(gateway)["accepted"]["digest"]
    milder = submit(gateway, submitted(accepted))
    assert milder.json()["decision"] == "deny"
    assert [each["code"] for each in milder.json()["reasons"]] == ["effect-mismatch"]
    assert gateway.entries(kind="action.denied")[-1]["reasons"] == ["effect-mismatch"]
    document = submitted(accepted)
    for part in (document["action"], document["context"]["operations"][0]):
        part["name" if "name" in part else "action"] = "mcp:delete"
    document["context"]["operations"][0]["effect"] = "delete"
    held = submit(gateway, document)
    assert held.status_code == 202
    assert [gate["policy"] for gate in held.json()["approval"]["gates"]] == ["deletes-need-a-dba"]
    # What no rule names is unknown, and an agent's word does not make it anything else.
    echo = submitted(tool(gateway, "echo")["accepted"]["digest"], tool="echo")
    echo["context"]["operations"][0]["resource"]["id"] = "tools/echo"
    unknown = submit(gateway, echo)
    assert [each["code"] for each in unknown.json()["reasons"]] == ["effect-mismatch"]
    assert "unknown" in unknown.json()["reasons"][0]["message"]
