"""A pytest plugin for the SDKs' own tests: what they connect in-process, it connects through a gateway.

Their tests reach a server by an in-process HTTP transport, or, FastMCP's, in memory. Here each such server listens on a
port of its own, which is the upstream of one connection of a running gateway, and the client speaks to that connection.
The tests stay as they are.

`SDK_SUITES` names a JSON file: `sdk`, `gateway`, `key`, `report`, `left_out` (functions that are not run), and
`connections`, of each kind a list of [name, port].
"""

import contextlib
import importlib
import json
import os
import socket
import sys
from pathlib import Path

import anyio
import httpx2
import pytest
import uvicorn
from fastmcp.client.transports import FastMCPTransport
from fastmcp.utilities.asgi_transport import StreamingASGITransport
from fastmcp.utilities.tests import asgi_server
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

SETTINGS = json.loads(Path(os.environ["SDK_SUITES"]).read_text())
GATEWAY, KEY = SETTINGS["gateway"], SETTINGS["key"]
# A connection serves one server only: what its tools are was accepted when they were first seen.
UNUSED = {kind: iter(connections) for kind, connections in SETTINGS["connections"].items()}
# Where tests mount MCP, besides every path at which a JSON-RPC message is sent.
ENDPOINTS = {"/mcp", "/api/"}
# How many requests of the present test went through the gateway.
passed = 0


def bound(kind):
    """The next connection, and the socket that is its server's; one whose port is taken meanwhile is passed over."""
    for name, port in UNUSED[kind]:
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind(("127.0.0.1", port))
        except OSError:
            own.close()
        else:
            return name, own
    raise RuntimeError(f"the tests start more {kind} servers than the gateway has connections for")


class Listener:
    """An ASGI application on the port of one of the gateway's connections."""

    def __init__(self, app, path, kind):
        self.app, self.path = app, path
        self.name, self.socket = bound(kind)
        options = {"lifespan": "off", "interface": "asgi3", "proxy_headers": False, "timeout_graceful_shutdown": 0}
        self.server = uvicorn.Server(uvicorn.Config(self.answer, log_level="critical", **options))
        self.url, self.ended = f"{GATEWAY}/{self.name}/", anyio.Event()

    async def answer(self, scope, receive, send):
        """Answers what comes from the gateway as if it had come at the path that the test means."""
        path = self.path if scope["path"] == "/mcp" else scope["path"]
        await self.app({**scope, "path": path, "raw_path": path.encode()}, receive, send)

    async def serve(self, task_status):
        """What uvicorn's own `serve` does, without signal handlers and pauses; has started once the port is open."""
        self.server.config.load()
        self.server.lifespan = self.server.config.lifespan_class(self.server.config)
        await self.server.startup([self.socket])
        task_status.started()
        await self.ended.wait()
        for each in self.server.servers:
            each.close()
        for connection in list(self.server.server_state.connections):
            connection.shutdown()

    def stop(self):
        self.ended.set()


class ThroughGateway:
    """What stands in for the SDK's in-process transport: the methods of an httpx2 transport."""

    def __init__(self, original):
        self.enter, self.exit, self.handle = original.__aenter__, original.__aexit__, original.handle_async_request

    def install(self, transport):
        transport.__aenter__ = lambda one: self.begin(one)
        transport.__aexit__ = lambda one, *raised: self.end(one, *raised)
        transport.handle_async_request = lambda one, request: self.send(one, request)

    async def begin(self, one):
        await self.enter(one)
        one.listeners = {}
        one.wire = httpx2.AsyncHTTPTransport(limits=httpx2.Limits(max_connections=None))
        await one.wire.__aenter__()
        return one

    async def end(self, one, *raised):
        await one.wire.__aexit__(None, None, None)
        for listener in one.listeners.values():
            listener.stop()
        return await self.exit(one, *raised)

    async def send(self, one, request):
        path = request.url.path
        if path not in ENDPOINTS and path not in one.listeners and b'"jsonrpc"' not in await body_of(request):
            return await self.handle(one, request)
        if path not in one.listeners:
            one.listeners[path] = Listener(one._app, path, era(request))
            await one._task_group.start(one.listeners[path].serve)
        return await forward(one.wire, request, one.listeners[path].url)


