"""The ways that traffic takes: from each client to each server, directly and through the gateway."""

import contextlib

import anyio

from . import mcp_clients
from .gateway import UPSTREAM_CREDENTIAL
from .mcp import McpGateway, Peer, Route
from .waiting import eventually

# Servers, by the name that their connection has; the settings of the connection, where `auto` is not meant.
UPSTREAMS = {
    "official-legacy-http": {},
    "official-modern-http": {},
    "official-legacy-stateless": {},
    "official-legacy-sse": {},
    "official-legacy-stdio": {"protocol": "legacy"},
    "official-modern-stdio": {},
    "fastmcp-legacy-http": {"protocol": "legacy"},
    "fastmcp-modern-http": {"protocol": "modern"},
    "fastmcp-modern-stdio": {},
}
CLIENTS = [("official", "legacy"), ("official", "modern"), ("fastmcp", "legacy"), ("fastmcp", "modern")]
MAIN = ["official-legacy-http", "official-modern-http"]


def route(path, client, era, upstream):
    return Route(path, client, era, *upstream.split("-"))


DIRECT = [
    route("direct", "official", "legacy", "official-legacy-http"),
    route("direct", "official", "modern", "official-modern-http"),
    route("direct", "official", "legacy", "official-legacy-stateless"),
    route("direct", "official", "legacy", "official-legacy-sse"),
    route("direct", "official", "legacy", "fastmcp-legacy-http"),
    route("direct", "official", "modern", "fastmcp-modern-http"),
    route("direct", "fastmcp", "legacy", "official-legacy-http"),
    route("direct", "fastmcp", "modern", "official-modern-http"),
]
# Each test starts a process of its own.
STDIO = [
    route("direct", "official", "legacy", "official-legacy-stdio"),
    route("direct", "official", "modern", "official-modern-stdio"),
    route("direct", "fastmcp", "modern", "fastmcp-modern-stdio"),
]
GATEWAY = [
    route("gateway", client, era, upstream)
    for client, era in CLIENTS
    for upstream in (UPSTREAMS if client == "official" else MAIN)
]
ALL = DIRECT + GATEWAY
# One of each kind, for what takes long.
FEW = [each for each in [*ALL, *STDIO[:2]] if each.client == "official" and each.upstream != "fastmcp-modern-stdio"]


def to(*upstreams, client="official"):
    """The routes to some servers."""
    return [each for each in FEW if each.upstream in upstreams and each.client == client]


class Traffic:
    """All the servers, started when they are first needed, and the gateway in front of them."""

    def __init__(self, folder):
        self.folder = folder
        self.peers, self.processes, self.gateway = {}, {}, None
        for name in UPSTREAMS:
            server, era, transport = name.split("-")
            # FastMCP's server and the modern stdio one speak both; the connection, or the client, picks.
            own = era if server == "official" and (transport != "stdio" or era == "legacy") else "both"
            key = (server, own, transport)
            if key not in self.processes:
                self.processes[key] = Peer(folder / "-".join(key), server, transport, own)
            self.peers[name] = self.processes[key]

    def start(self):
        """Starts what listens, all at once."""
        listening = [peer for peer in self.processes.values() if peer.transport != "stdio"]
        for peer in listening:
            peer.spawn()
        for peer in listening:
            peer.wait()

    def through(self):
        """The gateway, started when the first test needs it."""
        if not self.gateway:
            peers = {name: (self.peers[name], settings) for name, settings in UPSTREAMS.items()}
            self.gateway = McpGateway(self.folder / "gateway", peers).start()
        return self.gateway

    def stop(self):
        if self.gateway:
            self.gateway.stop()
        for peer in self.processes.values():
            peer.kill()

    def peer(self, way):
        return self.peers[way.upstream]

    @contextlib.asynccontextmanager
    async def connect(self, way, **options):
        """A client of a route."""
        peer = self.peers[way.upstream]
        if way.path == "gateway":
            gateway = await anyio.to_thread.run_sync(self.through)
            url, key = gateway.url(way.upstream), gateway.keys["bot"]
            made = mcp_clients.http(url, key, way.client, way.client_era, **options)
        elif way.transport == "stdio":
            options.pop("limits", None)
            made = mcp_clients.stdio(peer.command, peer.environment, way.client, way.client_era, **options)
        elif way.transport == "sse":
            options.pop("limits", None)
            made = mcp_clients.sse(peer.url, UPSTREAM_CREDENTIAL, **options)
        else:
            made = mcp_clients.http(peer.url, UPSTREAM_CREDENTIAL, way.client, way.client_era, **options)
        async with mcp_clients.plain(), made as face:
            yield face


async def soon(condition, timeout=10.0, what=None):
    """`eventually` beside a running event loop."""
    return await anyio.to_thread.run_sync(lambda: eventually(condition, timeout, what))


async def repeatedly(attempt, timeout=10.0):
    """Awaits `attempt()` again and again until it answers something true."""
    with anyio.fail_after(timeout):
        while not (found := await attempt()):
            await anyio.sleep(0.02)
        return found
