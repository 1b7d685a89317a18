"""Requests that two readers could understand in two ways: refused, recorded, and never sent upstream.

The table only grows.
"""

import gzip

import pytest

from harness.waiting import eventually
from harness.wire import RawConnection, request_bytes

AUTHORIZATION = "Authorization: Bearer {key}"


def raw(line, *fields, body="", host="Host: gateway.test", key=True, end="\r\n"):
    """A request, as text, of which every byte is the test's."""
    lines = [line] + ([host] if host else []) + ([AUTHORIZATION] if key else []) + list(fields)
    return end.join(lines) + end + end + body


CHUNKED = "Transfer-Encoding: chunked"

FRAMING = {
    "content-length and transfer-encoding": raw("POST /api/x HTTP/1.1", "Content-Length: 5", CHUNKED, body="0\r\n\r\n"),
    "transfer-encoding and content-length": raw("POST /api/x HTTP/1.1", CHUNKED, "Content-Length: 5", body="0\r\n\r\n"),
    "two equal lengths": raw("POST /api/x HTTP/1.1", "Content-Length: 1", "Content-Length: 1", body="a"),
    "two different lengths": raw("POST /api/x HTTP/1.1", "Content-Length: 1", "Content-Length: 2", body="ab"),
    "a list of lengths": raw("POST /api/x HTTP/1.1", "Content-Length: 1, 1", body="a"),
    "a signed length": raw("POST /api/x HTTP/1.1", "Content-Length: +1", body="a"),
    "a negative length": raw("POST /api/x HTTP/1.1", "Content-Length: -1"),
    "a length with a leading zero": raw("POST /api/x HTTP/1.1", "Content-Length: 01", body="a"),
    "a hexadecimal length": raw("POST /api/x HTTP/1.1", "Content-Length: 0x1", body="a"),
    "a length beyond 2^63": raw("POST /api/x HTTP/1.1", "Content-Length: 9223372036854775808"),
    "an empty length": raw("POST /api/x HTTP/1.1", "Content-Length:"),
    "a length with an underscore": raw("POST /api/x HTTP/1.1", "Content_Length: 1", body="a"),
    "a coding with an underscore": raw("POST /api/x HTTP/1.1", "Transfer_Encoding: chunked", body="0\r\n\r\n"),
    "two codings": raw("POST /api/x HTTP/1.1", "Transfer-Encoding: gzip, chunked", body="0\r\n\r\n"),
    "chunked twice": raw("POST /api/x HTTP/1.1", CHUNKED, CHUNKED, body="0\r\n\r\n"),
    "an unknown coding": raw("POST /api/x HTTP/1.1", "Transfer-Encoding: xchunked", body="0\r\n\r\n"),
    "identity coding": raw("POST /api/x HTTP/1.1", "Transfer-Encoding: identity"),
    "a coding on http/1.0": raw("POST /api/x HTTP/1.0", CHUNKED, body="0\r\n\r\n"),
    "a tab before the coding's name": raw("POST /api/x HTTP/1.1", "\tTransfer-Encoding: chunked", body="0\r\n\r\n"),
    "a space before the colon": raw("POST /api/x HTTP/1.1", "Content-Length : 0"),
    "a vertical tab in the coding": raw("POST /api/x HTTP/1.1", "Transfer-Encoding: \x0bchunked", body="0\r\n\r\n"),
    "a folded line": raw("GET /api/x HTTP/1.1", "X-A: b\r\n c"),
    "a folded line with a tab": raw("GET /api/x HTTP/1.1", "X-A: b\r\n\tc"),
    "a bare cr in a field": raw("GET /api/x HTTP/1.1", "X-A: b\rX-B: c"),
    "a bare lf in a field": raw("GET /api/x HTTP/1.1", "X-A: b\nX-B: c"),
    "bare lf line ends": raw("GET /api/x HTTP/1.1", end="\n"),
    "a bare cr in the request line": raw("GET /api/x\r HTTP/1.1"),
    "a nul in a field": raw("GET /api/x HTTP/1.1", "X-A: b\0c"),
    "a field without a colon": raw("GET /api/x HTTP/1.1", "X-A"),
    "an empty field name": raw("GET /api/x HTTP/1.1", ": a"),
    "a field name with a space": raw("GET /api/x HTTP/1.1", "X A: b"),
    "a field name with a slash": raw("GET /api/x HTTP/1.1", "X/A: b"),
    "a field value that is not utf-8": raw("GET /api/x HTTP/1.1", "X-A: \xff\xfe"),
    "a leading empty line": "\r\n" + raw("GET /api/x HTTP/1.1"),
    "two spaces in the request line": raw("GET  /api/x HTTP/1.1"),
    "a tab in the request line": raw("GET\t/api/x\tHTTP/1.1"),
    "no version": raw("GET /api/x"),
    "http/0.9 version": raw("GET /api/x HTTP/0.9"),
    "http/2.0 version": raw("GET /api/x HTTP/2.0"),
    "http/1.2 version": raw("GET /api/x HTTP/1.2"),
    "a lower-case version": raw("GET /api/x http/1.1"),
    "a method with a control character": raw("G\x01T /api/x HTTP/1.1"),
    "the http/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tls hello": "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + "\x00" * 40,
    "a chunk size that is not hexadecimal": raw("POST /api/x HTTP/1.1", CHUNKED, body="zz\r\nab\r\n0\r\n\r\n"),
    "a chunk size with 0x": raw("POST /api/x HTTP/1.1", CHUNKED, body="0x2\r\nab\r\n0\r\n\r\n"),
    "a signed chunk size": raw("POST /api/x HTTP/1.1", CHUNKED, body="+2\r\nab\r\n0\r\n\r\n"),
    "a chunk size with a space": raw("POST /api/x HTTP/1.1", CHUNKED, body="2 \r\nab\r\n0\r\n\r\n"),
    "a chunk size that overflows": raw("POST /api/x HTTP/1.1", CHUNKED, body="ffffffffffffffff2\r\nab\r\n0\r\n\r\n"),
    "an empty chunk size": raw("POST /api/x HTTP/1.1", CHUNKED, body="\r\nab\r\n0\r\n\r\n"),
    "a chunk longer than its size": raw("POST /api/x HTTP/1.1", CHUNKED, body="2\r\nabc\r\n0\r\n\r\n"),
    "a chunk with a bare lf": raw("POST /api/x HTTP/1.1", CHUNKED, body="2\nab\r\n0\r\n\r\n"),
    "a chunk extension": raw("POST /api/x HTTP/1.1", CHUNKED, body="2;a=b\r\nab\r\n0\r\n\r\n"),
    "an extension on the last chunk": raw("POST /api/x HTTP/1.1", CHUNKED, body="2\r\nab\r\n0;x\r\n\r\n"),
    "a length in the trailers": raw("POST /api/x HTTP/1.1", CHUNKED, body="0\r\nContent-Length: 3\r\n\r\n"),
    "a credential in the trailers": raw("POST /api/x HTTP/1.1", CHUNKED, body="0\r\nAuthorization: x\r\n\r\n"),
    "a host in the trailers": raw("POST /api/x HTTP/1.1", CHUNKED, body="0\r\nHost: x\r\n\r\n"),
    "no host": raw("GET /api/x HTTP/1.1", host=None),
    "two hosts": raw("GET /api/x HTTP/1.1", "Host: other.test"),
    "an empty host": raw("GET /api/x HTTP/1.1", host="Host:"),
    "a host with a path": raw("GET /api/x HTTP/1.1", host="Host: a/b"),
    "a host with a user": raw("GET /api/x HTTP/1.1", host="Host: a@b"),
    "a host list": raw("GET /api/x HTTP/1.1", host="Host: a, b"),
    "connection takes the credential away": raw("GET /api/x HTTP/1.1", "Connection: close, Authorization"),
    "connection takes the host away": raw("GET /api/x HTTP/1.1", "Connection: Host"),
    "connection takes the length away": raw("POST /api/x HTTP/1.1", "Connection: Content-Length", "Content-Length: 0"),
    "connection takes a cookie away": raw("GET /api/x HTTP/1.1", "Connection: keep-alive, Cookie", "Cookie: a=b"),
    "connection takes the forwarding away": raw("GET /api/x HTTP/1.1", "Connection: X-Forwarded-For"),
    "an unknown expectation": raw("POST /api/x HTTP/1.1", "Expect: 200-ok", "Content-Length: 0"),
    "too many fields": raw("GET /api/x HTTP/1.1", *[f"X-{n}: 1" for n in range(200)]),
    "a head that is too large": raw("GET /api/x HTTP/1.1", "X-A: " + "a" * 70_000),
}

