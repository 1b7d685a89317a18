"""Subscriptions to what servers say outside of calls: what is acknowledged is heard from then on."""

import itertools
import json
import queue
import threading

import anyio
import pytest

from harness import mcp_clients
from harness.mcp import POLICIES, McpGateway
from harness.mcp_handmade import Child, Handmade
from harness.mcp_raw import Raw
from harness.waiting import eventually, stays

NUMBERS = itertools.count(1)
NEWS = "news://today"
UPDATED = "notifications/resources/updated"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
CAPABILITIES = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}


def update(uri=NEWS):
    return {"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": uri}}


class Stream:
    """An event stream that a server has begun, or will with its first event."""

    def __init__(self, handler, begins=True, quiet=False):
        self.handler, self.begun, self.waiting, self.ended = handler, False, queue.Queue(), threading.Event()
        self.quiet = quiet
        if begins:
            self.begin()

    def begin(self):
        self.begun = True
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "text/event-stream")
        self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()

    def serve(self):
        """Writes until the reader has gone, or `None` is said."""
        try:
            while True:
                try:
                    message = self.waiting.get(timeout=0.05)
                except queue.Empty:
                    if not self.begun or self.quiet:
                        continue
                    message = ""
                if message is None:
                    return self.handler.wfile.write(b"0\r\n\r\n")
                if not self.begun:
                    self.begin()
                event = f"data: {json.dumps(message)}\n\n" if message else ":\n\n"
                self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(event.encode()), event.encode()))
                self.handler.wfile.flush()
        except OSError:
            self.handler.close_connection = True
        finally:
            self.ended.set()


class Paper:
    """A legacy server that has one stream for each session, and loses what is published while there is none."""

    def __init__(self, begins=True, refused=(), status=None, taken=0, quiet=False):
        """`begins`: with its head, not its first event; `status`: of every GET; `taken`: so many GETs find it in use;
        `quiet`: without signs of life."""
        self.begins, self.refused, self.status, self.taken, self.quiet = begins, refused, status, taken, quiet
        self.gate, self.asked = threading.Event(), []
        self.gate.set()
        self.stream, self.sessions = None, []
        self.server = Handmade(self.answer, capabilities=CAPABILITIES, listened=self.listened)
        self.kill = self.server.kill

    def connection(self, name, **more):
        return self.server.connection(name, **more)

    def secrets(self, name):
        return {}

    def answer(self, message, handler):
        method, params = message["method"], message.get("params", {})
        if method == "initialize":
            self.sessions.append(f"session-{next(NUMBERS)}")
            usual = self.server.usual(method)
            handler.say(200, {"jsonrpc": "2.0", "id": message["id"], **usual}, **{"Mcp-Session-Id": self.sessions[-1]})
            return False
        if handler.headers["mcp-session-id"] != self.sessions[-1]:
            handler.say(404, b"")
            return False
        if method == "resources/subscribe":
            return {"error": {"code": -32602, "message": "no"}} if params["uri"] in self.refused else {"result": {}}
        if method == "tools/call":
            self.publish()
        return None

    def publish(self, message=None):
        if self.stream:
            self.stream.waiting.put(message or update())

    def listened(self, handler):
        self.asked.append(handler.headers["mcp-session-id"])
        self.gate.wait(60)
        lost = handler.headers["mcp-session-id"] != self.sessions[-1]
        status = 404 if lost else self.status or (409 if self.stream or len(self.asked) <= self.taken else None)
        if status:
            handler.say(status, b"")
            return True
        self.stream = Stream(handler, self.begins, self.quiet)
        self.stream.serve()
        self.stream = None
        return True


