"""What the specifications demand of a server: one test per MUST of 2026-07-28 and 2025-11-25 that concerns a proxy.

Where the official SDK's server does as it must, each test runs against it, too ("direct"): that proves the test.
The names say the requirement; the comment over a group says where it stands.
"""

import base64
import itertools
import json
import re

import httpx
import pytest

from harness.gateway import UPSTREAM_CREDENTIAL
from harness.mcp import McpGateway, Peer
from harness.mcp_raw import ACCEPT, JSON, LEGACY, MODERN, TASKS, Raw, encoded
from harness.waiting import eventually

NUMBERS = itertools.count(1)
VERSIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
places_and_connections = pytest.mark.parametrize(
    ("place", "connection"), [("direct", "tools"), ("gateway", "tools"), ("gateway", "old")]
)
both = pytest.mark.parametrize("place", ["direct", "gateway"])
gateway_only = pytest.mark.parametrize("place", ["gateway"])
HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION = -32020, -32021, -32022
ELICITATION = {"elicitation": {"form": {}}}


class Place:
    """Where a test speaks to: the SDK's server itself, or the gateway in front of it."""

    def __init__(self, peer, old, gateway):
        self.peer, self.old, self.gateway = peer, old, gateway

    def raw(self, agent="bot", connection="tools"):
        if self.gateway:
            return Raw(self.gateway.port, f"/{connection}/", self.gateway.keys[agent])
        peer = self.old if connection == "old" else self.peer
        return Raw(peer.port, "/mcp", UPSTREAM_CREDENTIAL)

    def session(self, agent="bot", connection="tools", **options):
        raw = self.raw(agent, connection)
        raw.initialize(**options)
        return raw

    def is_well(self):
        """Whether it still answers."""
        result = self.raw().modern_call("echo", {"text": "well"}).result()
        return result["content"][0]["text"] == "well"


@pytest.fixture(scope="module")
def peers(scratch):
    peers = [Peer(scratch / "conformance-peer").spawn(), Peer(scratch / "conformance-old", era="legacy").spawn()]
    for peer in peers:
        peer.wait()
    yield peers
    for peer in peers:
        peer.kill()


@pytest.fixture(scope="module")
def gateway(scratch, peers):
    hold = {"mcp": "1s", "mcp_progress": "5s"}
    gateway = McpGateway(scratch / "conformance", {"tools": peers[0], "old": peers[1]}, hold).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def at(place, peers, request):
    """The place that a test is parametrised with; it must still be well afterwards."""
    gateway = request.getfixturevalue("gateway") if place == "gateway" else None
    at = Place(*peers, gateway)
    yield at
    assert at.is_well()
    if gateway:
        assert gateway.process.poll() is None


def refused(exchange, code, status=400, timeout=20):
    """Checks an error and its status; answers the error."""
    error = exchange.failure(timeout)
    assert (exchange.status, error["code"]) == (status, code), (exchange.status, error)
    assert isinstance(error["message"], str) and error["message"]
    return error


def client_error(exchange, timeout=20):
    exchange.finish(timeout)
    assert 400 <= exchange.status < 500, (exchange.status, exchange.body[:300])
    return exchange


# basic/index: messages, in both eras


@both
@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("identifier", [0, 1, -5, 2**53 - 1, "1", "", "ünï \U0001f600", "a" * 200], ids=repr)
def test_responses_must_include_the_same_id_as_the_request(at, era, identifier):
    raw = at.raw() if era == "modern" else at.session()
    ask = raw.modern if era == "modern" else raw.legacy
    reply = ask("tools/list", identifier=identifier).reply()
    assert reply["id"] == identifier and type(reply["id"]) is type(identifier)
    error = ask("no/such/method", identifier=identifier).reply()
    assert error["id"] == identifier and type(error["id"]) is type(identifier) and "error" in error


@both
@pytest.mark.parametrize("identifier", [1.5, True, [1], {"a": 1}], ids=repr)
def test_the_id_must_be_a_string_or_an_integer(at, identifier):
    raw = at.raw()
    body = raw.modern_body("tools/list", identifier=1) | {"id": identifier}
    exchange = raw.send(body, raw.modern_headers(body)).finish()
    assert exchange.status == 400 and json.loads(exchange.body)["error"]["code"] == -32600, exchange.body


@gateway_only
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_id_must_not_be_null(at, era):
    raw = at.raw() if era == "modern" else at.session()
    body = raw.modern_body("tools/list") if era == "modern" else {"jsonrpc": "2.0", "method": "tools/list"}
    body |= {"id": None}
    fields = raw.modern_headers(body) if era == "modern" else raw.legacy_headers()
    exchange = client_error(raw.send(body, fields))
    assert json.loads(exchange.body)["error"]["code"] == -32600