TARGETS = {
    "absolute-form": "http://gateway.test/api/x",
    "absolute-form of another host": "http://evil.test/api/x",
    "authority-form": "gateway.test:443",
    "asterisk-form": "*",
    "no leading slash": "api/x",
    "two slashes": "/api//x",
    "two slashes at the beginning": "//api/x",
    "dot-dot": "/api/../x",
    "dot-dot at the end": "/api/x/..",
    "dot": "/api/./x",
    "encoded dots": "/api/%2e%2e/x",
    "encoded dots in capitals": "/api/%2E%2E/x",
    "half-encoded dots": "/api/.%2e/x",
    "an encoded dot": "/api/%2e/x",
    "an encoded slash": "/api/a%2fb",
    "an encoded slash in capitals": "/api/a%2Fb",
    "an encoded backslash": "/api/a%5cb",
    "a backslash": "/api/a\\b",
    "path parameters": "/api/x;a=b",
    "path parameters before a slash": "/api/..;/x",
    "an encoded semicolon": "/api/x%3ba",
    "encoded twice": "/api/%252e%252e/x",
    "an encoded percent before digits": "/api/%2541",
    "an encoded nul": "/api/x%00",
    "an encoded line feed": "/api/x%0aX-A:%20b",
    "an encoded carriage return": "/api/x%0d%0a",
    "half an escape": "/api/x%2",
    "an escape that is not hexadecimal": "/api/x%zz",
    "overlong utf-8": "/api/%c0%ae%c0%ae/x",
    "not utf-8": "/api/%ff",
    "raw bytes outside ascii": "/api/\xe9",
    "a fragment": "/api/x#y",
    "a nul in the query": "/api/x?a=%00",
    "an encoded connection name and slash": "/api%2fx",
    "dots before the connection": "/./api/x",
    "dots that climb out of the connection": "/api/../impatient/x",
}