class ModernPaper:
    """A modern server that acknowledges when it is told to."""

    def __init__(self, agreed=lambda asked: asked, quiet=False):
        self.agreed, self.quiet, self.gate, self.asked, self.streams = agreed, quiet, threading.Event(), [], []
        self.gate.set()
        self.server = Handmade(self.answer, capabilities=CAPABILITIES, era="modern")
        self.kill = self.server.kill

    def connection(self, name, **more):
        return self.server.connection(name, **more)

    def secrets(self, name):
        return {}

    def answer(self, message, handler):
        if message["method"] == "tools/call":
            self.publish()
        if message["method"] != "subscriptions/listen":
            return None
        asked = message["params"]["notifications"]
        self.asked.append(asked)
        self.gate.wait(60)
        stream = Stream(handler, quiet=self.quiet)
        stream.uris = asked.get("resourceSubscriptions", [])
        stream.meta = {"io.modelcontextprotocol/subscriptionId": message["id"]}
        self.streams.append(stream)
        params = {"_meta": stream.meta, "notifications": self.agreed(asked)}
        stream.waiting.put({"jsonrpc": "2.0", "method": ACKNOWLEDGED, "params": params})
        stream.serve()
        return False

    def publish(self, uri=NEWS):
        for stream in self.streams:
            if uri in stream.uris and not stream.ended.is_set():
                stream.waiting.put({"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": uri, "_meta": stream.meta}})


@pytest.fixture
def own(scratch):
    made = []

    def make(policies=POLICIES, change=None, **peers):
        made.extend(peers.values())
        made.insert(0, McpGateway(scratch / f"listening-{next(NUMBERS)}", peers, None, policies, change))
        return made[0].start()

    yield make
    for each in made:
        each.kill()


def modern(gateway, path="/tools/"):
    return Raw(gateway.port, path, gateway.keys["bot"])


def legacy(gateway, path="/tools/"):
    raw = modern(gateway, path)
    raw.initialize()
    return raw


def subscribe(raw, uris=(NEWS,), **more):
    return raw.modern("subscriptions/listen", {"notifications": {"resourceSubscriptions": list(uris), **more}})


def acknowledged(stream, timeout=20):
    """What was acknowledged, which is the first thing that is said."""
    first = eventually(lambda: stream.messages, timeout, "an acknowledgement")[0]
    assert first["method"] == ACKNOWLEDGED, stream.messages
    return first["params"]["notifications"]


def heard(stream, count=1):
    notes = eventually(lambda: len(found := stream.notifications(UPDATED)) >= count and found, 20, "an update")
    return [note["uri"] for note in notes]


# Legacy servers