@both
@pytest.mark.parametrize("version", [None, "1.0", 2.0, "2.0 "], ids=repr)
def test_messages_must_follow_json_rpc_2_0(at, version):
    raw = at.raw()
    body = raw.modern_body("tools/list") | {"jsonrpc": version}
    exchange = client_error(raw.send(body, raw.modern_headers(body)))
    assert json.loads(exchange.body)["error"]["code"] == -32600


@both
@pytest.mark.parametrize("params", [[], [1], "text", 7], ids=repr)
def test_params_must_be_an_object(at, params):
    raw = at.raw()
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}
    exchange = client_error(raw.send(body, raw.modern_headers({"method": "tools/list"})))
    assert json.loads(exchange.body)["error"]["code"] in (-32600, -32602)


# basic/transports: bodies


BROKEN = {
    "empty": b"",
    "not JSON": b"hello",
    "cut off": b'{"jsonrpc":"2.0","id":1,"method":"tools/list"',
    "two values": b'{"jsonrpc":"2.0","id":1,"method":"ping"}{}',
    "a comment": b'/**/{"jsonrpc":"2.0","id":1,"method":"ping"}',
    "single quotes": b"{'jsonrpc':'2.0'}",
    "invalid UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xff\xfe"}}',
    "an overlong form": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xc0\xaf"}}',
    "a surrogate in UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xed\xa0\x80"}}',
    "a bare line break": b'{"jsonrpc":"2.0","id":1,"method":"pi\nng"}',
    "deep nesting": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "deep arrays": b"[" * 200_000,
}
# What the SDK's parser (Python's) takes, or takes for something else.
LENIENT = ["invalid UTF-8", "an overlong form", "a surrogate in UTF-8"]


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize(
    ("place", "name"),
    [("gateway", name) for name in BROKEN] + [("direct", name) for name in BROKEN if name not in LENIENT],
)
def test_messages_must_be_json_in_utf_8(at, name, era):
    raw = at.raw() if era == "modern" else at.session()
    fields = raw.modern_headers({"method": "ping"}) if era == "modern" else raw.legacy_headers()
    exchange = raw.send(BROKEN[name], fields).finish()
    assert exchange.status == 400, (exchange.status, exchange.body[:200])
    error = json.loads(exchange.body)
    assert error["error"]["code"] in (-32700, -32600) and error.get("id") in (None, "server-error")


@gateway_only
@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize(
    "params",
    [
        '{"name":"echo","name":"delete_record","arguments":{"text":"a"}%s}',
        '{"name":"echo","arguments":{"text":"a","text":"b"}%s}',
        '{"name":"echo","arguments":{"text":"a"},"arguments":{"text":"b"}%s}',
        '{"name":"echo","arguments":{"text":"\\ud800"}%s}',
    ],
    ids=["name twice", "an argument twice", "arguments twice", "half a surrogate"],
)
def test_json_that_can_be_read_in_two_ways_is_refused(at, era, params):
    raw = at.raw() if era == "modern" else at.session()
    meta = json.dumps(raw.modern_body("tools/call")["params"]["_meta"])
    text = params % (f',"_meta":{meta}' if era == "modern" else "")
    body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{text}}}'.encode()
    fields = [JSON, ACCEPT, ("MCP-Protocol-Version", MODERN), ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")]
    exchange = client_error(raw.send(body, fields if era == "modern" else raw.legacy_headers()))
    assert "error" in json.loads(exchange.body)


@both
@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("size", [0, 1, 2], ids=["empty", "one", "two"])
def test_the_body_must_be_a_single_message_so_batches_are_refused(at, era, size):
    raw = at.raw() if era == "modern" else at.session()
    if era == "modern":
        batch = [raw.modern_body("tools/list") for _ in range(size)]
        fields = raw.modern_headers({"method": "tools/list"})
    else:
        batch = [{"jsonrpc": "2.0", "id": number, "method": "tools/list"} for number in range(size)]
        fields = raw.legacy_headers()
    exchange = raw.send(batch, fields).finish()
    assert exchange.status == 400, exchange.status
    body = json.loads(exchange.body)
    assert isinstance(body, dict) and "result" not in body
    # The SDK's server of the legacy era says that the parameters are wrong.
    assert body["error"]["code"] in ((-32600, -32700) if at.gateway else (-32600, -32700, -32602))


@both
def test_modern_clients_must_not_send_responses(at):
    raw = at.raw()
    body = {"jsonrpc": "2.0", "id": 1, "result": {}}
    client_error(raw.send(body, [JSON, ACCEPT, ("MCP-Protocol-Version", MODERN)]))


@both
def test_an_accepted_modern_notification_must_be_answered_with_202_and_no_body(at):
    raw = at.raw()
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 999_999}}
    exchange = raw.send(body, [JSON, ACCEPT, ("MCP-Protocol-Version", MODERN)]).finish()
    assert (exchange.status, exchange.body) == (202, b"")


