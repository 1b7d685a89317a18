"""Upstreams that are down, silent, lie about lengths or speak something else."""

import contextlib
import socket
import threading

import pytest

from harness.upstream import Upstream
from harness.wire import request_bytes


def test_an_upstream_that_is_down_is_502_and_does_not_burn_the_grant(install, path):
    upstream = Upstream()
    gateway = install(upstream).start()
    upstream.stop()
    answer = gateway.exchange("GET", f"/api/{path}")
    assert (answer.status, answer.code) == (502, "upstream-unavailable")
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    gateway.approve(approval)
    refusal = ask.answer()
    assert (refusal.status, refusal.code) == (502, "upstream-unavailable")
    assert gateway.approval(approval["id"])["status"] == "approved"
    upstream.start()
    assert gateway.exchange("DELETE", f"/api/{path}").status == 200
    assert upstream.count(f"/{path}") == 1
    gateway.until(approval["id"], "succeeded")
    upstream.stop()


def test_an_upstream_that_is_silent_is_504(gateway, upstream, path):
    gate = upstream.stall(f"/{path}")
    answer = gateway.exchange("GET", f"/impatient/{path}")
    gate.open()
    assert (answer.status, answer.code) == (504, "upstream-timeout")


def test_an_approved_action_whose_upstream_is_silent_ends_unknown(gateway, upstream, path):
    gate = upstream.stall(f"/{path}")
    ask = gateway.ask("DELETE", f"/impatient/{path}")
    approval = gateway.pending(f"/{path}")
    gateway.approve(approval)
    answer = ask.answer()
    gate.open()
    assert (answer.status, answer.code) == (504, "upstream-timeout") and answer.json()["executed"] is None
    assert gateway.until(approval["id"], "unknown")["outcome"]["result"] == "unknown"
    assert upstream.count(f"/{path}") == 1
    kept = gateway.agent_api("bot").get(f"/v1/approvals/{approval['id']}/response")
    assert (kept.status_code, kept.json()["code"]) == (502, "outcome-unknown")


def test_who_waits_for_an_action_whose_outcome_is_unknown_is_told_so(gateway, upstream, path):
    gate = upstream.stall(f"/{path}")
    asks = [gateway.ask("DELETE", f"/impatient/{path}")]
    approval = gateway.pending(f"/{path}")
    gateway.approve(approval)
    assert gate.reached.wait(10)
    # It comes while the action runs, and so can only wait for its result.
    asks.append(gateway.ask("DELETE", f"/impatient/{path}"))
    answers = [ask.answer() for ask in asks]
    gate.open()
    assert [answer.json()["executed"] for answer in answers] == [None, None]
    assert sorted(answer.code for answer in answers) == ["outcome-unknown", "upstream-timeout"]
    assert upstream.count(f"/{path}") == 1


LIES = {
    "closes before the head": b"",
    "closes inside the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "speaks something else": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a folded field": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "an unasked 101": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100_000,
}


@pytest.mark.parametrize("name", LIES)
def test_an_upstream_whose_head_is_wrong_is_502(gateway, upstream, path, name):
    def handler(exchange):
        exchange.send(LIES[name])
        exchange.hang_up()

    upstream.on(f"/{path}", handler)
    answer = gateway.exchange("GET", f"/api/{path}")
    assert answer.status == 502 and answer.code in ("upstream-invalid", "upstream-unavailable"), answer.body
    # A write is never sent twice.
    assert gateway.exchange("POST", f"/api/{path}/post", body=b"1").status == 200
    upstream.on(f"/{path}", handler)
    assert gateway.exchange("POST", f"/api/{path}", body=b"1").status == 502
    assert [request.method for request in upstream.to(f"/{path}")].count("POST") == 1


SHORT = {
    "a body shorter than its length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "chunks that break off": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "a bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
}


@pytest.mark.parametrize("name", SHORT)
def test_a_body_that_breaks_off_never_looks_complete(gateway, upstream, path, name):
    def handler(exchange):
        exchange.send(SHORT[name])
        exchange.hang_up()

    upstream.on(f"/{path}", handler)
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
        try:
            answer = connection.answer()
        except (OSError, ValueError):
            return
        assert answer.status == 502, "a broken answer looked complete"


@pytest.mark.parametrize("name", SHORT)
def test_an_approved_action_whose_answer_breaks_off_ends_unknown(gateway, upstream, path, name):
    def handler(exchange):
        exchange.send(SHORT[name])
        exchange.hang_up()

    upstream.on(f"/{path}", handler)
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    gateway.approve(approval)
    assert gateway.until(approval["id"], "unknown")["outcome"]["result"] == "unknown"
    ask.join(10)
    assert ask.error is not None, "a broken answer looked complete"
    assert upstream.count(f"/{path}") == 1


def test_bytes_after_a_response_do_not_become_the_next_one(gateway, upstream, path):
    def handler(exchange):
        exchange.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
        )

    upstream.on(f"/{path}", handler)
    with gateway.connect() as connection:
        connection.send(request_bytes("GET", f"/api/{path}", gateway.headers()))
        assert connection.answer().body == b"ok"
        connection.send(request_bytes("GET", f"/api/{path}/next", gateway.headers()))
        assert connection.answer().json()["target"] == f"/{path}/next"


def test_a_stale_idle_upstream_connection_does_not_fail_a_read(gateway, upstream, path):
    def handler(exchange):
        exchange.respond(200, b"x")
        exchange.hang_up()

    upstream.on(f"/{path}", handler)
    for _ in range(10):
        assert gateway.exchange("GET", f"/api/{path}").status == 200


def test_an_agent_that_does_not_read_does_not_keep_its_approved_action_from_its_end(gateway, upstream, path):
    def flood(exchange):
        exchange.begin_chunked()
        for _ in range(64):
            exchange.chunk(b"x" * (1 << 20))
        exchange.end_chunked()

    upstream.on(f"/{path}", flood)
    with gateway.connect() as connection:
        connection.send(request_bytes("DELETE", f"/impatient/{path}", gateway.headers("bot")))
        approval = gateway.pending(f"/{path}")
        gateway.approve(approval)
        # Its connection idles for a second at most, and 64 MiB are more than the sockets between take.
        assert gateway.until(approval["id"], "succeeded", timeout=20)["outcome"]["status"] == 200
    assert upstream.count(f"/{path}") == 1


def test_an_agent_that_reads_a_little_now_and_then_does_not_either(gateway, upstream, path):
    def flood(exchange):
        exchange.begin_chunked()
        for _ in range(128):
            exchange.chunk(b"x" * (1 << 20))
        exchange.end_chunked()

    upstream.on(f"/{path}", flood)
    over = threading.Event()

    def trickle():
        # Often enough for each of the gateway's waits, and far from enough for the whole: 40 KiB a second.
        with contextlib.suppress(OSError):
            while not over.wait(0.5) and connection.sock.recv(20 << 10):
                pass

    with gateway.connect() as connection:
        # What the gateway may send ahead is no more than a few reads.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        connection.send(request_bytes("DELETE", f"/impatient/{path}", gateway.headers("bot")))
        approval = gateway.pending(f"/{path}")
        reader = threading.Thread(target=trickle)
        reader.start()
        gateway.approve(approval)
        try:
            assert gateway.until(approval["id"], "succeeded", timeout=20)["outcome"]["status"] == 200
        finally:
            over.set()
            reader.join()
    assert upstream.count(f"/{path}") == 1
