"""MCP traffic of real clients and servers, directly (which proves the test) and through the gateway."""

import base64
import contextlib
import json

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError
from peers import deeds

from harness.mcp_routes import ALL, FEW, STDIO, Traffic, repeatedly, soon, to

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")]


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def traffic(scratch):
    traffic = Traffic(scratch / "mcp-traffic")
    traffic.start()
    yield traffic
    traffic.stop()


def every(routes, **options):
    return pytest.mark.parametrize("way", routes, ids=[str(each) for each in routes], **options)


def text_of(result):
    assert not result.is_error, result
    assert len(result.content) == 1, result
    return result.content[0].text


@contextlib.asynccontextmanager
async def promptly(seconds=15):
    """Ends what hangs, so that the connection is closed as it should be."""
    with anyio.fail_after(seconds):
        yield


# Tools


@every(ALL + STDIO)
async def test_tools_are_listed_and_called(traffic, way):
    async with traffic.connect(way) as client:
        listed = {tool.name: tool for tool in await client.list_tools()}
        assert {"echo", "add", "delete_record", "image"} <= set(listed)
        assert ("read_hidden" in listed) == (way.path == "direct")
        assert listed["echo"].description == "Says it again."
        assert listed["echo"].input_schema["properties"]["text"]["type"] == "string"
        assert listed["add"].output_schema["properties"]["sum"]["type"] == "integer"
        assert text_of(await client.call("echo", {"text": deeds.ODD_TEXT})) == deeds.ODD_TEXT
        assert text_of(await client.call("odd_text")) == deeds.ODD_TEXT
        added = await client.call("add", {"a": 2**40, "b": 1})
        assert added.structured_content == {"sum": 2**40 + 1, "odd": True}
        assert json.loads(text_of(added)) == added.structured_content
        picture = (await client.call("image")).content[0]
        assert (picture.type, picture.mime_type) == ("image", "image/png")
        assert base64.b64decode(picture.data) == deeds.PIXEL


@every(ALL)
async def test_errors_arrive_as_the_server_made_them(traffic, way):
    async with traffic.connect(way) as client:
        failed = await client.call("fails", {"reason": "no such record"})
        assert failed.is_error and "no such record" in failed.content[0].text
        if way.server == "official":
            with pytest.raises(MCPError) as raised:
                await client.call("raises", {"reason": "out of order"})
            assert (raised.value.error.code, raised.value.error.message) == (12345, "out of order")
            assert raised.value.error.data == {"reason": "out of order"}
        else:
            # FastMCP makes a tool error of it.
            assert (await client.call("raises", {"reason": "out of order"})).is_error
        wrong = await client.call("echo", {"text": 7})
        assert wrong.is_error, wrong


@every(ALL)
async def test_an_unknown_tool_is_an_error(traffic, way):
    async with traffic.connect(way) as client:
        try:
            answer = await client.call("no_such_tool", {})
        except MCPError as error:
            assert error.error.code in (-32602, -32601), error.error
        else:
            assert answer.is_error, answer


# Resources and prompts


@every(ALL)
async def test_resources_are_listed_and_read(traffic, way):
    async with traffic.connect(way) as client:
        listed = {str(resource.uri): resource for resource in await client.list_resources()}
        assert {"text://hello", "blob://bytes"} <= set(listed)
        assert listed["text://hello"].mime_type == "text/plain"
        templates = [template.uri_template for template in await client.list_templates()]
        assert "file://{name}/content" in templates
        text = (await client.read("text://hello")).contents[0]
        assert (text.text, text.mime_type) == (deeds.ODD_TEXT, "text/plain")
        blob = (await client.read("blob://bytes")).contents[0]
        assert base64.b64decode(blob.blob) == deeds.BLOB
        assert (await client.read("file://report/content")).contents[0].text == "content of report"
        with pytest.raises(MCPError):
            await client.read("text://nowhere")