@both
def test_an_accepted_legacy_notification_must_be_answered_with_202_and_no_body(at):
    raw = at.session()
    for method, params in [
        ("notifications/initialized", None),
        ("notifications/cancelled", {"requestId": "never was"}),
        ("notifications/roots/list_changed", None),
    ]:
        exchange = raw.notify(method, params).finish()
        assert (exchange.status, exchange.body) == (202, b"")


@both
def test_an_answer_to_a_request_that_never_was_must_be_202_or_an_error_status(at):
    raw = at.session()
    exchange = raw.answer("no-such-request", {}).finish()
    assert exchange.status == 202 and exchange.body == b"" or 400 <= exchange.status < 500


@both
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_request_must_be_answered_as_json_or_as_events(at, era):
    raw = at.raw() if era == "modern" else at.session()
    exchange = (raw.modern if era == "modern" else raw.legacy)("tools/list")
    exchange.result()
    media_type = exchange.header("content-type").split(";")[0].strip()
    assert exchange.status == 200 and media_type in ("application/json", "text/event-stream")


@both
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_accept_of_json_alone_is_refused_or_answered_as_json(at, era):
    raw = at.raw() if era == "modern" else at.session()
    body = raw.modern_body("tools/list") if era == "modern" else {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    fields = raw.modern_headers(body) if era == "modern" else raw.legacy_headers()
    fields = [field for field in fields if field[0] != "Accept"] + [("Accept", "application/json")]
    exchange = raw.send(body, fields).finish()
    assert exchange.status == 406 or exchange.header("content-type").startswith("application/json")


@gateway_only
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_that_a_browser_would_send_unasked_is_refused(at, media_type):
    raw = at.raw()
    body = raw.modern_body("tools/list")
    fields = [field for field in raw.modern_headers(body) if field != JSON] + [("Content-Type", media_type)]
    client_error(raw.send(body, fields))


@gateway_only
@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_message_of_a_hundred_megabytes_is_refused_or_passed_and_memory_stays_bounded(at, era):
    raw = at.raw() if era == "modern" else at.session()
    before = at.gateway.resident()
    exchange = raw.call(era, "size", {"text": "a" * 100_000_000}, timeout=150)
    exchange.finish(150)
    if exchange.status == 200:
        assert exchange.result()["content"][0]["text"] == "100000000"
    else:
        assert exchange.status in (400, 413), exchange.status
    assert at.gateway.resident() - before < 600 * 2**20


# 2026-07-28 basic/transports/streamable-http: Security & Endpoint


@gateway_only
@pytest.mark.parametrize("path", ["", "/", "/mcp"])
def test_there_must_be_an_endpoint_that_supports_post(at, path):
    raw = at.raw()
    raw.path = "/tools" + path
    assert raw.modern_call("echo", {"text": path}).result()["content"][0]["text"] == path


@gateway_only
@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://127.0.0.1.evil.example", "null", "http://localhost.evil.example:80", "x"],
)
def test_an_invalid_origin_must_be_answered_with_403(at, origin, era):
    raw = at.raw() if era == "modern" else at.session()
    fields = [("Origin", origin)]
    if era == "modern":
        exchange = raw.modern_call("echo", {"text": "x"}, fields=fields)
    else:
        exchange = raw.legacy_call("echo", {"text": "x"}, fields=fields)
    assert exchange.finish().status == 403
    listen = raw.send(None, [("Accept", "text/event-stream"), *fields], method="GET").finish()
    assert listen.status == 403


@gateway_only
def test_a_rebound_host_name_is_refused(at):
    raw = at.raw()
    body = raw.modern_body("tools/list")
    fields = [("Host", "evil.example"), ("Origin", "http://evil.example"), *raw.modern_headers(body)]
    client_error(raw.send(body, fields))


# 2026-07-28 …: Request Metadata


@both
def test_the_protocol_version_header_must_match_the_body(at):
    raw = at.raw()
    body = raw.modern_body("tools/list", meta={"io.modelcontextprotocol/protocolVersion": LEGACY})
    refused(raw.send(body, raw.modern_headers(body)), HEADER_MISMATCH)


@both
def test_a_modern_request_without_the_protocol_version_header_is_refused(at):
    raw = at.raw()
    exchange = raw.modern("tools/list", headers={"mcp_protocol_version": None})
    assert exchange.finish().status == 400


@both
@pytest.mark.parametrize("version", ["2099-01-01", "1900-01-01"])
def test_an_unsupported_version_must_be_answered_with_the_supported_ones(at, version):
    raw = at.raw()
    body = raw.modern_body("tools/list", meta={"io.modelcontextprotocol/protocolVersion": version})
    error = refused(raw.send(body, raw.modern_headers(body, mcp_protocol_version=version)), UNSUPPORTED_VERSION)
    assert MODERN in error["data"]["supported"] and error["data"]["requested"] == version


