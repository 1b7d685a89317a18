"""`countersign mcp-stdio` and `countersign mcp`: hosts that only speak stdio reach the gateway in both eras."""

import http.server
import json
import threading

import anyio
import mcp_types as types
import pytest
import yaml
from peers import deeds

from harness import mcp_clients
from harness.gateway import BINARY
from harness.mcp import McpGateway, Peer
from harness.mcp_routes import CLIENTS, soon
from harness.stdio_host import Host
from harness.waiting import eventually, stays

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")]
sdks = pytest.mark.parametrize(("sdk", "era"), CLIENTS)
eras = pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def peer(scratch):
    peer = Peer(scratch / "bridge-peer").start()
    yield peer
    peer.kill()


@pytest.fixture(scope="module")
def local(scratch):
    """A server that the gateway itself starts."""
    return Peer(scratch / "bridge-local", transport="stdio")


@pytest.fixture(scope="module")
def gateway(scratch, peer, local):
    peers = {"tools": (peer, {"message": {"maximum": "64MiB"}}), "local": local, "old": (peer, {"protocol": "legacy"})}
    gateway = McpGateway(scratch / "bridge", peers, {"mcp": "30s", "mcp_progress": "30s"}).start()
    gateway.token("bob@example.com")
    yield gateway
    gateway.stop()


def words_for(gateway, connection="tools"):
    return ["mcp-stdio", "--connection", connection, "--url", f"http://127.0.0.1:{gateway.port}"]


def host(gateway, *more, connection="tools"):
    key = {"COUNTERSIGN_KEY": gateway.keys["bot"]}
    return Host(*words_for(gateway, connection), *more, environment=key)


def connect(gateway, sdk="official", era="modern", connection="tools", **callbacks):
    command = [str(BINARY), *words_for(gateway, connection)]
    return mcp_clients.stdio(command, {"COUNTERSIGN_KEY": gateway.keys["bot"]}, sdk, era, **callbacks)


def text_of(result):
    assert not result.is_error, result
    return result.content[0].text


# Real clients


@sdks
async def test_a_real_client_lists_calls_and_reads(gateway, sdk, era):
    async with connect(gateway, sdk, era) as client:
        assert {"echo", "add"} <= {tool.name for tool in await client.list_tools()}
        assert text_of(await client.call("echo", {"text": deeds.ODD_TEXT})) == deeds.ODD_TEXT
        assert (await client.call("add", {"a": 1, "b": 2})).structured_content == {"sum": 3, "odd": True}
        assert (await client.read("text://hello")).contents[0].text == deeds.ODD_TEXT
        failed = await client.call("fails", {"reason": "no such record"})
        assert failed.is_error and "no such record" in failed.content[0].text


@sdks
async def test_progress_comes_while_the_call_runs(gateway, peer, sdk, era):
    heard, label = [], f"progress-{sdk}-{era}"

    async def progress(value, total, message):
        if not heard:
            assert peer.count("slow", label, "ended") == 0
        heard.append(value)

    async with connect(gateway, sdk, era) as client:
        text_of(await client.call("slow", {"label": label, "steps": 3, "delay": 0.2}, progress=progress))
    assert heard == [1, 2, 3]


@sdks
async def test_a_held_call_waits_and_runs_once(gateway, peer, sdk, era):
    record, results = f"bridge-{sdk}-{era}", []
    async with connect(gateway, sdk, era) as client, anyio.create_task_group() as group:

        async def call():
            results.append(await client.call("delete_record", {"record": record}))

        group.start_soon(call)
        approval = await soon(lambda: gateway.pending_call("delete_record", {"record": record}))
        await anyio.to_thread.run_sync(lambda: gateway.approve(approval))
    assert text_of(results[0]) == f"deleted {record}"
    assert peer.count("delete_record", record) == 1


@sdks
async def test_many_requests_run_at_once(gateway, sdk, era):
    async with connect(gateway, sdk, era) as client:
        results = {}

        async def call(number):
            results[number] = text_of(await client.call("echo", {"text": str(number)}))

        with anyio.fail_after(15):
            async with anyio.create_task_group() as group:
                for number in range(100):
                    group.start_soon(call, number)
    assert results == {number: str(number) for number in range(100)}


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_what_a_server_asks_reaches_the_client_and_comes_back(gateway, era):
    async def elicit(context, params):
        return types.ElicitResult(action="accept", content={"colour": "green"})

    async with connect(gateway, era=era, connection="old" if era == "legacy" else "tools", elicit=elicit) as client:
        assert "green" in text_of(await client.call("elicit", {}))


