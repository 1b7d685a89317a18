"""Ways around the gates that somebody found by attacking the running gateway; this file only grows."""

import socket

import pytest

from harness.gateway import Events
from harness.waiting import eventually
from harness.wire import request_bytes

ROUTES = [
    {"match": "GET /v1/rotate", "operation": "rotate", "effect": "privilege"},
    {"match": "GET /v1/export", "operation": "exportAll", "effect": "export"},
    {"match": "GET /v1/stream", "operation": "stream", "effect": "read"},
]
GATES = """
@id("all") permit (principal in Group::"agents", action, resource);
@id("del") @approvers("dba") forbid (principal is Agent, action in Action::"delete", resource);
@id("grave") @approvers("dba") forbid (principal is Agent, action in Action::"privilege", resource);
@id("opaque") @approvers("dba") forbid (principal is Agent, action in Action::"unknown", resource);
@id("remote") @approvers("security") forbid (principal is Agent, action in Action::"delete", resource)
  when { context has source_address && context.source_address != ip("127.0.0.1") };
@id("admin") @approvers("dba") forbid (principal is Agent, action, resource)
  when { context has path && context.path like "/v1/admin*" };
@id("files") @approvers("dba") forbid (principal is Agent, action in Action::"http", resource)
  when { context has query && context.query like "*include=files*" };
@id("refund") @approvers("dba") forbid (principal, action, resource == Endpoint::"api/POST /v1/refund");
"""


@pytest.fixture(scope="module")
def routed(scratch, upstream):
    from harness.gateway import Gateway

    gateway = Gateway(
        scratch / "bypasses", upstream.port, lambda c: c["connections"][0].update(routes=ROUTES), GATES
    )
    gateway.start()
    yield gateway
    gateway.stop()


def ask_from(gateway, address, data):
    """Sends a request from another of this machine's addresses."""
    with gateway.connect() as connection:
        connection.sock.close()
        connection.sock = socket.socket()
        connection.sock.bind((address, 0))
        connection.sock.settimeout(20)
        connection.sock.connect(("127.0.0.1", gateway.port))
        connection.reader.sock = connection.sock
        connection.send(data)
        return connection.answer()


def gates(answer):
    return sorted(gate["policy"] for gate in answer.json()["approval"]["gates"])


def test_the_source_address_is_the_agents_also_through_the_agents_port_of_the_api(routed, path):
    target = f"/v1/{path}"
    document = (
        '{"subject":{"type":"Agent","id":"bot"},"action":{"name":"http:delete"},"resource":{"type":"Connection","id":"api"},'
        '"context":{"operations":[{"effect":"delete","action":"http:delete","resource":{"type":"Endpoint","id":'
        f'"api/DELETE {target}"}}}}],"headers":{{}},"method":"DELETE","path":"{target}"}}}}'
    ).encode()
    headers = routed.headers("bot", ("Content-Type", "application/json"), ("Countersign-Relay", "guess 127.0.0.1"))
    answer = ask_from(routed, "127.0.0.66", request_bytes("POST", "/v1/actions", headers, document))
    assert answer.status == 202, answer.body
    assert gates(answer) == ["del", "remote"]
    assert routed.approval(answer.json()["approval"]["id"])["source_address"] == "127.0.0.66"
    # Nor does the control port believe anybody.
    near = routed.agent_api("bot").post(
        "/v1/actions",
        content=document.replace(target.encode(), target.encode() + b"/2"),
        headers={"Content-Type": "application/json", "Countersign-Relay": "x 10.0.0.1", "Forwarded": "for=10.0.0.1"},
    )
    assert near.json()["approval"]["source_address"] == "127.0.0.1"


def test_an_ask_that_needs_more_does_not_attach_to_one_that_needed_less(routed, upstream, path):
    target = f"/api/v1/{path}"
    near = routed.exchange("DELETE", target, ("Prefer", "wait=0"))
    assert gates(near) == ["del"]
    far = request_bytes("DELETE", target, routed.headers("bot", ("Prefer", "respond-async")))
    second = ask_from(routed, "127.0.0.66", far)
    assert gates(second) == ["del", "remote"] and second.json()["approval"]["id"] != near.json()["approval"]["id"]
    assert routed.approval(near.json()["approval"]["id"])["status"] == "withdrawn"
    approval = routed.approve(routed.approval(second.json()["approval"]["id"]))
    assert approval["status"] == "pending" and upstream.count(f"/v1/{path}") == 0
    routed.approve(approval, "carol")
    routed.until(approval["id"], "succeeded")
    assert upstream.count(f"/v1/{path}") == 1
    routed.verify_receipt(approval["id"])