@both
@pytest.mark.parametrize("method", ["no/such/method", "ping", "logging/setLevel", "resources/subscribe", "tasks/list"])
def test_an_unknown_method_must_be_answered_with_404_and_32601(at, method):
    refused(at.raw().modern(method), -32601, 404)


@both
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/list", {}),
        ("tools/call", {"name": "echo", "arguments": {"text": "x"}}),
        ("resources/read", {"uri": "text://hello"}),
        ("prompts/get", {"name": "greet", "arguments": {"name": "x"}}),
    ],
)
@pytest.mark.parametrize("value", [None, "tools/other", "TOOLS/LIST", ""], ids=repr)
def test_the_method_header_must_be_there_and_match(at, method, params, value):
    refused(at.raw().modern(method, params, headers={"mcp_method": value}), HEADER_MISMATCH)


NAMED = [
    ("tools/call", {"name": "echo", "arguments": {"text": "x"}}),
    ("resources/read", {"uri": "text://hello"}),
    ("prompts/get", {"name": "greet", "arguments": {"name": "x"}}),
]


@both
@pytest.mark.parametrize(("method", "params"), NAMED)
@pytest.mark.parametrize(
    "value",
    [None, "", "other", "ECHO", encoded("é"), "=?base64?!!!?=", "=?base64?ZWNobw?=", "=?BASE64?ZWNobw==?="],
    ids=repr,
)
def test_the_name_header_must_be_there_and_match(at, method, params, value):
    refused(at.raw().modern(method, params, headers={"mcp_name": value}), HEADER_MISMATCH)


@both
@pytest.mark.parametrize(("method", "params"), NAMED)
def test_an_encoded_name_must_be_decoded_before_it_is_compared(at, method, params):
    name = str(params.get("name", params.get("uri")))
    value = "=?base64?" + base64.b64encode(name.encode()).decode() + "?="
    assert at.raw().modern(method, params, headers={"mcp_name": value}).result()["resultType"] == "complete"


@both
def test_header_names_must_be_compared_without_regard_to_case(at):
    raw = at.raw()
    body = raw.modern_body("tools/call", {"name": "echo", "arguments": {"text": "x"}})
    fields = [(name.swapcase(), value) for name, value in raw.modern_headers(body)]
    assert raw.send(body, fields).result()["content"][0]["text"] == "x"


@both
@pytest.mark.parametrize("name", ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"])
def test_a_routing_header_that_comes_twice_is_refused(at, name):
    raw = at.raw()
    body = raw.modern_body("tools/call", {"name": "echo", "arguments": {"text": "x"}})
    fields = raw.modern_headers(body)
    again = next(field for field in fields if field[0] == name)
    exchange = raw.send(body, [*fields, again]).finish()
    assert exchange.status == 400, exchange.body


@gateway_only
@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n X: y", "\x00", "\x1f", "\x7f", "é"], ids=repr)
def test_a_header_value_with_invalid_characters_must_be_refused(at, mark):
    raw = at.raw()
    body = raw.modern_body("tools/call", {"name": "echo", "arguments": {"text": "x"}})
    exchange = raw.send(body, raw.modern_headers(body, mcp_name="echo" + mark))
    client_error(exchange)


@gateway_only
@pytest.mark.parametrize("mark", ["\r\nMcp-Method: tools/list", "\nX: y", "\x00"], ids=repr)
def test_line_breaks_in_a_name_never_become_header_fields_upstream(at, mark):
    raw, name = at.raw(), "echo" + mark
    message = raw.modern("tools/call", {"name": name, "arguments": {"text": "x"}}).reply()
    assert "error" in message or message["result"]["isError"], message


# … Custom Headers from Tool Parameters


@both
@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"region": "us-west1"}, "us-west1"),
        ({"region": "us-west1"}, "=?base64?dXMtd2VzdDE=?="),
        ({"region": "Hello, 世界"}, encoded("Hello, 世界")),
        ({"region": " padded "}, encoded(" padded ")),
        ({}, None),
    ],
    ids=repr,
)
def test_a_parameter_header_that_matches_is_accepted_and_sent_on(at, arguments, value):
    fields = [("Mcp-Param-Region", value)] if value is not None else []
    result = at.raw().modern_call("query", arguments, fields=fields).result()
    assert result["content"][0]["text"] == f"in {arguments.get('region', 'nowhere')}"


@both
@pytest.mark.parametrize("value", [None, "us-east1", "=?base64?dXMtZWFzdDE=?=", "=?base64?%%%?="], ids=repr)
def test_a_parameter_header_that_is_missing_or_does_not_match_must_be_refused(at, value):
    fields = [("Mcp-Param-Region", value)] if value is not None else []
    refused(at.raw().modern_call("query", {"region": "us-west1"}, fields=fields), HEADER_MISMATCH)