def era(request):
    """How the gateway is told to speak with the server: as the test's first request does."""
    return "modern" if request.headers.get("mcp-protocol-version", "") in MODERN_PROTOCOL_VERSIONS else "legacy"


async def body_of(request):
    return await request.aread() if request.method == "POST" else b""


async def forward(wire, request, url):
    """Sends a test's request to the gateway, with the agent's key if the test has no credential of its own."""
    global passed
    passed += 1
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
    if "authorization" not in request.headers:
        headers.append((b"authorization", f"Bearer {KEY}".encode()))
    target = httpx2.URL(url).copy_with(query=request.url.query or None)
    headers.append((b"host", target.netloc))
    limits = {kind: patient(limit) for kind, limit in request.extensions.get("timeout", {}).items()}
    extensions = request.extensions | {"timeout": limits}
    sent = httpx2.Request(request.method, target, headers=headers, stream=request.stream, extensions=extensions)
    answer = await wire.handle_async_request(sent)
    answer.request = request
    return answer


def patient(seconds):
    """A limit that is there for hanging tests only, for a busy machine; one that a test is about stays."""
    return seconds if seconds is None or seconds < 5 else max(seconds, 20)


class Wire(httpx2.AsyncHTTPTransport):
    """Real sockets, with the agent's key."""

    def __init__(self, url):
        super().__init__(limits=httpx2.Limits(max_connections=None))
        self.url = url

    async def handle_async_request(self, request):
        return await forward(super(), request, self.url)


@contextlib.asynccontextmanager
async def listening(app, kind):
    """Serves an application for a while; an HTTP client of the gateway's connection to it."""
    listener = Listener(app, "/mcp", kind)
    async with anyio.create_task_group() as group:
        await group.start(listener.serve)
        try:
            async with httpx2.AsyncClient(transport=Wire(listener.url), timeout=30) as http:
                yield http
        finally:
            listener.stop()


@contextlib.asynccontextmanager
async def connect_over_sse(server, spec_version=None, **options):
    """Stands in for the interaction suite's: the server speaks HTTP+SSE, the gateway's client Streamable HTTP."""
    app, _ = sys.modules["tests.interaction._connect"].build_sse_app(server)
    async with listening(app, "sse") as http:
        transport = streamable_http_client("http://127.0.0.1/mcp", http_client=http)
        async with Client(transport, mode="legacy", **options) as client:
            yield client


@contextlib.asynccontextmanager
async def connect_over_http(one, *, transport_options=None, **session):
    """Stands in for FastMCP's in-memory transport: the same server, spoken to by HTTP."""
    async with asgi_server(one.server) as running:
        transport = running.transport()
        async with transport.connect_session(transport_options=transport_options, **session) as client:
            yield client


def pytest_configure(config):
    if SETTINGS["sdk"] == "fastmcp":
        transport = StreamingASGITransport
        FastMCPTransport.connect_session = connect_over_http
    else:
        transport = importlib.import_module("tests.interaction.transports._bridge").StreamingASGITransport
    ThroughGateway(transport).install(transport)
    fail_after = anyio.fail_after
    anyio.fail_after = lambda delay, shield=False: fail_after(patient(delay), shield)


def pytest_collection_modifyitems(items):
    """One event loop's kind is enough; and some would wait for what never comes."""
    items[:] = [each for each in items if "trio" not in str(getattr(each, "callspec", "") and each.callspec.params)]
    items[:] = [each for each in items if each.originalname not in SETTINGS["left_out"]]
    with contextlib.suppress(KeyError):
        sys.modules["tests.interaction.conftest"]._FACTORIES["sse"] = connect_over_sse


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    global passed
    passed = 0
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" or report.outcome != "passed":
        line = {"test": item.nodeid, "outcome": report.outcome, "requests": passed, "why": report.longreprtext[-3000:]}
        with open(SETTINGS["report"], "a") as file:
            file.write(json.dumps(line) + "\n")
