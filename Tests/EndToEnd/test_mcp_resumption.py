"""Legacy servers that close the event stream of a call before its answer, and go on on another (2025-11-25, SEP-1699)."""

import itertools
import json
import socket
import threading

import pytest

from harness.mcp import McpGateway
from harness.mcp_handmade import Handmade
from harness.mcp_raw import Raw
from harness.waiting import eventually, stays

NUMBERS = itertools.count(1)
PATIENT = {"mcp": "30s", "mcp_progress": "30s"}


class Polled:
    """A server whose tool answers on one of the streams that come after the call's own."""

    def __init__(self, streams, first=("id: e0\ndata:\n\n", "retry: 20\n\n"), session="s1", breaks=False):
        """`streams`: what each GET gets, one after the other: a list of events, or a status."""
        self.first, self.streams, self.session, self.breaks = first, list(streams), session, breaks
        self.calls, self.places = [], []
        self.server = Handmade(self.answer, tools=("echo", "delete_record"), listened=self.listened)

    def answer(self, message, handler):
        if message.get("method") == "initialize":
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
            result = about | {"protocolVersion": "2025-11-25"}
            fields = {"Mcp-Session-Id": self.session} if self.session else {}
            handler.say(200, {"jsonrpc": "2.0", "id": message["id"], "result": result}, **fields)
            return False
        if message.get("method") != "tools/call":
            return None
        self.calls.append(message)
        self.stream(handler, self.first, breaks=self.breaks)
        return False

    def listened(self, handler):
        if handler.headers.get("last-event-id") is None:
            return False
        self.places.append(handler.headers["last-event-id"])
        events = self.streams.pop(0) if self.streams else []
        if isinstance(events, int):
            handler.say(events, b"")
        else:
            self.stream(handler, events)
        return True

    def stream(self, handler, events, breaks=False):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for event in events:
            event = event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n"
            data = event.encode()
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            handler.wfile.flush()
        if breaks:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            handler.wfile.write(b"0\r\n\r\n")

    def ended(self, text="done"):
        """The answer to the call."""
        content = [{"type": "text", "text": text}]
        return {"jsonrpc": "2.0", "id": self.calls[-1]["id"], "result": {"content": content}}