@every(ALL)
async def test_prompts_are_listed_got_and_completed(traffic, way):
    async with traffic.connect(way) as client:
        listed = {prompt.name: prompt for prompt in await client.list_prompts()}
        assert [(each.name, bool(each.required)) for each in listed["greet"].arguments] == [
            ("name", True),
            ("style", False),
        ]
        got = await client.prompt("greet", {"name": "Zoë", "style": "formal"})
        assert got.messages[0].role == "user"
        assert got.messages[0].content.text == "Greet Zoë in a formal style."
        with pytest.raises(MCPError):
            await client.prompt("greet", {"style": "formal"})
        ref = types.PromptReference(type="ref/prompt", name="greet")
        completed = await client.complete(ref, {"name": "style", "value": "gr"})
        assert completed.values == ["green", "grey"]


@every(ALL)
async def test_the_servers_own_words_arrive(traffic, way):
    async with traffic.connect(way) as client:
        assert client.capabilities.tools is not None and client.capabilities.prompts is not None
        assert client.capabilities.resources is not None and client.capabilities.completions is not None
        assert "A server for tests." in client.instructions


# Progress and cancellation


@every(FEW)
async def test_progress_arrives_in_order_before_the_result(traffic, way):
    heard = []

    async def progress(value, total, message):
        heard.append((value, total, message))

    label = f"progress {way}"
    async with traffic.connect(way) as client:
        answer = await client.call("slow", {"label": label, "steps": 5, "delay": 0.02}, progress)
        assert text_of(answer) == "5 steps"
        await soon(lambda: len(heard) >= 5)
    assert [message for _, _, message in heard][-5:] == [f"step {number}" for number in range(1, 6)]
    values = [value for value, _, _ in heard]
    assert values == sorted(set(values)), "progress must increase"
    assert traffic.peer(way).count("slow", label, "ended") == 1


@every([each for each in FEW if each.transport != "stateless"])
async def test_a_cancelled_call_is_cancelled_at_the_server(traffic, way):
    peer, label = traffic.peer(way), f"cancel {way}"
    async with traffic.connect(way) as client:

        async def call():
            await client.call("slow", {"label": label, "steps": 10_000, "delay": 0.02})

        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await soon(lambda: peer.count("slow", label, "began"))
            group.cancel_scope.cancel()
        await soon(lambda: peer.count("slow", label, "cancelled"), 10, "cancellation at the server")
        # The connection is as good as before.
        assert text_of(await client.call("echo", {"text": "after"})) == "after"
    assert peer.count("slow", label, "ended") == 0


@every([each for each in FEW if each.transport != "stateless"])
async def test_a_call_that_the_client_gives_up_on_is_cancelled_at_the_server(traffic, way):
    peer, label = traffic.peer(way), f"give up {way}"
    async with traffic.connect(way) as client:
        with pytest.raises(MCPError):
            await client.call("slow", {"label": label, "steps": 10_000, "delay": 0.02}, timeout=0.3)
        await soon(lambda: peer.count("slow", label, "cancelled"), 10, "cancellation at the server")


# What the server asks the client


async def colour(context, params):
    assert params.message == "Which colour?"
    return types.ElicitResult(action="accept", content={"colour": "green"})


async def no_colour(context, params):
    return types.ElicitResult(action="decline")


async def model(context, params):
    text = f"you asked: {params.messages[0].content.text}"
    return types.CreateMessageResult(role="assistant", model="m1", content=types.TextContent(type="text", text=text))


