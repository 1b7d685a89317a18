"""Actions that run without their agent (`respond-async`), results that are kept, and what is left of them."""

import threading

import pytest

from harness.gateway import UPSTREAM_CREDENTIAL
from harness.waiting import eventually


def test_respond_async_runs_by_itself_and_keeps_the_response(gateway, upstream, path):
    upstream.on(f"/held/{path}", lambda x: x.respond(201, b"made \x00\xff", [("X-Made", "1"), ("Content-Type", "a/b")]))
    answer = gateway.exchange(
        "POST", f"/api/held/{path}", ("Prefer", "respond-async"), ("X-Extra", "kept"), body=b"the body"
    )
    assert answer.status == 202 and answer.header("preference-applied") == "respond-async"
    approval = gateway.of(f"/held/{path}", "pending")[0]
    assert approval["asynchronous"] is True
    url = answer.header("location") + "/response"
    early = gateway.agent_api("bot").get(url)
    assert (early.status_code, early.json()["code"]) == (409, "wrong-state")
    gateway.approve(approval)
    gateway.until(approval["id"], "succeeded")
    request = upstream.to(f"/held/{path}")[0]
    assert (request.method, request.body, request.header("x-extra")) == ("POST", b"the body", "kept")
    assert request.all("authorization") == [UPSTREAM_CREDENTIAL] and request.header("prefer") is None
    assert gateway.agent_api("other-bot").get(url).status_code == 404
    assert gateway.user("alice").get(url).status_code == 403
    kept = gateway.agent_api("bot").get(url)
    assert (kept.status_code, kept.content, kept.headers["x-made"]) == (201, b"made \x00\xff", "1")
    assert kept.headers["content-type"] == "a/b"
    # Delivered and forgotten.
    gone = eventually(lambda: (r := gateway.agent_api("bot").get(url)).status_code == 410 and r)
    assert gone.json()["code"] == "result-gone" and upstream.count(f"/held/{path}") == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"text":"caf\xc3\xa9 \xe2\x82\xac"}', id="text"),
        pytest.param(
            bytes(range(256)), id="bytes"
        ),
        pytest.param(b"x" * 200_000, id="large"),
    ],
)
def test_respond_async_sends_exactly_the_bytes_that_were_approved(gateway, upstream, path, body):
    answer = gateway.exchange(
        "POST", f"/api/held/{path}", ("Prefer", "respond-async"), ("Content-Type", "application/x-odd"), body=body
    )
    assert answer.status == 202
    approval = gateway.pending(f"/held/{path}")
    gateway.approve(approval)
    gateway.until(approval["id"], "succeeded")
    assert [request.body for request in upstream.to(f"/held/{path}")] == [body]


def test_respond_async_starts_once_the_upstream_is_back(install, own_upstream, path):
    gateway = install().start()
    answer = gateway.exchange("POST", f"/api/held/{path}", ("Prefer", "respond-async"), body=b"later")
    approval = gateway.pending(f"/held/{path}")
    own_upstream.stop()
    assert gateway.approve(approval)["status"] == "approved"
    eventually(lambda: "could not start" in gateway.log_text())
    own_upstream.start()
    gateway.until(approval["id"], "succeeded", timeout=15)
    assert [request.body for request in own_upstream.to(f"/held/{path}")] == [b"later"] and answer.status == 202


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("denied"),
        pytest.param("withdrawn"),
        pytest.param("expired"),
        "delivered",
        pytest.param("delivered asynchronously"),
    ],
)
def test_nothing_is_left_in_the_spool(install, own_upstream, path, end):
    gateway = install().start()
    prefix = "brief" if end == "expired" else "held"
    own_upstream.on(f"/{prefix}/{path}", lambda x: x.respond(200, b"R" * 600_000))
    prefer = [("Prefer", "wait=0")] if end == "delivered" else [("Prefer", "respond-async")]
    target, body = f"/api/{prefix}/{path}", b"B" * 300_000
    assert gateway.exchange("POST", target, *prefer, body=body).status == 202
    approval = gateway.pending(f"/{prefix}/{path}")
    match end:
        case "denied":
            gateway.decide(approval, "deny")
        case "withdrawn":
            gateway.agent_api().post(f"/v1/approvals/{approval['id']}/withdraw")
        case "expired":
            gateway.until(approval["id"], "expired")
        case "delivered":
            gateway.approve(approval)
            assert gateway.exchange("POST", target, body=body).body == b"R" * 600_000
        case _:
            gateway.approve(approval)
            gateway.until(approval["id"], "succeeded")
            kept = gateway.agent_api().get(f"/v1/approvals/{approval['id']}/response")
            assert kept.content == b"R" * 600_000
    left = lambda: sorted(file.name for file in (gateway.data / "spool").iterdir())
    eventually(lambda: left() == [], 8, f"an empty spool, not {left()}")


def test_a_large_response_of_an_approved_action_is_kept_for_an_agent_that_left(gateway, upstream, path):
    gate, body = threading.Event(), bytes(range(256)) * 4096

    def handler(exchange):
        assert gate.wait(30)
        exchange.respond(200, body)

    upstream.on(f"/{path}", handler)
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.pending(f"/{path}")
    gateway.approve(approval)
    gateway.until(approval["id"], "redeemed")
    ask.abandon()
    gate.set()
    gateway.until(approval["id"], "succeeded")
    answer = gateway.exchange("DELETE", f"/api/{path}")
    assert answer.status == 200 and answer.body == body and upstream.count(f"/{path}") == 1


@pytest.mark.parametrize("prefer", ["wait=0", "respond-async"])
def test_who_asks_while_it_runs_is_not_told_that_it_was_not_executed(gateway, upstream, path, prefer):
    gate = upstream.stall(f"/{path}")
    ask = gateway.ask("DELETE", f"/api/{path}")
    approval = gateway.approve(gateway.pending(f"/{path}"))
    gateway.until(approval["id"], "redeemed")
    answer = gateway.exchange("DELETE", f"/api/{path}", ("Prefer", prefer))
    assert answer.status == 202 and answer.json()["executed"] is None
    assert answer.json()["detail"].startswith("Approved, and under way")
    gate.open()
    assert ask.answer().status == 200 and upstream.count(f"/{path}") == 1