@eras
def test_large_messages_pass_both_ways(gateway, modern):
    with host(gateway) as bridge:
        if not modern:
            bridge.initialize()
        answer = bridge.call(1, "big", {"mebibytes": 16}, modern, timeout=18)
        assert len(answer["result"]["content"][0]["text"]) >= 16 << 20
        answer = bridge.call(2, "size", {"text": "x" * (12 << 20)}, modern, timeout=18)
        assert str(12 << 20) in answer["result"]["content"][0]["text"]


# By hand


@eras
def test_cancelling_a_call_stops_it_and_gets_no_answer(gateway, peer, modern):
    label = f"cancelled-{modern}"
    with host(gateway) as bridge:
        if not modern:
            bridge.initialize()
        arguments = {"name": "slow", "arguments": {"label": label, "steps": 100, "delay": 0.1}}
        bridge.request(7, "tools/call", arguments, modern)
        eventually(lambda: peer.count("slow", label, "began"), 10, "the call's beginning")
        bridge.notify("notifications/cancelled", {"requestId": 7, "reason": "enough"})
        eventually(lambda: peer.count("slow", label, "cancelled"), 10, "the call's cancellation")
        assert bridge.call(8, "echo", {"text": "after"}, modern)["result"]["content"][0]["text"] == "after"
        assert not [message for message in bridge.kept if message.get("id") == 7]


def test_header_fields_that_a_tool_asks_for_are_sent_even_if_the_host_knew_it_before(gateway):
    with host(gateway) as bridge:
        answer = bridge.call(1, "query", {"region": "earlier than any list"}, modern=True)
        assert "earlier than any list" in answer["result"]["content"][0]["text"]
        bridge.request(2, "tools/list", {}, modern=True)
        assert "error" not in bridge.answer(2)
        answer = bridge.call(3, "query", {"region": "ünï"}, modern=True)
        assert "ünï" in answer["result"]["content"][0]["text"]


@eras
def test_a_gateway_that_is_away_is_an_error_and_one_that_is_back_serves(scratch, peer, modern):
    gateway = McpGateway(scratch / f"bridge-away-{modern}", {"tools": peer}).start()
    try:
        with host(gateway) as bridge:
            if not modern:
                bridge.initialize()
            assert bridge.call(1, "echo", {"text": "a"}, modern)["result"]
            gateway.kill()
            error = bridge.call(2, "echo", {"text": "b"}, modern)["error"]
            assert "cannot be reached" in error["message"] and "nothing was sent" in error["message"]
            gateway.start()
            assert bridge.call(3, "echo", {"text": "c"}, modern)["result"]["content"][0]["text"] == "c"
            assert "cannot be reached" in bridge.error_text
            assert bridge.close() == 0
    finally:
        gateway.kill()


@eras
def test_a_refused_key_is_an_error_that_says_so(gateway, modern):
    with Host(*words_for(gateway), environment={"COUNTERSIGN_KEY": "cs_not-a-key-of-anybody"}) as bridge:
        method = "tools/list" if modern else "initialize"
        bridge.request(1, method, {} if modern else {"protocolVersion": "2025-11-25", "capabilities": {}}, modern)
        assert "invalid-credential" in bridge.answer(1)["error"]["message"]


def test_what_is_no_message_is_answered_and_the_rest_goes_on(gateway):
    with host(gateway) as bridge:
        bridge.write(b"what is this\n\n")
        assert bridge.answer(None)["error"]["code"] == -32700
        bridge.write(b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]\r\n')
        assert bridge.answer(None)["error"]["code"] == -32600
        assert bridge.call(1, "echo", {"text": "on"}, modern=True)["result"]


@pytest.mark.parametrize("how", ["environment", "file", "key-file"])
def test_the_key_comes_from_where_it_is_told(gateway, tmp_path, how):
    (tmp_path / "key").write_text(gateway.keys["bot"] + "\n")
    more = {
        "environment": ["--key", "env:MY_KEY"],
        "file": ["--key", f"file:{tmp_path}/key"],
        "key-file": ["--key-file", str(tmp_path / "key")],
    }[how]
    with Host(*words_for(gateway), *more, environment={"MY_KEY": gateway.keys["bot"]}) as bridge:
        assert bridge.call(1, "echo", {"text": "on"}, modern=True)["result"]