OVERRIDES = [
    "X-HTTP-Method-Override: DELETE",
    "x-http-method-override: DELETE",
    "X_HTTP_METHOD_OVERRIDE: DELETE",
    "X-HTTP-Method: DELETE",
    "X-Method-Override: DELETE",
    "X_Method_Override: DELETE",
    "X-Original-URL: /admin",
    "X-Original_URL: /admin",
    "X-Rewrite-URL: /admin",
    "X_Rewrite_URL: /admin",
    "X-Forwarded-Prefix: /admin",
]

AMBIGUOUS_JSON = {
    "a duplicate key": b'{"a":1,"a":2}',
    "a duplicate key spelt with an escape": b'{"a":1,"\\u0061":2}',
    "a nested duplicate key": b'{"b":{"a":1,"a":2}}',
    "a comment": b'{"a":1/*x*/}',
    "a trailing comma": b'{"a":1,}',
    "something after the end": b'{"a":1}{"a":2}',
    "nothing": b" ",
    "NaN": b'{"a":NaN}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "a lone surrogate": b'{"a":"\\ud800"}',
    "bytes that are not utf-8": b'{"a":"\xff"}',
    "utf-16": '{"a":1}'.encode("utf-16"),
    "single quotes": b"{'a':1}",
    "a raw control character": b'{"a":"\x01"}',
    "too deep": b"[" * 20_000 + b"]" * 20_000,
}


@pytest.fixture
def refused(gateway, upstream):
    """Sends bytes and checks: a 4xx or 5xx problem, exactly one entry, nothing upstream, and a closed connection."""

    def check(data, *statuses, code=None, reason=None):
        data = (
            data.replace(AUTHORIZATION, AUTHORIZATION.format(key=gateway.keys["bot"]))
            if isinstance(data, str)
            else data
        )
        before, size = upstream.count(), gateway.log_size()
        with RawConnection(gateway.port) as connection:
            connection.send(data)
            answer = connection.answer()
            assert answer.status in (statuses or (400,)), (answer.status, answer.body)
            assert answer.header("content-type") == "application/problem+json"
            problem = answer.json()
            assert problem["status"] == answer.status and problem["executed"] is False and problem["detail"]
            if code:
                assert problem["code"] == code, problem
            # Where the next request would begin is unknown, so nothing more is read.
            assert connection.is_closed()
        newest = gateway.user().get("/v1/entries", params={"limit": 10}).json()["items"]
        # Approvals that other tests left may expire meanwhile.
        entries = [e for e in newest if e["sequence"] >= size and e["kind"] != "approval.settled"]
        assert [entry["kind"] for entry in entries] == ["action.denied"], entries
        assert entries[0]["reasons"] == [problem["code"]]
        assert upstream.count() == before, "something went upstream"
        return answer, entries[0]

    return check


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_framing_is_refused(refused, name):
    refused(FRAMING[name], 400, 417, 431, 501, 505, code="ambiguous-request")