@pytest.mark.parametrize("spelling", ["/v1/%61dmin/x", "/v1/a%64min/x", "/v1/admin%2Dx", "/v1/%61%64%6D%69%6E"])
def test_a_path_has_one_spelling_to_policy(routed, upstream, spelling):
    answer = routed.exchange("GET", f"/api{spelling}", ("Prefer", "wait=0"))
    assert answer.status == 202 and gates(answer) == ["admin"], answer.body
    action = routed.approval(answer.json()["approval"]["id"])["action"]["context"]
    assert action["raw_path"] == spelling and action["path"].startswith("/v1/admin")
    assert upstream.count(spelling) == 0


@pytest.mark.parametrize("query", ["include=%66iles", "%69nclude=files", "a=%2F&include=file%73"])
def test_a_query_has_one_spelling_to_policy_and_goes_upstream_as_it_was_written(routed, upstream, query):
    answer = routed.exchange("GET", f"/api/v1/customers?{query}", ("Prefer", "respond-async"))
    assert answer.status == 202 and gates(answer) == ["files"], answer.body
    approval = routed.approval(answer.json()["approval"]["id"])
    details = approval["action"]["context"]
    assert details["raw_query"] == query and "include=files" in details["query"]
    routed.approve(approval)
    routed.until(approval["id"], "succeeded")
    sent = [request.target for request in upstream.to("/v1/customers")]
    assert sent.count(f"/v1/customers?{query}") == 1


def test_another_spelling_is_the_same_endpoint_and_goes_upstream_as_it_was_written(routed, upstream):
    answer = routed.exchange("POST", "/api/v1/refun%64", ("Prefer", "wait=0"), body=b"")
    assert answer.status == 202 and gates(answer) == ["refund"]
    assert routed.exchange("GET", "/api/v1/mail/a%40b%2Cc%c3%a9").status == 200
    assert [request.target for request in upstream.to("/v1/mail/a%40b%2Cc%c3%a9")] == ["/v1/mail/a%40b%2Cc%c3%a9"]
    logged = {entry["action"]["resource"] for entry in routed.entries(kind="action.allowed")}
    assert "api/GET /v1/mail/a@b,c%C3%A9" in logged


def test_an_asynchronous_action_goes_out_as_it_was_written(routed, upstream, path):
    target = f"/v1/%7E{path}"
    routed.exchange("DELETE", f"/api{target}", ("Prefer", "respond-async"))
    approval = routed.approve(routed.pending(f"/v1/~{path}"))
    routed.until(approval["id"], "succeeded")
    assert [request.target for request in upstream.to(target)] == [target]


def test_head_is_what_get_is(routed, upstream):
    before = upstream.count("/v1/rotate")
    with routed.connect() as connection:
        for method in ("GET", "HEAD"):
            connection.send(request_bytes(method, "/api/v1/rotate", routed.headers("bot", ("Prefer", "wait=0"))))
            answer = connection.answer(method)
            assert answer.status == 202 and int(answer.header("content-length")) > 100
    assert upstream.count("/v1/rotate") == before


def test_a_get_with_an_effect_is_sent_once(routed, upstream):
    def hang_up(exchange):
        exchange.hang_up()

    upstream.on("/v1/export", hang_up)
    with routed.connect() as connection:
        connection.send(request_bytes("GET", "/api/v1/prime", routed.headers()))
        assert connection.answer().status == 200
        connection.send(request_bytes("GET", "/api/v1/export", routed.headers()))
        answer = connection.answer()
    assert answer.status == 502 and answer.json()["executed"] is None
    assert upstream.count("/v1/export") == 1


def test_a_route_says_nothing_of_what_follows_an_upgrade(routed, upstream):
    upgrade = [("Connection", "upgrade"), ("Upgrade", "websocket"), ("Prefer", "wait=0")]
    answer = routed.exchange("GET", "/api/v1/stream", *upgrade)
    assert answer.status == 202 and gates(answer) == ["opaque"]


def test_an_offer_of_http_2_is_not_passed_on(routed, upstream, path):
    offer = [("Connection", "upgrade, http2-settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")]
    assert routed.exchange("GET", f"/api/v1/{path}", *offer).status == 200
    (request,) = upstream.to(f"/v1/{path}")
    assert request.header("upgrade") is None and request.header("http2-settings") is None