@pytest.mark.parametrize("more", [[], ["--key", "cs_itself"], ["--key", "env:NOT_SET"], ["--url", "nowhere"]])
def test_without_a_usable_key_or_address_it_does_not_start(gateway, more):
    with Host(*words_for(gateway), *more) as bridge:
        assert bridge.process.wait(10) == 2
        eventually(lambda: "error:" in bridge.error_text, 5, "the reason")


def test_an_agents_own_approvals_are_a_server_too(gateway):
    with host(gateway, connection="countersign") as bridge:
        bridge.request(1, "tools/list", {}, modern=True)
        assert "list_approvals" in {tool["name"] for tool in bridge.answer(1)["result"]["tools"]}


# A command in the place of a name


def mcp(gateway, *words):
    key = {"COUNTERSIGN_KEY": gateway.keys["bot"]}
    url = f"http://127.0.0.1:{gateway.port}"
    return Host("mcp", "--config", str(gateway.file), "--url", url, *words, environment=key)


def test_a_command_that_a_connection_runs_goes_through_the_gateway(gateway, local):
    with mcp(gateway, "--", *local.command) as bridge:
        assert bridge.call(1, "echo", {"text": "on"}, modern=True)["result"]["content"][0]["text"] == "on"
        assert bridge.close() == 0
    assert gateway.entries(kind="action.allowed", q="local/echo")


def test_a_command_that_no_connection_runs_prints_what_to_add(gateway, local):
    with mcp(gateway, "--", "npx", "-y", "@example/some-server@1.2", 'odd "word"') as bridge:
        bridge.request(1, "initialize", {})
        message = bridge.answer(1)["error"]["message"]
        assert bridge.close() == 2
    entry = yaml.safe_load(message[message.index("connections:") :])["connections"][0]
    assert entry["kind"] == "mcp" and entry["name"] == "some-server"
    assert entry["command"] == ["npx", "-y", "@example/some-server@1.2", 'odd "word"']
    assert "connections:" in bridge.error_text


def test_a_name_of_another_connection_is_not_taken_for_the_command(gateway, local):
    with mcp(gateway, "--name", "tools", "--", *local.command) as bridge:
        bridge.request(1, "initialize", {})
        assert "runs something else" in bridge.answer(1)["error"]["message"]
        assert bridge.close() == 2


# Sessions, with a server that notes what it is asked


class Forgetful:
    """A legacy server that forgets its sessions when a test says so."""

    def __init__(self):
        self.seen, self.sessions, self.streams = [], [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, body=b"", fields=()):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in fields:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def known(self):
                return self.headers.get("Mcp-Session-Id") in outer.sessions

            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append((message.get("method"), self.headers.get("Mcp-Session-Id"), message.get("params")))
                fields = [("Content-Type", "application/json")]
                result = {}
                if message.get("method") == "initialize":
                    outer.sessions.append(f"session-{len(outer.seen)}")
                    fields.append(("Mcp-Session-Id", outer.sessions[-1]))
                    result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "f"}}
                elif not self.known():
                    return self.reply(404)
                if "id" not in message:
                    return self.reply(202)
                # Written over several lines, which a line of stdio must not have.
                text = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}, indent=2)
                self.reply(200, text.encode(), fields)

            def do_GET(self):
                outer.seen.append(("GET", self.headers.get("Mcp-Session-Id"), self.headers.get("Last-Event-ID")))
                if not self.known():
                    return self.reply(404)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                number = len(outer.streams)
                outer.streams.append(number)
                notice = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": number}}
                self.wfile.write(f"id: e{number}\ndata: {json.dumps(notice)}\n\n".encode())
                self.close_connection = True

            def do_DELETE(self):
                outer.seen.append(("DELETE", self.headers.get("Mcp-Session-Id"), None))
                self.reply(204)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def methods(self):
        return [each[0] for each in self.seen]


@pytest.fixture
def forgetful():
    server = Forgetful()
    yield server
    server.server.shutdown()
    server.server.server_close()