@pytest.mark.parametrize("name", TARGETS)
def test_ambiguous_targets_are_refused(refused, name):
    refused(raw(f"GET {TARGETS[name]} HTTP/1.1"), code="ambiguous-request")


@pytest.mark.parametrize("field", OVERRIDES)
def test_fields_that_would_change_the_action_are_refused(refused, field):
    _, entry = refused(raw("POST /api/x HTTP/1.1", field, "Content-Length: 0"), code="method-override")
    assert entry["actor"]["id"] == "bot" and entry["detail"] == field.split(":")[0]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_that_are_never_passed_on_are_refused(refused, method):
    refused(raw(f"{method} /api/x HTTP/1.1"), 400, 405)


@pytest.mark.parametrize("name", AMBIGUOUS_JSON)
def test_json_that_can_be_read_in_two_ways_is_refused(refused, gateway, name):
    fields = gateway.headers("bot", ("Content-Type", "application/json"))
    refused(request_bytes("POST", "/api/x", fields, AMBIGUOUS_JSON[name]), code="ambiguous-body")


@pytest.mark.parametrize("coding", ["gzip", "GZip", "br", "x-unknown", "identity, gzip"])
def test_json_that_policy_could_not_read_is_refused(refused, gateway, coding):
    fields = gateway.headers("bot", ("Content-Type", "application/json"), ("Content-Encoding", coding))
    refused(request_bytes("POST", "/api/x", fields, gzip.compress(b'{"danger":true}')), 415, code="ambiguous-body")


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", "UTF-7", '"utf-16le"'])
def test_json_in_another_charset_is_refused(refused, gateway, charset):
    fields = gateway.headers("bot", ("Content-Type", f"application/json; charset={charset}"))
    refused(request_bytes("POST", "/api/x", fields, b'{"a":1}'), 415, code="ambiguous-body")


@pytest.mark.parametrize(
    "authorization",
    [
        [],
        ["Basic Ym90OmJvdA=="],
        ["Bearer"],
        ["Bearer "],
        ["Bearer {key}", "Bearer {key}"],
        ["Bearer {key}, Bearer x"],
    ],
)
def test_a_request_without_one_bearer_credential_is_refused(refused, gateway, authorization):
    fields = [f"Authorization: {value.format(key=gateway.keys['bot'])}" for value in authorization]
    refused(raw("GET /api/x HTTP/1.1", *fields, key=False), 401)


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "application/vnd.api+json",
        "APPLICATION/JSON; charset=utf-8",
        None,
    ],
)
def test_json_is_seen_by_policy_whatever_it_is_called(gateway, upstream, path, media_type):
    fields = [("Content-Type", media_type)] if media_type else []
    answer = gateway.exchange("POST", f"/api/{path}", *fields, body=b' \r\n{"danger": true}')
    assert (answer.status, answer.code) == (403, "forbidden")
    assert answer.json()["reasons"][0]["policy"] == "no-danger-in-bodies"
    assert upstream.count(f"/{path}") == 0


def test_a_body_that_only_begins_like_json_is_refused_where_a_policy_looks_into_bodies(gateway, upstream, path):
    """Readers that stop at the first value would see what policy could not, so the policy errs and the answer is no."""
    for body in (b'{"danger": maybe', b'{"danger": true} trailing', b'{"danger": true, "danger": false}'):
        answer = gateway.exchange("POST", f"/api/{path}", ("Content-Type", "text/plain"), body=body)
        assert (answer.status, answer.code) == (403, "policy-error")
    assert upstream.count(f"/{path}") == 0


@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"danger": true' + b" " * 70_000 + b"}", id="padded beyond the inline size"),
        pytest.param(b" " * 70_000 + b'{"danger": true}', id="pushed beyond the inline size"),
    ],
)
def test_padding_does_not_hide_a_body_from_a_policy_that_looks_into_it(gateway, upstream, path, media_type, body):
    answer = gateway.exchange("POST", f"/api/{path}", ("Content-Type", media_type), body=body)
    assert answer.status in (400, 403, 413) and upstream.count(f"/{path}") == 0


