"""A streaming reverse proxy: what RFC 9110 and 9112 ask of one, upstreams that misbehave, large bodies, TLS."""

import hashlib
import socket
import ssl
import threading

import pytest
import trustme
from websockets.sync.client import connect as websocket

from harness.transparency import b64url
from harness.upstream import Upstream, websocket_echo
from harness.waiting import eventually
from harness.wire import RawConnection, request_bytes

MIB = 1 << 20


def chunked(*pieces, trailers=()):
    data = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n"
    return data + b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers) + b"\r\n"


# Requests


def test_a_chunked_request_arrives_whole(gateway, upstream, path):
    fields = gateway.headers("bot", ("Transfer-Encoding", "chunked"))
    with gateway.connect() as connection:
        connection.send(request_bytes("POST", f"/api/{path}", fields) + chunked(b"one ", b"two " * 1000, b"three"))
        assert connection.answer().status == 200
    assert upstream.to(f"/{path}")[0].body == b"one " + b"two " * 1000 + b"three"


def test_trailers_of_a_request_arrive(gateway, upstream, path):
    fields = gateway.headers("bot", ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"))
    with gateway.connect() as connection:
        connection.send(request_bytes("POST", f"/api/{path}", fields) + chunked(b"abc", trailers=[("X-Sum", "900")]))
        assert connection.answer().status == 200
    request = upstream.to(f"/{path}")[0]
    assert request.body == b"abc" and ("X-Sum", "900") in request.trailers


def test_trailers_are_part_of_what_is_approved(gateway, path):
    fields = gateway.headers("bot", ("Transfer-Encoding", "chunked"), ("Prefer", "wait=0"))
    locations = set()
    for value in ("1", "2", "1"):
        with gateway.connect() as connection:
            connection.send(
                request_bytes("POST", f"/api/held/{path}", fields) + chunked(b"a", trailers=[("X-T", value)])
            )
            locations.add(connection.answer().header("location"))
    assert len(locations) == 2


def test_expect_100_continue_is_answered_before_the_body(gateway, upstream, path):
    fields = gateway.headers("bot", ("Expect", "100-continue"), ("Content-Length", "5"))
    with gateway.connect() as connection:
        connection.send(request_bytes("PUT", f"/api/{path}", fields))
        assert connection.reader.line() == b"HTTP/1.1 100 Continue" and connection.reader.line() == b""
        connection.send(b"hello")
        assert connection.answer("PUT").status == 200
    assert upstream.to(f"/{path}")[0].body == b"hello"


def test_a_refused_expectation_gets_no_100(gateway, upstream, path):
    fields = [("Authorization", "Bearer cs_wrong-wrong-wrong"), ("Expect", "100-continue"), ("Content-Length", "5")]
    with gateway.connect() as connection:
        connection.send(request_bytes("PUT", f"/api/{path}", fields))
        answer = connection.answer("PUT")
        assert answer.status == 401 and answer.interim == []


def test_a_body_sent_without_waiting_for_100_is_taken(gateway, upstream, path):
    fields = gateway.headers("bot", ("Expect", "100-continue"), ("Content-Length", "5"))
    with gateway.connect() as connection:
        connection.send(request_bytes("PUT", f"/api/{path}", fields) + b"hello")
        assert connection.answer("PUT").status == 200
    assert upstream.to(f"/{path}")[0].body == b"hello"


def test_an_empty_post_says_so_upstream(gateway, upstream, path):
    assert gateway.exchange("POST", f"/api/{path}", body=b"").status == 200
    assert upstream.to(f"/{path}")[0].header("content-length") == "0"


def test_http_1_0_is_answered_and_closed(gateway, upstream, path):
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers(), version="1.0"))
        answer = connection.answer()
        assert answer.status == 200 and answer.header("transfer-encoding") is None
        assert connection.is_closed()
    assert upstream.to(f"/{path}")[0].version == "HTTP/1.1"


def test_a_chunked_response_to_http_1_0_ends_with_the_connection(gateway, upstream, path):
    def handler(exchange):
        exchange.begin_chunked()
        exchange.chunk(b"ab")
        exchange.chunk(b"cd")
        exchange.end_chunked()

    upstream.on(f"/{path}", handler)
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers(), version="1.0"))
        answer = connection.answer()
    assert answer.header("transfer-encoding") is None and answer.body == b"abcd"