def test_a_subscription_is_acknowledged_once_the_servers_stream_is_there(own):
    server = Paper()
    server.gate.clear()
    raw = modern(own(tools=server))
    stream = subscribe(raw, toolsListChanged=True)
    eventually(lambda: server.asked)
    stays(lambda: not stream.messages, 1, "an acknowledgement of what would not be heard")
    server.gate.set()
    assert acknowledged(stream) == {"resourceSubscriptions": [NEWS], "toolsListChanged": True}
    raw.modern_call("echo").result()
    assert heard(stream) == [NEWS]
    server.publish({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    eventually(lambda: stream.notifications("notifications/tools/list_changed"))
    stream.abandon()
    eventually(lambda: server.stream is None)


@pytest.mark.parametrize("status", [405, 404, 501])
def test_what_a_server_without_a_stream_cannot_tell_is_not_acknowledged(own, status):
    server = Paper(status=status)
    stream = subscribe(modern(own(tools=server)), toolsListChanged=True)
    assert acknowledged(stream) == {}
    assert server.server.asked("resources/subscribe") == []
    assert stream.is_waiting
    stream.abandon()


def test_a_resource_that_the_server_refuses_to_tell_of_is_not_acknowledged(own):
    server = Paper(refused=["news://secret"])
    stream = subscribe(modern(own(tools=server)), ["news://secret", NEWS])
    assert acknowledged(stream) == {"resourceSubscriptions": [NEWS]}
    server.publish(update("news://secret"))
    server.publish()
    assert heard(stream) == [NEWS]
    stream.abandon()


def test_subscriptions_of_an_agent_share_the_one_stream_that_the_server_has(own):
    server = Paper()
    raw = modern(own(tools=server))
    first, second = subscribe(raw), subscribe(raw)
    assert acknowledged(first) == acknowledged(second) == {"resourceSubscriptions": [NEWS]}
    raw.modern_call("echo").result()
    assert heard(first) == heard(second) == [NEWS]
    first.abandon()
    third = subscribe(raw)
    acknowledged(third)
    raw.modern_call("echo").result()
    assert heard(second, 2) == [NEWS, NEWS] and heard(third) == [NEWS]
    assert len(server.asked) == 1
    for stream in (second, third):
        stream.abandon()
    eventually(lambda: server.stream is None)


def test_a_question_on_a_stream_that_is_shared_is_answered_once(own):
    server = Paper()
    raw = modern(own(tools=server))
    streams = [subscribe(raw), subscribe(raw)]
    for stream in streams:
        acknowledged(stream)
    server.publish({"jsonrpc": "2.0", "id": "asked", "method": "ping"})
    server.publish()
    for stream in streams:
        heard(stream)
        stream.abandon()
    eventually(lambda: [each for each in server.server.got if each.get("id") == "asked"])
    stays(lambda: len([each for each in server.server.got if each.get("id") == "asked"]) == 1, 0.5)


def test_a_stream_that_the_server_still_takes_for_used_is_asked_for_again(own):
    server = Paper(taken=3)
    raw = modern(own(tools=server))
    stream = subscribe(raw)
    assert acknowledged(stream) == {"resourceSubscriptions": [NEWS]}
    raw.modern_call("echo").result()
    assert heard(stream) == [NEWS]
    stream.abandon()


def test_a_stream_that_stays_in_use_is_an_error(own):
    call = subscribe(modern(own(tools=Paper(status=409))))
    assert "still in use" in call.failure(40)["message"]


def test_a_server_that_cannot_be_reached_any_more_is_an_error(own):
    server = Paper()
    raw = modern(own(tools=server))
    raw.modern_call("echo").result()
    server.kill()
    assert "upstream-unavailable" in json.dumps(subscribe(raw).failure(40))


def test_a_server_that_begins_its_stream_with_the_first_event_is_waited_for_a_while(own):
    server = Paper(begins=False)
    raw = modern(own(tools=server))
    stream = subscribe(raw)
    assert acknowledged(stream) == {"resourceSubscriptions": [NEWS]}
    raw.modern_call("echo").result()
    assert heard(stream) == [NEWS]
    stream.abandon()


def test_a_server_that_refuses_its_stream_after_a_while_ends_the_subscription(own):
    server = Paper(status=405)
    server.gate.clear()
    stream = subscribe(modern(own(tools=server)))
    acknowledged(stream)
    server.gate.set()
    assert stream.result()["resultType"] == "complete"


def test_a_subscription_ends_with_the_servers_stream(own):
    server = Paper()
    stream = subscribe(modern(own(tools=server)))
    acknowledged(stream)
    server.stream.waiting.put(None)
    assert stream.result()["resultType"] == "complete"


def test_a_session_that_the_server_has_lost_is_begun_anew_for_a_subscription(own):
    server = Paper()
    raw = modern(own(tools=server))
    raw.modern_call("echo").result()
    server.sessions.append("lost")
    stream = subscribe(raw)
    assert acknowledged(stream) == {"resourceSubscriptions": [NEWS]}
    assert server.sessions[-1] == server.asked[-1] != server.asked[0]
    raw.modern_call("echo").result()
    assert heard(stream) == [NEWS]
    stream.abandon()


# Children

TELLING = f"""
def unknown(message):
    if message["method"] == "resources/subscribe":
        say({{"jsonrpc": "2.0", "method": "{UPDATED}", "params": {{"uri": message["params"]["uri"]}}}})
        return answer(message, {{}})
    say({{"jsonrpc": "2.0", "id": message["id"], "error": {{"code": -32601, "message": "no"}}}})
def call(message):
    if message["params"].get("arguments"): sys.exit(0)
    answer(message, {{"content": []}})
"""


def test_what_a_child_tells_while_it_is_being_subscribed_to_is_heard(own, scratch):
    child = Child(scratch, TELLING)
    child.path.write_text(child.path.read_text().replace('"capabilities": {"tools": {}}', '"capabilities": {"tools": {}, "resources": {}}'))
    stream = subscribe(modern(own(tools=child)))
    assert acknowledged(stream) == {"resourceSubscriptions": [NEWS]}
    assert heard(stream) == [NEWS]
    stream.abandon()


def test_a_subscription_ends_with_the_child_that_it_was_made_at(own, scratch):
    child = Child(scratch, TELLING)
    raw = modern(own(tools=child))
    stream = subscribe(raw, [], toolsListChanged=True)
    assert acknowledged(stream) == {"toolsListChanged": True}
    raw.modern_call("echo", {"end": True}).finish()
    assert stream.result()["resultType"] == "complete"


# Modern servers


def test_a_modern_servers_acknowledgement_is_waited_for_and_says_what_is_heard(own):
    server = ModernPaper(lambda asked: {"resourceSubscriptions": [NEWS, "news://unasked"], "promptsListChanged": True})
    server.gate.clear()
    raw = modern(own(tools=server))
    stream = subscribe(raw, [NEWS, "news://tomorrow"], toolsListChanged=True)
    eventually(lambda: server.asked)
    stays(lambda: not stream.messages, 1, "an acknowledgement of what the server has not acknowledged")
    server.gate.set()
    assert acknowledged(stream) == {"resourceSubscriptions": [NEWS]}
    raw.modern_call("echo").result()
    assert heard(stream) == [NEWS]
    stream.abandon()


def test_a_modern_server_that_knows_no_subscriptions_is_an_error_of_that_kind(own):
    server = Handmade(era="modern", capabilities=CAPABILITIES)
    gateway = own(tools=server)
    assert subscribe(modern(gateway)).failure()["code"] == -32601
    assert legacy(gateway).listen().finish().status == 405


# Legacy clients


def test_a_legacy_clients_stream_begins_once_a_modern_server_has_acknowledged_it(own):
    server = ModernPaper()
    server.gate.clear()
    raw = legacy(own(tools=server))
    raw.legacy("resources/subscribe", {"uri": NEWS}).result()
    stream = raw.listen()
    eventually(lambda: server.asked)
    stays(lambda: not stream.begun.is_set(), 1, "a stream on which nothing would be heard")
    server.gate.set()
    assert stream.begun.wait(20) and stream.status == 200
    raw.legacy_call("echo").result()
    assert heard(stream) == [NEWS]
    stream.abandon()


def test_a_legacy_client_subscribes_to_more_without_missing_anything_of_a_modern_server(own):
    server = ModernPaper()
    raw = legacy(own(tools=server))
    raw.legacy("resources/subscribe", {"uri": NEWS}).result()
    stream = raw.listen()
    assert stream.begun.wait(20)
    server.gate.clear()
    call = raw.legacy("resources/subscribe", {"uri": "news://tomorrow"})
    eventually(lambda: len(server.asked) == 2)
    assert server.asked[1]["resourceSubscriptions"] == [NEWS, "news://tomorrow"]
    server.publish()
    assert heard(stream) == [NEWS]
    assert call.is_waiting
    server.gate.set()
    call.result()
    server.publish("news://tomorrow")
    assert heard(stream, 2)[1] == "news://tomorrow"
    eventually(server.streams[0].ended.is_set)
    raw.legacy("resources/unsubscribe", {"uri": NEWS}).result()
    assert server.asked[2]["resourceSubscriptions"] == ["news://tomorrow"]
    stream.abandon()


def test_a_legacy_client_is_told_what_a_modern_server_does_not_tell_of(own):
    server = ModernPaper(lambda asked: asked | {"resourceSubscriptions": [NEWS]})
    raw = legacy(own(tools=server))
    stream = raw.listen()
    assert stream.begun.wait(20)
    assert "does not tell" in raw.legacy("resources/subscribe", {"uri": "news://secret"}).failure()["message"]
    raw.legacy("resources/subscribe", {"uri": NEWS}).result()
    assert server.asked[-1]["resourceSubscriptions"] == [NEWS]
    server.publish()
    assert heard(stream) == [NEWS]
    stream.abandon()


def test_a_legacy_session_has_a_limited_number_of_subscriptions_at_a_modern_server(own):
    server = ModernPaper()
    raw = legacy(own(tools=server))

    def want(number, method="resources/subscribe"):
        return raw.legacy(method, {"uri": f"news://{number}"}).reply()

    for number in range(256):
        assert "result" in want(number)
    for number in range(256, 300):
        assert want(number)["error"]["code"] == -32602
    assert "result" in want(0) and "result" in want(1, "resources/unsubscribe") and "result" in want(256)
    stream = raw.listen()
    assert stream.begun.wait(20) and len(server.asked[0]["resourceSubscriptions"]) == 256
    assert want(257)["error"]["code"] == -32602
    server.publish("news://256")
    assert heard(stream) == ["news://256"]
    stream.abandon()


def test_a_legacy_client_is_told_that_its_servers_stream_is_in_use(own):
    assert legacy(own(tools=Paper(status=409))).listen().finish().status == 409


def test_a_legacy_client_gets_the_stream_that_its_server_still_takes_for_used(own):
    server = Paper(taken=3)
    raw = legacy(own(tools=server))
    stream = raw.listen()
    assert stream.begun.wait(20) and stream.status == 200
    raw.legacy_call("echo").result()
    assert heard(stream) == [NEWS]
    stream.abandon()


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("kind", [Paper, ModernPaper])
def test_a_stream_on_which_nothing_is_said_for_long_stays(own, kind, era):
    server = kind(quiet=True)
    gateway = own(tools=server, change=lambda settings: settings["connections"][0].update(timeouts={"idle": "2s"}))
    if era == "legacy":
        raw = legacy(gateway)
        raw.legacy("resources/subscribe", {"uri": NEWS}).result()
        stream = raw.listen()
        assert stream.begun.wait(20) and stream.status == 200
    else:
        stream = subscribe(modern(gateway))
        acknowledged(stream)
    stays(lambda: stream.is_waiting, 5)
    server.publish()
    assert heard(stream) == [NEWS]
    stream.abandon()


def no_listening(*connections, gate=""):
    return POLICIES + "".join(
        f'@id("no-listening-{each}") {gate} forbid (principal, action == Action::"mcp:read", resource == Connection::"{each}");'
        for each in connections
    )


@pytest.mark.parametrize("gate", ["", '@approvers("dba")'], ids=["denied", "gated"])
def test_a_legacy_clients_stream_is_judged_and_in_the_log(own, gate):
    allowing, refusing = Paper(), Paper()
    gateway = own(no_listening("refusing", gate=gate), allowing=allowing, refusing=refusing)
    stream = legacy(gateway, "/allowing/").listen()
    assert stream.begun.wait(20) and stream.status == 200
    raw = legacy(gateway, "/refusing/")
    refused = raw.listen().finish()
    assert refused.status == 405 and "no-listening" in refused.body.decode()
    assert refusing.asked == []
    assert "content" in raw.legacy_call("echo").result()
    entries = [(each["kind"], each.get("action", {}).get("resource")) for each in gateway.entries()]
    assert ("action.allowed", "allowing") in entries and ("action.denied", "refusing") in entries
    stream.abandon()


@pytest.mark.parametrize("kind", ["official", "fastmcp"])
def test_clients_go_on_without_a_stream_that_policy_refuses(own, kind):
    server = Paper()
    gateway = own(no_listening("tools"), tools=server)

    def is_refused():
        return any(each["kind"] == "action.denied" for each in gateway.entries())

    async def use():
        async with mcp_clients.http(gateway.url(), gateway.keys["bot"], kind, "legacy") as client:
            await anyio.to_thread.run_sync(eventually, is_refused)
            for _ in range(3):
                assert (await client.call("echo")).content[0].text == "ran"

    anyio.run(use)
    assert server.asked == []


def test_the_gateways_own_server_has_no_stream(own):
    raw = legacy(own(tools=Paper()), "/countersign/")
    assert raw.listen().finish().status == 405


# Several servers at once

LEFT, RIGHT = f"left+{NEWS}", f"right+{NEWS}"


def both(settings):
    settings["connections"].append({"name": "both", "kind": "mcp", "servers": ["left", "right"]})


def test_a_subscription_at_several_servers_is_acknowledged_once_each_is_heard(own):
    left, right = Paper(), ModernPaper()
    left.gate.clear()
    raw = modern(own(left=left, right=right, change=both), "/both/")
    stream = subscribe(raw, [LEFT, RIGHT], toolsListChanged=True)
    eventually(lambda: left.asked and right.asked)
    stays(lambda: not stream.messages, 1, "an acknowledgement of what would not be heard")
    left.gate.set()
    agreed = acknowledged(stream)
    assert agreed.pop("toolsListChanged") and set(agreed.pop("resourceSubscriptions")) == {LEFT, RIGHT} and not agreed
    raw.modern_call("left__echo").result()
    assert heard(stream) == [LEFT]
    raw.modern_call("right__echo").result()
    assert heard(stream, 2) == [LEFT, RIGHT]
    left.publish({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    eventually(lambda: stream.notifications("notifications/tools/list_changed"))
    assert len({json.dumps(each["params"]["_meta"]) for each in stream.messages}) == 1
    stream.abandon()
    eventually(lambda: left.stream is None)


def test_a_server_of_several_that_has_no_stream_or_is_away_is_left_out(own):
    left, right = Paper(status=405), Paper()
    gateway = own(left=left, right=right, change=both)
    stream = subscribe(modern(gateway, "/both/"), [LEFT, RIGHT])
    assert acknowledged(stream) == {"resourceSubscriptions": [RIGHT]}
    stream.abandon()
    left.kill()
    stream = subscribe(modern(gateway, "/both/"), [LEFT, RIGHT])
    assert acknowledged(stream) == {"resourceSubscriptions": [RIGHT]}
    right.publish()
    assert heard(stream) == [RIGHT]
    stream.abandon()


@pytest.mark.parametrize("gate", ["", '@approvers("dba")'], ids=["denied", "gated"])
def test_what_policy_does_not_let_an_agent_hear_of_one_of_several_servers_is_not_acknowledged(own, gate):
    policies = POLICIES + f'@id("left-news") {gate} forbid (principal, action, resource == Resource::"left/{NEWS}");'
    left, right = Paper(), Paper()
    gateway = own(policies, left=left, right=right, change=both)
    stream = subscribe(modern(gateway, "/both/"), [LEFT, RIGHT])
    assert acknowledged(stream) == {"resourceSubscriptions": [RIGHT]}
    assert left.asked == [] and left.server.asked("resources/subscribe") == []
    denied = [each for each in gateway.entries() if each["kind"] == "action.denied"]
    assert NEWS in json.dumps(denied)
    assert not [each for each in gateway.entries() if each["kind"] == "approval.requested"]
    stream.abandon()


def test_a_legacy_clients_stream_has_nothing_of_a_server_that_policy_does_not_let_it_hear(own):
    left, right = Paper(), Paper()
    raw = legacy(own(no_listening("left"), left=left, right=right, change=both), "/both/")
    stream = raw.listen()
    assert stream.begun.wait(20) and stream.status == 200
    assert left.asked == []
    right.publish()
    assert heard(stream) == [RIGHT]
    stream.abandon()


def test_a_legacy_client_that_policy_lets_hear_none_of_several_servers_has_no_stream(own):
    left, right = Paper(), Paper()
    raw = legacy(own(no_listening("left", "right"), left=left, right=right, change=both), "/both/")
    assert raw.listen().finish().status == 405
    assert left.asked == right.asked == []


def test_a_legacy_clients_stream_has_what_several_servers_say(own):
    left, right = Paper(), ModernPaper()
    raw = legacy(own(left=left, right=right, change=both), "/both/")
    for uri in (LEFT, RIGHT):
        raw.legacy("resources/subscribe", {"uri": uri}).result()
    left.gate.clear()
    stream = raw.listen()
    eventually(lambda: left.asked and right.asked)
    stays(lambda: not stream.begun.is_set(), 1, "a stream on which nothing would be heard")
    left.gate.set()
    assert stream.begun.wait(20) and stream.status == 200
    raw.legacy_call("left__echo").result()
    assert heard(stream) == [LEFT]
    raw.legacy_call("right__echo").result()
    assert heard(stream, 2) == [LEFT, RIGHT]
    stream.abandon()
    eventually(lambda: left.stream is None)