async def some_roots(context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///home/a"), types.Root(uri="file:///home/b")])


async def asked(traffic, way, tool, **callbacks):
    async with traffic.connect(way, **callbacks) as client:
        return text_of(await client.call(tool, timeout=20))


@every([each for each in FEW if each.can_ask_back])
async def test_elicitation_reaches_the_user_and_comes_back(traffic, way):
    assert await asked(traffic, way, "elicit", elicit=colour) == "colour green"


@every(to("official-legacy-http", "official-modern-http"))
async def test_a_declined_elicitation_is_an_error_of_the_tool(traffic, way):
    async with traffic.connect(way, elicit=no_colour) as client:
        assert (await client.call("elicit")).is_error


@every([each for each in FEW if each.can_ask_back and each.server == "official"])
async def test_sampling_reaches_the_clients_model(traffic, way):
    assert await asked(traffic, way, "sample", sample=model) == "m1 said you asked: Say something."


@every([each for each in FEW if each.can_ask_back and each.server == "official"])
async def test_roots_reach_the_server(traffic, way):
    assert await asked(traffic, way, "roots", roots=some_roots) == "file:///home/a file:///home/b"


@every(to("official-legacy-http", "official-modern-http"))
async def test_a_client_that_cannot_be_asked_is_not_asked(traffic, way):
    async with traffic.connect(way) as client:
        try:
            answer = await client.call("elicit", timeout=20)
        except MCPError as error:
            assert error.error.code != -32001, "it hung"
        else:
            assert answer.is_error


# Logging


@every([each for each in FEW if each.server == "official"])
async def test_log_messages_of_a_call_arrive(traffic, way):
    heard = []

    async def log(params):
        heard.append((params.level, params.data, params.logger))

    async with traffic.connect(way, log=log) as client:
        if way.client_era == "legacy" and way.transport != "stateless":
            await client.client.set_logging_level("debug")
        assert text_of(await client.call("logs", {"count": 3})) == "3 messages"
        await soon(lambda: len(heard) >= 3)
    assert heard == [("warning", f"message {number}", "peer") for number in range(3)]


@every([each for each in to("official-modern-http") if each.client_era == "modern"])
async def test_a_modern_client_that_did_not_ask_for_log_messages_gets_none(traffic, way):
    heard = []

    async def log(params):
        heard.append(params)

    async with traffic.connect(way, log=log) as client:
        client.client.session._log_level = None
        client.client.log_level = None
        meta = {"io.modelcontextprotocol/logLevel": "error"}
        assert text_of(await client.call("logs", {"count": 3}, meta=meta)) == "3 messages"
        assert text_of(await client.call("echo", {"text": "after"})) == "after"
    assert heard == []


# What comes without being asked for

LASTING = [each for each in FEW if each.server == "official" and each.transport in ("http", "sse", "stdio")]


@every(LASTING)
async def test_a_subscriber_hears_of_a_changed_resource(traffic, way):
    async with traffic.connect(way) as client, promptly(30):
        if way.client_era == "modern":
            async with client.client.listen(resource_subscriptions=["news://today"]) as subscription:
                assert subscription.honored.resource_subscriptions == ["news://today"]
                # What was acknowledged is heard, so once is enough; a busy machine may take its time.
                await client.call("publish")
                with anyio.fail_after(20):
                    event = await anext(aiter(subscription))
                assert event.uri == "news://today"
        else:
            await client.client.subscribe_resource("news://today")

            async def publish():
                # The stream on which it comes may not be there yet the first time.
                await client.call("publish")
                return client.notifications("notifications/resources/updated")

            assert {str(each.params.uri) for each in await repeatedly(publish)} == {"news://today"}
            await client.client.unsubscribe_resource("news://today")
        assert (await client.read("news://today")).contents[0].text.startswith("news ")


@every(LASTING)
async def test_a_client_hears_that_the_tools_have_changed(traffic, way):
    peer = traffic.peer(way)
    peer.mutate("")
    # Outside of the connection: the SDK's client of the old transport fails if it is told of something while it closes.
    try:
        async with traffic.connect(way) as client, promptly(30):

            async def listed():
                return {tool.name: tool for tool in await client.list_tools()}["counter"].description

            async def unchanged():
                return await listed() == "Counts a call."

            await repeatedly(unchanged)
            if way.client_era == "modern":
                async with client.client.listen(tools_list_changed=True) as subscription:
                    assert subscription.honored.tools_list_changed
                    peer.mutate("description")
                    with anyio.fail_after(20):
                        await anext(aiter(subscription))
            else:
                await client.call("echo", {"text": "the server knows this session"})
                peer.mutate("description")
                await soon(lambda: client.notifications("notifications/tools/list_changed"), 20)
            if way.path == "direct":
                assert (await listed()).startswith("Counts. IMPORTANT")
            else:
                # Until somebody accepts the change, a model reads what was accepted, and nothing else.
                assert await unchanged()
    finally:
        peer.mutate("")


# Amounts


BIG = to("official-legacy-http", "official-modern-http", "official-modern-stdio")
# The SDK's own client of the old transport takes no event of more than 1 MiB.
BIG += [each for each in to("official-legacy-sse") if each.path == "gateway"]


@every(BIG)
async def test_results_of_five_mebibytes_pass(traffic, way):
    async with traffic.connect(way) as client:
        text = text_of(await client.call("big", {"mebibytes": 5}))
        assert len(text) == 5 * 2**20 and set(text) == set("0123456789abcdef")


@every(BIG)
async def test_arguments_of_three_mebibytes_pass(traffic, way):
    """The SDKs' own servers take requests of 4 MiB, if they are not told otherwise."""
    async with traffic.connect(way) as client:
        assert text_of(await client.call("size", {"text": "a" * (3 * 2**20)})) == str(3 * 2**20)


@every([each for each in to("official-legacy-http", "official-modern-http") if each.path == "gateway"])
async def test_the_gateway_answers_a_large_result_so_that_a_client_of_the_sdks_default_limits_takes_it(traffic, way):
    """The SDKs' clients bound one event of a stream at 1 MiB, and a JSON body not at all."""
    async with traffic.connect(way, event_limit=2**20) as client:
        assert len(text_of(await client.call("big", {"mebibytes": 5}))) == 5 * 2**20


@pytest.mark.slow
@pytest.mark.timeout(180)
@every([each for each in to("official-legacy-http", "official-modern-http") if not each.crosses])
async def test_fifty_mebibytes_pass(traffic, way):
    async with traffic.connect(way) as client:
        text = text_of(await client.call("big", {"mebibytes": 50}, timeout=120))
        assert len(text) == 50 * 2**20 and text == "0123456789abcdef" * (50 * 65536)


MANY = to("official-legacy-http", "official-modern-http", "official-modern-stdio")


@pytest.mark.timeout(120)
@every([each for each in MANY if not each.crosses])
async def test_five_hundred_calls_at_once_get_their_own_answers(traffic, way):
    answers = {}
    limits = httpx2.Limits(max_connections=500, max_keepalive_connections=500)
    async with traffic.connect(way, limits=limits) as client:

        async def call(number):
            answers[number] = text_of(await client.call("echo", {"text": f"call {number} of {way}"}))

        async with anyio.create_task_group() as group:
            for number in range(500):
                group.start_soon(call, number)
    assert answers == {number: f"call {number} of {way}" for number in range(500)}


# Credentials


@every([each for each in to("official-legacy-http", "official-modern-http", "fastmcp-modern-http")])
async def test_the_server_sees_the_connections_credential_and_nothing_of_the_agents(traffic, way):
    async with traffic.connect(way) as client:
        answer = await client.call("headers")
        fields = {name.lower(): value for name, value in answer.structured_content.items()}
        fields = fields.get("result", fields)
    assert fields["authorization"] == "Bearer upstream-secret-of-the-connection"
    if way.path == "gateway":
        gateway = traffic.through()
        assert gateway.keys["bot"] not in json.dumps(fields)
        assert not [name for name in fields if name.startswith("countersign-") and name != "countersign-grant"]


@every(to("official-modern-stdio"))
async def test_a_server_on_stdio_has_a_clean_environment(traffic, way):
    async with traffic.connect(way) as client:
        names = text_of(await client.call("environment")).split()
    assert "MCP_CONTROL" in names
    if way.path == "gateway":
        leaked = [name for name in names if name.startswith(("KEY_", "UPSTREAM_", "COUNTERSIGN_", "PEER_"))]
        assert not leaked, leaked


def test_every_kind_of_route_is_there():
    assert len({str(each) for each in ALL + STDIO}) == len(ALL + STDIO) == 33
    assert {each.path for each in FEW} == {"direct", "gateway"}