def test_a_connection_carries_many_requests(gateway, upstream, path):
    with gateway.connect() as connection:
        for number in range(50):
            connection.send(request_bytes("GET", f"/api/{path}/{number}", gateway.headers()))
            assert connection.answer().json()["target"] == f"/{path}/{number}"


def test_upstream_connections_are_used_again(gateway, upstream, path):
    with gateway.connect() as connection:
        for _ in range(10):
            connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
            assert connection.answer().status == 200
    assert len({request.connection for request in upstream.to(f"/{path}")}) <= 2


def test_pipelined_requests_are_answered_in_order(gateway, upstream, path):
    with gateway.connect() as connection:
        requests = [request_bytes("GET", f"/api/{path}/{n}", gateway.headers()) for n in range(5)]
        requests.insert(3, request_bytes("POST", f"/api/{path}/body", gateway.headers(), b"GET /x HTTP/1.1\r\n\r\n"))
        connection.send(b"".join(requests))
        targets = [connection.answer().json()["target"] for _ in requests]
    assert targets == [f"/{path}/{n}" for n in ("0", "1", "2", "body", "3", "4")]


def test_connection_close_is_honoured(gateway, path):
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers("bot", ("Connection", "close"))))
        answer = connection.answer()
        assert answer.status == 200 and answer.header("connection").lower() == "close"
        assert connection.is_closed()


# Responses


def test_a_chunked_response_with_trailers_arrives(gateway, upstream, path):
    def handler(exchange):
        exchange.begin_chunked(headers=[("Trailer", "X-Sum")])
        exchange.chunk(b"hello ")
        exchange.chunk(b"world")
        exchange.end_chunked([("X-Sum", "11")])

    upstream.on(f"/{path}", handler)
    answer = gateway.exchange("GET", f"/api/{path}", ("TE", "trailers"))
    assert (answer.status, answer.body) == (200, b"hello world")
    assert ("X-Sum", "11") in answer.trailers


def test_head_has_fields_and_no_body(gateway, upstream, path):
    upstream.on(f"/{path}", lambda x: x.respond(200, b"twelve bytes", [("X-A", "1")]))
    with gateway.connect() as connection:
        connection.send(request_bytes("HEAD", f"/api/{path}", gateway.headers()))
        answer = connection.answer("HEAD")
        assert answer.status == 200 and answer.header("x-a") == "1" and answer.header("content-length") == "12"
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
        assert connection.answer().body == b"twelve bytes"


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_have_none(gateway, upstream, path, status):
    upstream.on(f"/{path}", lambda x: x.respond(status, headers=[("ETag", '"1"')]))
    with gateway.connect() as connection:
        for _ in range(2):
            connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
            answer = connection.answer()
            assert (answer.status, answer.body, answer.header("etag")) == (status, b"", '"1"')
            assert answer.header("transfer-encoding") is None


def test_interim_responses_are_not_the_response(gateway, upstream, path):
    def handler(exchange):
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        exchange.respond(200, b"final")

    upstream.on(f"/{path}", handler)
    answer = gateway.exchange("GET", f"/api/{path}")
    assert answer.body == b"final" and [status for status, _ in answer.interim] == [103]


