"""Sessions with servers: when they end, what keeps them, how long they may take to begin, and what listeners hear."""

import threading

import pytest
from test_mcp_malice import Child, Handmade, client, growth, join, own  # noqa: F401

from harness.mcp_raw import ACCEPT, JSON, Raw
from harness.waiting import eventually, stays
from harness.wire import RawConnection, request_bytes

# A child of the modern era.
MODERN = """
def unknown(message):
    if message["method"] == "server/discover":
        answer(message, {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
    else:
        say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}})
real = answer
def answer(message, result):
    if message["method"] == "initialize":
        return say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}})
    real(message, {"resultType": "complete", **result})
"""
RAN = 'def call(message):\n    answer(message, {"content": [{"type": "text", "text": "ran"}]})\n'
# The time that a child takes before it reads anything.
SLOW = "threading.Event().wait(7)\n"
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}


# The end


def test_the_end_of_a_joined_session_is_the_end_of_every_members(own, scratch):
    left, right = Child(scratch), Child(scratch)
    raw = client(own(change=join("left", "right"), left=left, right=right), "/both/")
    assert {tool["name"] for tool in raw.legacy("tools/list").result()["tools"]} >= {"left__echo", "right__echo"}
    assert len(left.processes()) == len(right.processes()) == 1
    assert raw.end().finish().status == 204
    # The sweeper comes by once a minute, and takes only what has been idle for ten.
    eventually(lambda: left.processes() == right.processes() == [], 10, "the end of both children")
    assert raw.legacy("tools/list").finish().status == 404
    assert raw.legacy_call("left__echo").finish().status == 404
    stays(lambda: left.processes() == right.processes() == [], 1, "a member's session that was ended came back")


def test_the_end_of_a_joined_session_is_told_to_every_server_though_one_is_slow(own):
    told = []

    class Told(Handmade):
        def __init__(self, name, stalls=False):
            def answer(message, handler):
                if message["method"] != "initialize":
                    return None
                about = self.usual("initialize")["result"]
                body = {"jsonrpc": "2.0", "id": message["id"], "result": about}
                handler.say(200, body, **{"Mcp-Session-Id": name})
                return False

            super().__init__(answer)

            def do_DELETE(handler):
                told.append(handler.headers["Mcp-Session-Id"])
                if stalls:
                    eventually(lambda: len(told) == 2, 20)
                handler.say(204, b"")

            self.server.RequestHandlerClass.do_DELETE = do_DELETE

    raw = client(own(change=join("left", "right"), left=Told("l", stalls=True), right=Told("r")), "/both/")
    raw.legacy("tools/list").result()
    assert raw.end().finish().status == 204
    assert sorted(told) == ["l", "r"]


# What keeps them


def hold_long(configuration):
    configuration["hold"]["mcp"] = "100s"


def open_session(gateway):
    raw = Raw(gateway.port, "/tools/", gateway.keys["bot"])
    return raw.send({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}, [JSON, ACCEPT]).reply()


def test_a_held_call_of_a_modern_client_keeps_its_server_whatever_else_its_agent_begins(own, scratch):
    child = Child(scratch, MODERN + RAN, "modern")
    gateway = own(tools=child, change=hold_long)
    call = client(gateway, era="modern").modern_call("delete_record", {"record": "r"})
    approval = gateway.pending_call("delete_record")
    [process] = child.processes()
    for _ in range(40):
        assert "result" in open_session(gateway)
    assert len(child.processes()) <= 32
    assert process.is_running(), "the child of a held call went, so that another could begin"
    gateway.approve(approval)
    assert call.result()["content"][0]["text"] == "ran"
    # Once nothing is under way it is as idle as any.
    for _ in range(40):
        open_session(gateway)
    eventually(lambda: not process.is_running(), 10, "the idle child's end")