@both
def test_a_parameter_header_that_is_not_recognised_must_be_ignored(at):
    result = at.raw().modern_call("echo", {"text": "x"}, fields=[("Mcp-Param-Unknown", "y")]).result()
    assert result["content"][0]["text"] == "x"


# 2026-07-28 basic/index: _meta


@both
@pytest.mark.parametrize("key", ["protocolVersion", "clientCapabilities"])
def test_a_request_without_a_required_meta_field_must_be_refused_with_32602_and_400(at, key):
    raw = at.raw()
    body = raw.modern_body("tools/list")
    del body["params"]["_meta"]["io.modelcontextprotocol/" + key]
    exchange = raw.send(body, raw.modern_headers(body)).finish()
    # Without a version in the body, that of the header does not match it, either.
    codes = (-32602, HEADER_MISMATCH) if key == "protocolVersion" else (-32602,)
    assert exchange.status == 400 and json.loads(exchange.body)["error"]["code"] in codes, exchange.body


@both
def test_client_info_is_optional(at):
    raw = at.raw()
    body = raw.modern_body("tools/list")
    del body["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]
    assert raw.send(body, raw.modern_headers(body)).result()["tools"]


@places_and_connections
@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("server/discover", {}),
        ("tools/list", {}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("prompts/list", {}),
        *NAMED,
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "style", "value": "g"}},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_results_must_have_a_result_type(at, method, params, connection):
    result = at.raw(connection=connection).modern(method, params).result()
    assert result["resultType"] == "complete"


@places_and_connections
@pytest.mark.parametrize("method", ["tools/list", "resources/list", "resources/templates/list", "prompts/list"])
def test_lists_must_say_how_they_may_be_cached_and_are_private(at, method, connection):
    """`ttlMs` and `cacheScope` are required; what depends on who asks must not be shared."""
    result = at.raw(connection=connection).modern(method).result()
    assert isinstance(result["ttlMs"], int) and result["ttlMs"] >= 0 and result["cacheScope"] == "private"


@both
def test_servers_must_implement_server_discover(at):
    result = at.raw().modern("server/discover").result()
    assert MODERN in result["supportedVersions"] and result["capabilities"]["tools"] is not None
    if at.gateway:
        assert TASKS in result["capabilities"]["extensions"]


@both
def test_a_capability_that_was_not_declared_must_not_be_relied_on(at):
    exchange = at.raw().modern_call("elicit")
    error = refused(exchange, MISSING_CAPABILITY)
    assert "elicitation" in error["data"]["requiredCapabilities"]


@gateway_only
def test_a_legacy_server_that_asks_what_a_modern_client_cannot_answer_gets_no_answer(at):
    message = at.raw(connection="old").modern_call("elicit", timeout=30).reply()
    assert "error" in message or message["result"].get("isError"), message


@both
@pytest.mark.parametrize("uri", ["text://nowhere", "file:///etc/passwd", ""])
def test_modern_servers_must_not_emit_codes_of_earlier_versions(at, uri):
    error = at.raw().modern("resources/read", {"uri": uri}).failure()
    assert error["code"] not in (-32002, -32042) and not -32099 <= error["code"] <= -32023, error


@gateway_only
def test_sessions_are_ignored_and_not_minted_for_modern_requests(at):
    raw = at.raw()
    exchange = raw.modern_call("echo", {"text": "x"}, fields=[("Mcp-Session-Id", "no-such"), ("Last-Event-ID", "1")])
    assert exchange.result()["content"][0]["text"] == "x" and exchange.header("mcp-session-id") is None


@both
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_modern_get_or_delete_is_refused(at, method):
    """405 "should" come from a server of this revision only; one of both eras may miss the session."""
    fields = [("Accept", "text/event-stream"), ("MCP-Protocol-Version", MODERN)]
    exchange = at.raw().send(None, fields, method=method).finish()
    assert exchange.status in ((400, 404, 405) if at.gateway else (405,))


@both
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "FOO"])
def test_other_http_methods_are_refused(at, method):
    client_error(at.raw().send(b"{}", [JSON, ACCEPT], method=method))


# 2026-07-28 basic/patterns: MRTR and subscriptions


@both
def test_a_modern_stream_must_not_carry_requests(at):
    exchange = ask_elicit(at.raw())
    result = exchange.result()
    assert result["resultType"] == "input_required"
    assert not [message for message in exchange.messages if "method" in message and "id" in message]
    request = next(iter(result["inputRequests"].values()))
    assert request["method"] == "elicitation/create" and request["params"]["message"] == "Which colour?"


def ask_elicit(raw, **params):
    params = {"name": "elicit", "arguments": {}, **params}
    return raw.modern("tools/call", params, capabilities=ELICITATION)