@pytest.mark.parametrize(
    "name",
    [
        "X-HTTP-Method-Override", "X_Http_Method_Override", "X-Original-URL", "Authorization", "Via", "X-Forwarded-User",
        "X_Real_Ip", "Countersign-On-Behalf-Of", "Countersign-Grant", "countersign_grant", "Connection",
    ],
)
def test_what_a_head_may_not_say_a_trailer_may_not_either(routed, upstream, path, name):
    with routed.connect() as connection:
        head = request_bytes("POST", f"/api/v1/{path}", routed.headers("bot", ("Transfer-Encoding", "chunked")))
        connection.send(head + f"2\r\nhi\r\n0\r\n{name}: DELETE\r\n\r\n".encode())
        assert connection.answer().status == 400
    assert upstream.count(f"/v1/{path}") == 0


def test_fields_that_only_a_proxy_may_set_do_not_come_from_an_agent(routed, upstream, path):
    names = ["X-Forwarded-User", "X-Forwarded-Ssl", "X-Forwarded-Client-Cert", "X_Forwarded_For", "X_Real_IP", "X-Kept"]
    assert routed.exchange("GET", f"/api/v1/{path}", *[(name, "admin") for name in names]).status == 200
    (request,) = upstream.to(f"/v1/{path}")
    assert [name for name in names if request.header(name)] == ["X-Kept"]


@pytest.mark.parametrize("name", ["Content-Type", "Content-Encoding"])
def test_a_body_has_one_type_and_one_coding(routed, upstream, path, name):
    twice = [(name, "text/plain"), (name, "application/json")]
    answer = routed.exchange("POST", f"/api/v1/{path}", *twice, body=b'{"a":1,"a":2}')
    assert (answer.status, answer.code) == (400, "ambiguous-body") and upstream.count(f"/v1/{path}") == 0


def test_an_open_body_does_not_carry_old_settings_past_a_reload(own_gateway, own_upstream, path):
    with own_gateway.connect() as connection:
        head = request_bytes("POST", f"/api/{path}", own_gateway.headers("bot", ("Content-Length", "4")))
        connection.send(head + b"ab")
        own_gateway.exchange("GET", f"/api/{path}/first")
        routes = own_gateway.configuration["connections"][0]["routes"]
        routes.append({"match": f"POST /{path}", "operation": "wipe", "effect": "delete"})
        own_gateway.write_configuration()
        eventually(lambda: own_gateway.exchange("POST", f"/api/{path}", ("Prefer", "wait=0"), body=b"").status == 202)
        connection.send(b"cd")
        answer = connection.answer()
    assert (answer.status, answer.code) == (503, "connection-changed")
    assert not [request for request in own_upstream.to(f"/{path}") if request.body]


def test_what_was_approved_under_other_routes_does_not_run_by_itself(own_gateway, own_upstream, path):
    own_gateway.exchange("DELETE", f"/api/{path}", ("Prefer", "respond-async"))
    approval = own_gateway.pending(f"/{path}")
    routes = own_gateway.configuration["connections"][0]["routes"]
    routes.append({"match": f"DELETE /{path}", "operation": "bulk", "effect": "privilege"})
    own_gateway.write_configuration()
    eventually(lambda: len(own_gateway.entries(kind="configuration.changed")) == 2)
    own_gateway.approve(approval)
    assert own_gateway.until(approval["id"], "revoked") and own_upstream.count(f"/{path}") == 0
    own_gateway.verify_receipt(approval["id"])


def test_an_action_that_was_approved_before_it_became_asynchronous_runs(gateway, upstream, path):
    body = b"\x00\xff binary"
    gateway.exchange("POST", f"/api/held/{path}", ("Prefer", "wait=0"), body=body)
    approval = gateway.approve(gateway.pending(f"/held/{path}"))
    assert gateway.exchange("POST", f"/api/held/{path}", ("Prefer", "respond-async"), body=body).status == 202
    gateway.until(approval["id"], "succeeded", timeout=15)
    assert [request.body for request in upstream.to(f"/held/{path}")] == [body]


def test_an_upstream_that_never_reads_does_not_hold_a_request_for_ever(install, tmp_path):
    """Its operating system takes what fits into its buffers; the rest of the body waits, but not for ever."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.bind(("127.0.0.1", 0))
    deaf.listen(8)
    address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
    gateway = install(change=lambda c: c["connections"][1].update(upstream=address)).start()
    answer = gateway.exchange("POST", "/impatient/upload", body=b"x" * (32 << 20))
    deaf.close()
    assert answer.status in (502, 504) and answer.json()["executed"] is None


def test_a_stream_of_events_brings_all_of_a_long_history(own_gateway, path):
    made = []
    for number in range(45):
        own_gateway.exchange("DELETE", f"/api/{path}/{number}", ("Prefer", "wait=0"))
    made = {item["id"] for item in own_gateway.approvals()}
    events = Events(own_gateway.agent_api("bot"), last=0)
    seen = set()
    while seen != made:
        seen.add(events.next()[2]["id"])
    events.close()
