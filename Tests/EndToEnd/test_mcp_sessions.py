"""Sessions with servers: when they end, what keeps them, how long they may take to begin, and what listeners hear."""

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