def test_a_response_that_ends_with_the_connection_arrives(gateway, upstream, path):
    def handler(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil the end")
        exchange.hang_up()

    upstream.on(f"/{path}", handler)
    assert gateway.exchange("GET", f"/api/{path}").body == b"until the end"


def test_fields_of_one_hop_of_the_response_stay_there(gateway, upstream, path):
    fields = [
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("X-End", "1"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]
    upstream.on(f"/{path}", lambda x: x.respond(200, b"x", fields))
    answer = gateway.exchange("GET", f"/api/{path}")
    assert answer.header("x-hop") is None and answer.header("x-end") == "1"
    assert answer.all("set-cookie") == ["a=1", "b=2"]


def test_server_sent_events_are_not_held_back(gateway, upstream, path):
    steps = [threading.Event() for _ in range(3)]

    def handler(exchange):
        exchange.begin_chunked(headers=[("Content-Type", "text/event-stream")])
        for number, step in enumerate(steps):
            exchange.chunk(f"data: {number}\n\n".encode())
            assert step.wait(5)
        exchange.end_chunked()

    upstream.on(f"/{path}", handler)
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
        reader = connection.reader
        assert reader.line() == b"HTTP/1.1 200 OK"
        reader.fields()
        for number, step in enumerate(steps):
            # The next one is not sent before this one has come through.
            size = int(reader.line(), 16)
            assert reader.exactly(size) == f"data: {number}\n\n".encode() and reader.line() == b""
            step.set()
        assert int(reader.line(), 16) == 0


def test_server_sent_events_of_an_approved_action_are_not_held_back(gateway, upstream, path):
    step = threading.Event()

    def handler(exchange):
        exchange.begin_chunked(headers=[("Content-Type", "text/event-stream")])
        exchange.chunk(b"data: 0\n\n")
        assert step.wait(20)
        exchange.chunk(b"data: 1\n\n")
        exchange.end_chunked()

    upstream.on(f"/held/{path}", handler)
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/held/{path}", gateway.headers()))
        gateway.approve(gateway.pending(f"/held/{path}"))
        reader = connection.reader
        assert reader.line() == b"HTTP/1.1 200 OK"
        reader.fields()
        assert reader.exactly(int(reader.line(), 16)) == b"data: 0\n\n"
        step.set()


def test_an_agent_that_leaves_ends_the_reading_of_an_allowed_response(gateway, upstream, path):
    ended = threading.Event()

    def handler(exchange):
        exchange.begin_chunked()
        try:
            while True:
                exchange.chunk(b"x" * 65536)
        except OSError:
            ended.set()
            raise

    upstream.on(f"/{path}", handler)
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
        connection.reader.line()
    assert ended.wait(20)


# WebSockets


def test_a_websocket_goes_through(gateway, upstream, path):
    upstream.on(f"/{path}", websocket_echo)
    url = f"ws://127.0.0.1:{gateway.port}/api/{path}"
    with websocket(url, additional_headers=dict(gateway.headers()), compression=None, proxy=None) as socket_:
        for message in ("hello", "x" * 70_000, b"\x00\xff" * 300):
            socket_.send(message)
            assert socket_.recv(10) == message
    entries = gateway.entries(q=path)
    assert [entry["action"]["name"] for entry in entries] == ["http:unknown"]


def test_a_held_websocket_begins_when_it_is_approved(gateway, upstream, path):
    upstream.on(f"/held/{path}", websocket_echo)
    url = f"ws://127.0.0.1:{gateway.port}/api/held/{path}"
    result = []

    def run():
        options = {"compression": None, "proxy": None, "open_timeout": 30}
        with websocket(url, additional_headers=dict(gateway.headers()), **options) as socket_:
            socket_.send("after approval")
            result.append(socket_.recv(10))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    approval = gateway.pending(f"/held/{path}")
    assert upstream.count(f"/held/{path}") == 0
    gateway.approve(approval)
    thread.join(20)
    assert result == ["after approval"]
    gateway.until(approval["id"], "succeeded")


# Large bodies


@pytest.mark.timeout(180)
def test_a_large_upload_and_download_keep_memory_flat(install, own_upstream, path):
    size = 256 * MIB
    block = hashlib.sha256(b"seed").digest() * (MIB // 32)
    expected = hashlib.sha256()
    for _ in range(size // MIB):
        expected.update(block)

    def download(exchange):
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // MIB):
            exchange.send(block)

    own_upstream.on(f"/{path}/down", download)
    gateway = install().start()
    assert gateway.exchange("POST", f"/api/{path}/warm", body=block).status == 200
    base, peak, done = gateway.resident(), [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], gateway.resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    with gateway.connect(timeout=120) as connection:
        fields = gateway.headers("bot", ("Content-Length", str(size)), ("Content-Type", "application/octet-stream"))
        connection.send(request_bytes("POST", f"/api/{path}/up", fields))
        for _ in range(size // MIB):
            connection.send(block)
        assert connection.answer().status == 200
    upload = own_upstream.to(f"/{path}/up")[0]
    assert (upload.length, upload.sha256) == (size, expected.hexdigest())
    received = hashlib.sha256()
    with gateway.connect(timeout=120) as connection:
        connection.send(request_bytes("GET", f"/api/{path}/down", gateway.headers()))
        connection.answer(sink=received.update)
    done.set()
    watcher.join(5)
    assert received.hexdigest() == expected.hexdigest()
    growth = (peak[0] - base) / MIB
    assert growth < 150, f"memory grew by {growth:.0f} MiB"
    assert [file.name for file in (gateway.data / "spool").iterdir()] == [], "a spooled body was left behind"


@pytest.mark.timeout(120)
def test_a_slow_reader_does_not_make_the_gateway_gather(install, own_upstream, path):
    size = 128 * MIB
    block = bytes(MIB)

    def download(exchange):
        exchange.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // MIB):
            exchange.send(block)
            sent.append(MIB)

    sent = []
    own_upstream.on(f"/{path}", download)
    gateway = install().start()
    gateway.exchange("GET", f"/api/{path}/warm")
    base = gateway.resident()
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
        assert connection.reader.line() == b"HTTP/1.1 200 OK"
        # Nothing is read: once all buffers are full, the upstream stands still.
        last = []

        def stands_still():
            last.append(sum(sent))
            return len(last) > 25 and last[-25] == last[-1]

        eventually(stands_still, 30, pace=0.04)
        assert sum(sent) < 64 * MIB
        assert gateway.resident() - base < 64 * MIB


def test_a_large_body_is_in_the_document_by_digest_and_excerpt(gateway, upstream, path):
    body = b"0123456789abcdef" * 8192
    ask = gateway.ask("POST", f"/api/held/{path}", ("Content-Type", "text/plain"), body=body)
    approval = gateway.pending(f"/held/{path}")
    payload = approval["action"]["context"]["payload"]
    assert payload["bytes"] == len(body) and payload["media_type"] == "text/plain"
    assert body.startswith(payload["excerpt"].encode()) and payload["excerpt"]
    assert payload["sha256"] == b64url(hashlib.sha256(body).digest())
    gateway.approve(approval)
    assert ask.answer().status == 200
    assert upstream.to(f"/held/{path}")[0].sha256 == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_beyond_the_connections_maximum_is_413(install, own_upstream, path, framing):
    gateway = install(change=lambda c: c["connections"][0].update(body={"inline": "1KiB", "maximum": "10KiB"})).start()
    body = b"x" * 20_000
    with gateway.connect() as connection:
        if framing == "length":
            connection.send(request_bytes("POST", f"/api/{path}", gateway.headers(), body))
        else:
            fields = gateway.headers("bot", ("Transfer-Encoding", "chunked"))
            connection.send(request_bytes("POST", f"/api/{path}", fields) + chunked(body))
        answer = connection.answer()
    assert (answer.status, answer.code) == (413, "body-too-large")
    assert own_upstream.count() == 0
    assert gateway.exchange("POST", f"/api/{path}", body=body[:10_000]).status == 200


# TLS


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def test_tls_on_both_sides(install, scratch, authority, path):
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    upstream = Upstream(tls=context)

    def change(configuration):
        folder = scratch / "tls"
        folder.mkdir(exist_ok=True)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        (folder / "chain.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        configuration["listen"]["tls"] = {"certificate": str(folder / "chain.pem"), "key": str(folder / "key.pem")}
        api = configuration["connections"][0]
        api["upstream"] = f"https://localhost:{upstream.port}"
        api["tls"] = {"ca": str(folder / "ca.pem")}
        # The other one does not trust the authority.
        configuration["connections"][1]["upstream"] = f"https://localhost:{upstream.port}"

    gateway = install(upstream, change=change).start()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with RawConnection(gateway.port, tls=trust, server_name="localhost") as connection:
        for number in range(3):
            connection.send(request_bytes("POST", f"/api/{path}", gateway.headers(), b"secret" * 10_000))
            assert connection.answer().status == 200
        connection.send(request_bytes("GET", f"/impatient/{path}/untrusted", gateway.headers()))
        answer = connection.answer()
        assert (answer.status, answer.code) == (502, "upstream-unavailable")
    assert [request.length for request in upstream.to(f"/{path}")] == [60_000] * 3
    assert "proto=https" in upstream.to(f"/{path}")[0].header("forwarded")
    # Plain HTTP on the TLS port gets nothing upstream.
    with pytest.raises((OSError, AssertionError, ValueError)):
        with RawConnection(gateway.port, timeout=10) as connection:
            connection.send(request_bytes("GET", f"/api/{path}/plain", gateway.headers()))
            connection.answer()
    assert upstream.count(f"/{path}/plain") == 0
    upstream.stop()


def test_half_a_request_does_not_keep_others_waiting(gateway, path):
    with gateway.connect() as idle:
        idle.send(b"GET /api/x HT")
        assert gateway.exchange("GET", f"/api/{path}").status == 200


def test_many_idle_connections_do_no_harm(gateway, path):
    connections = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(300)]
    try:
        assert gateway.exchange("GET", f"/api/{path}").status == 200
    finally:
        for connection in connections:
            connection.close()