@pytest.mark.timeout(120)
def test_where_every_session_is_busy_the_newcomer_is_refused(own, scratch):
    gateway = own(tools=Child(scratch), change=hold_long)
    calls = [client(gateway, era="modern").modern_call("delete_record", {"record": "modern"})]
    calls += [client(gateway).legacy_call("delete_record", {"record": str(number)}) for number in range(31)]
    eventually(lambda: len(gateway.calls("delete_record", status="pending")) == 32, 40, "32 held calls")
    refused = open_session(gateway)
    assert "in use" in refused["error"]["message"]
    # Another agent has a budget of its own.
    other = client(gateway, agent="other-bot")
    assert "result" in other.legacy_call("echo").reply()
    calls[0].abandon()
    eventually(lambda: "result" in open_session(gateway), 20, "room for one more")
    for call in calls[1:]:
        call.abandon()


def test_a_stream_whose_head_the_server_holds_back_keeps_its_session(own):
    over = threading.Event()
    server = Handmade(listened=lambda handler: over.wait(60))
    gateway = own(tools=server)
    raw = client(gateway)
    stream = raw.listen()
    eventually(lambda: [each for each in server.fields if each["method"] == "GET"], 10, "the gateway's own GET")
    # As many as make the least used of those go that do nothing.
    for _ in range(256):
        assert "result" in open_session(gateway)
    assert len(server.asked("initialize")) == 257
    raw.legacy("tools/list").result()
    assert len(server.asked("initialize")) == 257, "the session of the stream was ended"
    stream.abandon()
    over.set()


# The beginning


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    ("era", "server"), [("modern", "modern"), ("auto", "modern"), ("auto", "legacy"), ("legacy", "legacy")]
)
def test_a_child_that_is_slow_to_start_is_waited_for(own, scratch, era, server):
    child = Child(scratch, (MODERN if server == "modern" else "") + SLOW, era)
    gateway = own(tools=child)
    listed = client(gateway, era="modern").modern("tools/list").result(40)
    assert {tool["name"] for tool in listed["tools"]} == {"echo", "delete_record"}
    assert len(child.processes()) == 1


# What listeners hear

CHATTY = """
def call(message):
    answer(message, {"content": []})
    threading.Thread(target=talk, daemon=True).start()
def talk():
    for number, size in enumerate([100, 5000, 200000, 3000000, 6000000, 100]):
        say({"jsonrpc": "2.0", "method": "notifications/resources/updated",
             "params": {"uri": "file:///" + str(number), "title": "x" * size}})
"""


def test_a_listener_hears_large_notifications_up_to_what_may_wait_for_it(own, scratch):
    raw = client(own(tools=Child(scratch, CHATTY)))
    stream = raw.listen()
    assert stream.begun.wait(10) and stream.status == 200
    raw.legacy_call("echo").result()

    def heard():
        return [each["params"]["uri"][-1] for each in stream.messages]

    eventually(lambda: "5" in heard(), 20, "the last notification")
    # What is larger than all that may wait is not kept; the rest arrives whole and in order.
    assert heard() == ["0", "1", "2", "3", "5"]
    sizes = [len(each["params"]["title"]) for each in stream.messages]
    assert sizes == [100, 5000, 200000, 3000000, 100]
    stream.abandon()


def test_a_flood_for_a_listener_that_does_not_read_does_not_fill_memory(own, scratch):
    flood = CHATTY[: CHATTY.index("    for number")] + """
    for number in range(600):
        say({"jsonrpc": "2.0", "method": "notifications/resources/updated",
             "params": {"uri": "file:///" + str(number), "title": "x" * 500000}})
    say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
"""
    gateway = own(tools=Child(scratch, flood))
    raw = client(gateway)
    before = gateway.resident()
    stream = RawConnection(gateway.port)
    fields = [*raw.authorization(), *raw.legacy_headers()[1:]]
    stream.send(request_bytes("GET", "/tools/", fields))
    eventually(lambda: b"200" in stream.reader.line(), what="the stream")
    raw.legacy_call("echo").result()
    assert growth(gateway, before, 10) < 100 << 20
    assert raw.legacy("tools/list").result()["tools"]
    stream.close()