def answered(result):
    """What a client sends with its second try."""
    responses = {key: {"action": "accept", "content": {"colour": "red"}} for key in result["inputRequests"]}
    state = {"requestState": result["requestState"]} if "requestState" in result else {}
    return {"inputResponses": responses} | state


@both
def test_the_retry_of_an_input_required_result_completes(at):
    raw = at.raw()
    result = ask_elicit(raw, **answered(ask_elicit(raw).result())).result()
    assert (result["resultType"], result["content"][0]["text"]) == ("complete", "colour red")


@both
def test_a_request_state_that_was_changed_must_be_refused(at):
    raw = at.raw()
    retry = answered(ask_elicit(raw).result())
    state = retry["requestState"]
    middle = len(state) // 2
    retry["requestState"] = state[:middle] + ("A" if state[middle] != "A" else "B") + state[middle + 1 :]
    message = ask_elicit(raw, **retry).reply()
    assert "error" in message or message["result"].get("isError"), message


@gateway_only
def test_a_request_state_of_another_principal_should_be_refused(at):
    """The server sees one credential for all agents, so only the gateway can tell them apart."""
    retry = answered(ask_elicit(at.raw()).result())
    message = ask_elicit(at.raw(agent="other-bot"), **retry).reply()
    assert "error" in message or message["result"].get("isError"), message