class Later(list):
    """Events that are known only when the call is."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __iter__(self):
        return iter(self.make())


@pytest.fixture
def own(scratch):
    made = []

    def make(polled, **settings):
        peers = {"tools": (polled.server, settings)}
        gateway = McpGateway(scratch / f"polled-{next(NUMBERS)}", peers, PATIENT)
        made.extend([gateway, polled.server])
        return gateway.start()

    yield make
    for each in made:
        each.kill()


def client(gateway, era):
    raw = Raw(gateway.port, "/tools/", gateway.keys["bot"])
    if era == "legacy":
        raw.initialize()
    return raw


def words(result):
    return result["content"][0]["text"]


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_call_goes_on_where_its_stream_was_closed(own, era, breaks):
    progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}

    def second():
        progress["params"]["progressToken"] = polled.calls[0]["params"]["_meta"]["progressToken"]
        return ["id: e1\n", f"data: {json.dumps(progress)}\n\n"]

    polled = Polled([Later(second), [], Later(lambda: [polled.ended()])], breaks=breaks)
    exchange = client(own(polled), era).call(era, "echo", {"text": "x"}, token="t")
    assert words(exchange.result()) == "done" and len(polled.calls) == 1
    assert polled.places == ["e0", "e1", "e1"]
    assert [each["progressToken"] for each in exchange.notifications("notifications/progress")] == ["t"]


def test_an_approved_call_goes_on_too_and_is_sent_once(own):
    polled = Polled([Later(lambda: [polled.ended("deleted")])])
    gateway = own(polled)
    exchange = client(gateway, "modern").modern_call("delete_record", {"record": "1"})
    approval = gateway.pending_call("delete_record", {"record": "1"})
    gateway.approve(approval)
    assert words(exchange.result()) == "deleted" and len(polled.calls) == 1
    gateway.until(approval["id"], "succeeded")


def test_a_server_that_never_comes_to_an_end_is_given_up(own):
    polled = Polled([])
    gateway = own(polled)
    exchange = client(gateway, "modern").modern_call("delete_record", {"record": "1"})
    approval = gateway.pending_call("delete_record", {"record": "1"})
    gateway.approve(approval)
    exchange.result()
    gateway.until(approval["id"], "unknown")
    assert len(polled.calls) == 1 and len(polled.places) == 5


@pytest.mark.parametrize("status", [404, 405, 400, 500])
def test_a_server_that_refuses_to_go_on_leaves_it_unknown(own, status):
    polled = Polled([status])
    error = client(own(polled), "legacy").legacy_call("echo", {"text": "x"}).failure()
    assert "not known" in error["message"] and len(polled.calls) == 1 and len(polled.places) == 1


@pytest.mark.parametrize(
    "polled", [{"first": []}, {"first": ["id:\ndata:\n\n"]}, {"first": ["id: \u00e4\ndata:\n\n"]}, {"session": None}]
)
def test_what_cannot_be_resumed_is_not(own, polled):
    polled = Polled([Later(lambda: [polled.ended()])], **polled)
    error = client(own(polled), "legacy").legacy_call("echo", {"text": "x"}).failure()
    assert "not known" in error["message"] and polled.places == []


def test_a_cancelled_call_does_not_come_back(own):
    polled = Polled([], first=["id: e0\nretry: 30000\ndata:\n\n"])
    gateway = own(polled)
    raw = client(gateway, "legacy")
    exchange = raw.legacy_call("echo", {"text": "x"}, identifier=77)
    eventually(lambda: polled.calls, 10, "the call")
    stays(lambda: exchange.is_waiting, 0.5)
    raw.notify("notifications/cancelled", {"requestId": 77}).finish()
    exchange.finish(10)
    cancelled = [each for each in polled.server.got if each.get("method") == "notifications/cancelled"]
    assert len(cancelled) == 1 and polled.places == []


def test_a_sessions_stream_goes_on_from_a_place_of_the_servers_own_and_no_other(own):
    places = []
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "news"}}

    def listened(handler):
        places.append(handler.headers.get("last-event-id"))
        polled.stream(handler, [f"id: e{len(places)}\ndata: {json.dumps(note)}\n\n"])
        return True

    polled = Polled([])
    polled.server.listened = listened
    raw = client(own(polled), "legacy")
    stream = raw.listen().finish()
    assert stream.notifications("notifications/message") == [note["params"]]
    [first] = stream.events.identifiers
    [second] = raw.listen(first).finish().events.identifiers
    for word in (second, "e1", first[:-4] + "AAAA", "any words"):
        raw.listen(word).finish()
    assert places == [None, "e1", "e2", None, None, None]


# Questions

ELICIT = {"jsonrpc": "2.0", "id": "sure", "method": "elicitation/create"}
ELICIT["params"] = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}}
IMPATIENT = {"timeouts": {"idle": "2s"}}


def is_answered(polled):
    return any(each.get("id") == "sure" for each in polled.server.got)


def once_answered(polled):
    """Says nothing before the client has answered, and then what the call came to."""
    eventually(lambda: is_answered(polled), 30, "an answer of the client's")
    yield polled.ended()


def capable(gateway):
    raw = Raw(gateway.port, "/tools/", gateway.keys["bot"])
    raw.initialize(capabilities={"elicitation": {}})
    return raw


def answered_late(gateway, raw, stream=None):
    """An approved call whose client, asked on this stream, answers after longer than a server may be silent."""
    call = raw.legacy_call("delete_record", {"record": "1"})
    approval = gateway.pending_call("delete_record", {"record": "1"})
    gateway.approve(approval)

    def questions():
        return [each for each in (stream or call).messages if each.get("method") == "elicitation/create"]

    (question,) = eventually(questions, 10, "the question")
    stays(lambda: call.is_waiting, 5)
    assert raw.answer(question["id"], {"action": "accept", "content": {}}).finish().status == 202
    assert words(call.result()) == "done"
    gateway.until(approval["id"], "succeeded")


@pytest.mark.parametrize("closes", ["once", "often"])
def test_a_server_that_has_closed_the_stream_that_it_asked_on_may_wait_for_the_answer(own, closes):
    class Asking(Polled):
        def listened(self, handler):
            is_early = closes == "often" and not is_answered(self)
            self.streams = [[] if is_early else Later(lambda: once_answered(self))]
            return super().listened(handler)

    polled = Asking([], ["retry: 20\n\n", f"id: e0\ndata: {json.dumps(ELICIT)}\n\n"])
    gateway = own(polled, **IMPATIENT)
    answered_late(gateway, capable(gateway))
    # Where nothing new comes, it is asked once a second at most.
    assert len(polled.places) < 30


def test_a_server_that_asks_on_its_sessions_own_stream_may_wait_for_the_answer(own):
    called = threading.Event()

    def asks():
        assert called.wait(20)
        yield ELICIT
        eventually(lambda: is_answered(polled), 30, "an answer of the client's")

    def answers():
        called.set()
        return once_answered(polled)

    class Beside(Polled):
        def listened(self, handler):
            self.stream(handler, Later(asks))
            return True

    polled = Beside([], Later(answers))
    gateway = own(polled, **IMPATIENT)
    raw = capable(gateway)
    answered_late(gateway, raw, raw.listen())