def test_a_stray_byte_does_not_hide_a_body_from_a_policy_that_looks_into_it(gateway, upstream, path):
    body = b'{"danger": true, "a": "\xff"}'
    assert gateway.exchange("POST", f"/api/{path}", ("Content-Type", "text/plain"), body=body).status == 403
    assert upstream.count(f"/{path}") == 0


def test_a_body_that_is_not_like_json_passes_unchanged(gateway, upstream, path):
    body = b"danger=true\x00\xff"
    assert gateway.exchange("POST", f"/api/{path}", ("Content-Type", "text/plain"), body=body).status == 200
    assert upstream.to(f"/{path}")[0].body == body


def test_fields_of_one_hop_stay_on_their_hop(gateway, upstream, path):
    data = raw(
        f"GET /api/{path} HTTP/1.1",
        "Connection: keep-alive, X-Hop",
        "X-Hop: 1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Proxy-Authorization: Basic x",
        "Proxy-Connection: keep-alive",
        "X-End: 1",
    ).replace("{key}", gateway.keys["bot"])
    with gateway.connect() as connection:
        connection.send(data)
        assert connection.answer().status == 200
    request = upstream.to(f"/{path}")[0]
    for name in ("x-hop", "keep-alive", "te", "proxy-authorization", "proxy-connection"):
        assert request.header(name) is None, name
    assert request.header("x-end") == "1"


def test_an_agent_cannot_say_who_is_in_front_of_it(gateway, upstream, path):
    forged = [
        ("Forwarded", "for=10.0.0.1"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Real-IP", "10.0.0.1"),
        ("X-Forwarded-Host", "internal"),
        ("X-Forwarded-Proto", "https"),
        ("Via", "1.1 forged"),
    ]
    assert gateway.exchange("GET", f"/api/{path}", *forged).status == 200
    head = upstream.to(f"/{path}")[0].head
    assert b"10.0.0.1" not in head and b"internal" not in head and b"forged" not in head


def test_what_follows_a_refused_request_is_not_read_as_another(gateway, upstream, path):
    data = raw(
        "POST /api/x HTTP/1.1",
        "Content-Length: 5",
        CHUNKED,
        body=f"0\r\n\r\nGET /api/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.keys['bot']}\r\n\r\n",
    ).replace("{key}", gateway.keys["bot"])
    with gateway.connect() as connection:
        connection.send(data)
        assert connection.answer().status == 400
        assert connection.is_closed()
    assert upstream.count(f"/{path}") == 0


def test_a_body_that_never_comes_whole_is_not_sent(gateway, upstream, path):
    with gateway.connect() as connection:
        fields = gateway.headers("bot", ("Content-Length", "10"))
        connection.send(request_bytes("POST", f"/api/{path}", fields) + b"12345")
        size = gateway.log_size()
    eventually(lambda: gateway.log_size() > size)
    assert gateway.entries(kind="action.denied")[-1]["reasons"] == ["ambiguous-request"]
    assert upstream.count(f"/{path}") == 0


def test_a_request_in_single_bytes_is_understood(gateway, upstream, path):
    with gateway.connect() as connection:
        for byte in request_bytes("POST", f"/api/{path}", gateway.headers(), b"abc"):
            connection.send(bytes([byte]))
        assert connection.answer().status == 200
    assert upstream.to(f"/{path}")[0].body == b"abc"


@pytest.mark.parametrize("target", ["/%41pi/x", "/api/%7Euser/a%20b", "/api/caf%C3%A9", "/api/a+b,c:d@e!$&'()*=~"])
def test_plain_targets_go_upstream_exactly_as_written(gateway, upstream, target):
    answer = gateway.exchange("GET", target)
    if target.startswith("/%41"):
        # Connection names are matched decoded, as every path segment is; `Api` is not `api`.
        assert answer.status == 404
    else:
        assert answer.status == 200 and upstream.requests[-1].target == target.removeprefix("/api")


def test_override_fields_that_a_connection_names_pass(install, own_upstream, path):
    def change(configuration):
        configuration["connections"][0]["allow_method_override"] = ["X-HTTP-Method-Override"]

    gateway = install(change=change).start()
    answer = gateway.exchange("POST", f"/api/{path}", ("X-HTTP-Method-Override", "PATCH"))
    assert answer.status == 200 and own_upstream.to(f"/{path}")[0].header("x-http-method-override") == "PATCH"
    assert gateway.exchange("POST", f"/api/{path}", ("X-Original-URL", "/admin")).code == "method-override"