def forgetful_host(server):
    url = f"http://127.0.0.1:{server.server.server_port}"
    return Host("mcp-stdio", "--connection", "tools", "--url", url, environment={"COUNTERSIGN_KEY": "cs_any"})


def test_a_forgotten_session_is_begun_again_without_the_host(forgetful):
    with forgetful_host(forgetful) as bridge:
        assert bridge.initialize()["result"]["protocolVersion"] == "2025-06-18"
        bridge.request(1, "tools/list")
        assert "result" in bridge.answer(1)
        first = forgetful.sessions[-1]
        forgetful.sessions.clear()
        for number in range(2, 12):
            bridge.request(number, "tools/list")
        for number in range(2, 12):
            assert "result" in bridge.answer(number), bridge.error_text
        assert forgetful.methods().count("initialize") == 2
        openings = [params for method, _, params in forgetful.seen if method == "initialize"]
        assert openings[0] == openings[1]
        assert forgetful.methods().count("notifications/initialized") == 2
        assert bridge.close() == 0
        last = forgetful.seen[-1]
        assert last[0] == "DELETE" and last[1] not in (None, first)


def test_what_the_host_has_set_is_set_in_the_session_that_takes_a_lost_ones_place(forgetful):
    with forgetful_host(forgetful) as bridge:
        bridge.initialize()
        asked = [
            ("resources/subscribe", {"uri": "file:///a"}),
            ("resources/subscribe", {"uri": "file:///b"}),
            ("resources/subscribe", {"uri": "file:///c"}),
            ("resources/unsubscribe", {"uri": "file:///b"}),
            ("logging/setLevel", {"level": "warning"}),
            ("logging/setLevel", {"level": "debug"}),
        ]
        for number, (method, params) in enumerate(asked):
            bridge.request(number, method, params)
            assert "result" in bridge.answer(number)
        first = forgetful.sessions[-1]
        for turn in range(2):
            forgetful.sessions.clear()
            bridge.request(100 + turn, "tools/list")
            assert "result" in bridge.answer(100 + turn)
            new = forgetful.sessions[-1]
            assert new != first
            expected = [
                ("logging/setLevel", new, {"level": "debug"}),
                ("resources/subscribe", new, {"uri": "file:///a"}),
                ("resources/subscribe", new, {"uri": "file:///c"}),
            ]

            def restored(new=new):
                wanted = ("resources/subscribe", "resources/unsubscribe", "logging/setLevel")
                return [each for each in forgetful.seen if each[0] in wanted and each[1] == new]

            assert eventually(lambda: len(restored()) >= 3 and restored(), 10, "what was set before") == expected
        # A session that the host begins itself is the host's to set up.
        bridge.initialize()
        bridge.request(300, "tools/list")
        assert "result" in bridge.answer(300)
        last = forgetful.sessions[-1]
        stays(lambda: not [each for each in forgetful.seen if each[1] == last and "subscribe" in (each[0] or "")], 1)
        assert not [each for each in [*bridge.kept, *bridge.lines.queue] if str(each.get("id", "")).startswith("countersign-")]
        assert bridge.close() == 0


def test_the_servers_own_stream_is_passed_on_and_taken_up_again(forgetful):
    with forgetful_host(forgetful) as bridge:
        bridge.initialize()
        for number in range(2):
            bridge.until(lambda message, number=number: message.get("params") == {"data": number})
        resumed = [last for method, _, last in forgetful.seen if method == "GET"]
        assert resumed[:2] == [None, "e0"]
        assert bridge.close() == 0


def test_the_end_of_input_ends_the_session_and_the_process(forgetful):
    with forgetful_host(forgetful) as bridge:
        bridge.initialize()
        assert bridge.close(5) == 0
        assert ("DELETE", forgetful.sessions[0], None) in forgetful.seen


@eras
def test_the_end_of_input_does_not_wait_for_people(gateway, modern):
    record = f"left-alone-{modern}"
    with host(gateway) as bridge:
        if not modern:
            bridge.initialize()
        bridge.request(1, "tools/call", {"name": "delete_record", "arguments": {"record": record}}, modern)
        approval = gateway.pending_call("delete_record", {"record": record})
        assert bridge.close(5) == 0
    assert gateway.approval(approval["id"])["status"] == "pending"