@both
def test_a_subscription_is_acknowledged_first_and_its_notifications_must_name_it(at):
    raw = at.raw()
    params = {"notifications": {"resourceSubscriptions": ["news://today"]}}
    stream = raw.modern("subscriptions/listen", params, identifier="sub-1")
    eventually(lambda: stream.messages)
    assert stream.messages[0]["method"] == "notifications/subscriptions/acknowledged"
    assert stream.messages[0]["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "sub-1"
    raw.modern_call("publish").result()
    updates = eventually(lambda: stream.notifications("notifications/resources/updated"))
    assert updates[0]["uri"] == "news://today"
    assert updates[0]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "sub-1"
    # Nothing that was not asked for.
    assert {message["method"] for message in stream.messages[1:]} == {"notifications/resources/updated"}
    stream.abandon()


# The tasks extension


@gateway_only
@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_tasks_of_a_client_that_did_not_declare_them_must_be_refused_with_32021(at, method):
    params = {"inputResponses": {}} if method == "tasks/update" else {}
    error = refused(at.raw().task(method, "any", tasks=False, **params), MISSING_CAPABILITY)
    assert error["data"]["requiredCapabilities"] == {"extensions": {TASKS: {}}}


@gateway_only
def test_a_subscription_to_tasks_without_the_extension_must_be_refused_with_32021(at):
    params = {"notifications": {"taskIds": ["any"]}}
    refused(at.raw().modern("subscriptions/listen", params), MISSING_CAPABILITY)


@gateway_only
@pytest.mark.parametrize("identifier", ["no-such-task", "", "../x", "a" * 500], ids=lambda value: value[:10])
def test_an_unknown_task_must_be_answered_with_32602(at, identifier):
    assert at.raw().task("tasks/get", identifier).failure()["code"] == -32602


@gateway_only
def test_the_name_header_of_a_task_must_match(at):
    params = {"taskId": "abc"}
    capabilities = {"extensions": {TASKS: {}}}
    exchange = at.raw().modern("tasks/get", params, headers={"mcp_name": "other"}, capabilities=capabilities)
    refused(exchange, HEADER_MISMATCH)


@gateway_only
def test_a_task_must_not_be_given_to_a_client_that_did_not_declare_them(at):
    record = f"conformance-{next(NUMBERS)}"
    result = at.raw().modern_call("delete_record", {"record": record}).result()
    assert result["resultType"] == "complete" and result["isError"]


@gateway_only
def test_a_tasks_update_must_be_acknowledged(at):
    raw, record = at.raw(), f"conformance-{next(NUMBERS)}"
    identifier = raw.modern_call("delete_record", {"record": record}, tasks=True).result()["taskId"]
    result = raw.task("tasks/update", identifier, inputResponses={"never-asked": {"action": "accept"}}).result()
    assert result["resultType"] == "complete"
    assert raw.task("tasks/get", identifier).result()["status"] == "working"


# 2025-11-25 basic/lifecycle


@both
@pytest.mark.parametrize("version", VERSIONS)
def test_a_supported_version_must_be_answered_with_the_same(at, version):
    raw = at.raw()
    assert raw.initialize(version)["protocolVersion"] == version
    assert raw.legacy_call("echo", {"text": version}).result()["content"][0]["text"] == version


@both
@pytest.mark.parametrize("version", ["1999-01-01", "2099-01-01", MODERN])
def test_an_unsupported_version_must_be_answered_with_a_supported_one(at, version):
    assert at.raw().initialize(version)["protocolVersion"] == LEGACY


@both
def test_the_server_must_answer_initialize_with_capabilities_and_information(at):
    result = at.raw().initialize()
    assert result["serverInfo"]["name"] and result["serverInfo"]["version"] is not None
    assert {"tools", "resources", "prompts"} <= set(result["capabilities"])


@both
def test_a_ping_must_be_answered(at):
    assert at.session().legacy("ping").result() == {}


# 2025-11-25 basic/transports: sessions


@both
def test_the_session_id_must_have_only_visible_ascii(at):
    raw = at.session()
    assert re.fullmatch(r"[\x21-\x7e]{16,}", raw.session)
    assert at.session().session != raw.session


@both
def test_requests_of_an_unknown_session_must_be_answered_with_404(at):
    raw = at.session()
    raw.session = "0123456789abcdef0123456789abcdef"
    assert raw.legacy("tools/list").finish().status == 404
    assert raw.notify("notifications/initialized").finish().status == 404
    assert raw.listen().finish().status == 404


@both
def test_requests_without_a_session_should_be_answered_with_400(at):
    raw = at.session()
    raw.session = None
    assert raw.legacy("tools/list").finish().status == 400


@both
def test_requests_of_a_session_that_was_ended_must_be_answered_with_404(at):
    raw = at.session()
    exchange = raw.end().finish()
    assert exchange.status in (200, 204)
    assert raw.legacy("tools/list").finish().status == 404


@gateway_only
def test_a_session_must_not_stand_for_a_credential(at):
    raw = at.session()
    thief = at.raw(agent="other-bot")
    thief.session, thief.version = raw.session, raw.version
    assert thief.legacy("tools/list").finish().status == 404
    assert thief.listen().finish().status == 404
    assert thief.end().finish().status in (404, 405)
    nobody = Raw(at.gateway.port, "/tools/")
    nobody.session, nobody.version = raw.session, raw.version
    assert nobody.legacy("tools/list").finish().status == 401
    assert raw.legacy("tools/list").result()["tools"]


@both
def test_a_get_must_be_answered_with_events_or_405(at):
    stream = at.session().listen()
    assert stream.begun.wait(10)
    assert stream.status == 405 or stream.status == 200 and stream.is_stream
    stream.abandon()


@both
def test_a_get_that_does_not_accept_events_is_refused(at):
    raw = at.session()
    fields = [field for field in raw.legacy_headers() if field[0] not in ("Accept", "Content-Type")]
    client_error(raw.send(None, [*fields, ("Accept", "application/json")], method="GET"))


@both
@pytest.mark.parametrize("version", ["1999-01-01", "2099-01-01", "x", ""], ids=repr)
def test_an_invalid_protocol_version_header_must_be_answered_with_400(at, version):
    raw = at.session()
    raw.version = version or " "
    fields = [f for f in raw.legacy_headers() if f[0] != "MCP-Protocol-Version"] + [("MCP-Protocol-Version", version)]
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    exchange = raw.send(body, fields).finish()
    # An empty field is as good as none to some.
    assert exchange.status == 400 or version == "" and exchange.status == 200


@both
def test_without_a_protocol_version_header_the_sessions_counts(at):
    raw = at.session()
    fields = [field for field in raw.legacy_headers() if field[0] != "MCP-Protocol-Version"]
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert raw.send(body, fields).result()["tools"]


@both
def test_legacy_unknown_methods_are_answered_with_32601(at):
    raw = at.session()
    for method in ("no/such/method", "server/discover", "subscriptions/listen", "rpc.discover"):
        assert raw.legacy(method).failure()["code"] == -32601


@both
def test_the_get_stream_must_not_carry_responses_to_other_requests(at):
    raw = at.session()
    stream = raw.listen()
    assert stream.begun.wait(10)
    if stream.status == 405:
        pytest.skip("no GET stream")
    for number in range(5):
        assert raw.legacy_call("echo", {"text": str(number)}).result()
    assert not [message for message in stream.messages if "method" not in message]
    stream.abandon()


@gateway_only
def test_a_message_must_be_sent_on_one_stream_only(at):
    raw = at.session(connection="old")
    raw.legacy("resources/subscribe", {"uri": "news://today"}).result()
    streams = [raw.listen(), raw.listen()]
    for stream in streams:
        assert stream.begun.wait(10)
    streams = [stream for stream in streams if stream.status == 200]
    if not streams:
        pytest.skip("no GET stream")

    def notes():
        return [note for stream in streams for note in stream.notifications("notifications/resources/updated")]

    sent = 0

    def came():
        nonlocal sent
        raw.legacy_call("publish").result()
        sent += 1
        return notes()

    eventually(came, pace=0.2)
    assert raw.legacy_call("echo", {"text": "behind it"}).result()
    assert len(notes()) <= sent, "a message came on more than one stream"
    for stream in streams:
        stream.abandon()


@gateway_only
def test_event_ids_must_be_unique_in_a_session_and_a_broken_stream_can_be_resumed(at):
    raw, record = at.session(), f"conformance-{next(NUMBERS)}"
    call = raw.legacy_call("delete_record", {"record": record}, token="t", identifier="resumed")
    approval = at.gateway.pending_call("delete_record", {"record": record})
    assert call.begun.wait(10)
    other = raw.legacy_call("delete_record", {"record": record + "-b"}, token="u")
    assert other.begun.wait(10)
    eventually(lambda: call.events.identifiers or call.messages)
    if not call.events.identifiers:
        pytest.skip("streams cannot be resumed here")
    assert not set(call.events.identifiers) & set(other.events.identifiers)
    last = call.events.identifiers[-1]
    call.abandon()
    resumed = raw.listen(last)
    at.gateway.approve(approval)

    def answered():
        return [message for message in resumed.messages if message.get("id") == "resumed"]

    assert eventually(answered)[0]["result"]["content"][0]["text"] == f"deleted {record}"
    assert all(message.get("params", {}).get("progressToken", "t") == "t" for message in resumed.messages)
    resumed.abandon()
    other.abandon()


@gateway_only
def test_two_requests_of_the_same_id_at_once_do_not_get_each_others_answers(at):
    raw = at.session()
    slow = {"steps": 20, "delay": 0.02}
    label = f"same-{next(NUMBERS)}"
    first = raw.legacy_call("slow", {"label": label, **slow}, identifier="same")
    second = raw.legacy_call("echo", {"text": "other"}, identifier="same")
    first, second = first.reply(), second.reply()
    for message, text in ((first, "20 steps"), (second, "other")):
        assert message["id"] == "same"
        assert "error" in message or message["result"]["content"][0]["text"] == text


@gateway_only  # The SDK's server answers the first of the two never.
def test_ids_of_different_types_do_not_stand_for_each_other(at):
    raw = at.session()
    calls = [raw.legacy_call("echo", {"text": repr(each)}, identifier=each) for each in (7, "7")]
    assert [call.reply()["id"] for call in calls] == [7, "7"]
    assert [call.result()["content"][0]["text"] for call in calls] == ["7", "'7'"]


# basic/authorization


@gateway_only
def test_without_a_credential_the_answer_must_be_401_and_say_where_metadata_is(at):
    nobody = Raw(at.gateway.port, "/tools/")
    exchange = nobody.modern_call("echo", {"text": "x"}).finish()
    assert exchange.status == 401
    challenge = exchange.header("www-authenticate")
    found = re.fullmatch(r'Bearer (?:.*, *)?resource_metadata="([^"]+)".*', challenge)
    assert found, challenge
    assert found[1].endswith("/.well-known/oauth-protected-resource/tools/")
    path = "/" + found[1].split("/", 3)[3]
    answer = httpx.get(f"http://127.0.0.1:{at.gateway.port}{path}")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
    assert answer.json()["resource"].endswith("/tools/")
    assert "header" in answer.json().get("bearer_methods_supported", ["header"])


@gateway_only
@pytest.mark.parametrize("key", ["cs_wrong-wrong-wrong-wrong-wrong", "", "Basic abc"])
def test_an_invalid_credential_must_be_answered_with_401(at, key):
    raw = at.raw()
    raw.key = f"Bearer {key}"
    for exchange in (raw.modern_call("echo", {"text": "x"}), raw.send(None, [ACCEPT], method="GET")):
        assert exchange.finish().status == 401


@gateway_only
def test_a_credential_in_the_query_must_not_count(at):
    raw = at.raw()
    raw.path, raw.key = f"/tools/?access_token={raw.key}", None
    assert raw.modern_call("echo", {"text": "x"}).finish().status in (400, 401, 404)


@gateway_only
def test_the_agents_credential_must_not_be_passed_on(at):
    result = at.raw().modern_call("headers").result()
    seen = json.dumps(result["structuredContent"])
    assert at.gateway.keys["bot"] not in seen and UPSTREAM_CREDENTIAL in seen


# Annotations and unknown things


@both
def test_an_unknown_tool_is_a_protocol_error_or_a_tool_error(at):
    message = at.raw().modern_call("no_such_tool").reply()
    assert message.get("error", {}).get("code") == -32602 or message["result"]["isError"]


@both
@pytest.mark.parametrize("cursor", ["no-such-cursor", "", "é"], ids=repr)
def test_an_invalid_cursor_is_an_error_or_ignored_but_never_a_fault(at, cursor):
    message = at.raw().modern("tools/list", {"cursor": cursor}).reply()
    assert "result" in message or message["error"]["code"] == -32602
