"""The official SDK's client and FastMCP's, of either era, behind one face."""

import contextlib

import fastmcp
import httpx2
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

MODERN = "2026-07-28"
LEGACY = "2025-11-25"


class Face:
    """What tests ask of a client; answers are `mcp_types`."""

    def __init__(self, client, era, heard):
        self.client, self.era, self.heard = client, era, heard

    @property
    def session(self):
        return self.client.session

    @property
    def protocol_version(self):
        return self.client.protocol_version

    @property
    def capabilities(self):
        return self.client.server_capabilities

    @property
    def instructions(self):
        return self.client.instructions

    def notifications(self, method):
        """What came without being asked for, of one method."""
        return [message for message in self.heard if getattr(message, "method", None) == method]


class OfficialFace(Face):
    """The official SDK."""

    async def list_tools(self):
        return await self.pages(self.client.list_tools, "tools")

    async def list_resources(self):
        return await self.pages(self.client.list_resources, "resources")

    async def list_templates(self):
        return await self.pages(self.client.list_resource_templates, "resource_templates")

    async def list_prompts(self):
        return await self.pages(self.client.list_prompts, "prompts")

    @staticmethod
    async def pages(verb, member):
        found, cursor = [], None
        while True:
            page = await verb(cursor=cursor, cache_mode="refresh")
            found += getattr(page, member)
            cursor = page.next_cursor
            if not cursor:
                return found

    async def call(self, name, arguments=None, progress=None, timeout=None, meta=None):
        return await self.client.call_tool(name, arguments, timeout, progress, meta=meta)

    async def read(self, uri):
        return await self.client.read_resource(uri, cache_mode="refresh")

    async def prompt(self, name, arguments=None):
        return await self.client.get_prompt(name, arguments)

    async def complete(self, ref, argument):
        return (await self.client.complete(ref, argument)).completion


class FastFace(Face):
    """FastMCP."""

    async def list_tools(self):
        return await self.client.list_tools()

    async def list_resources(self):
        return await self.client.list_resources()

    async def list_templates(self):
        return await self.client.list_resource_templates()

    async def list_prompts(self):
        return await self.client.list_prompts()

    async def call(self, name, arguments=None, progress=None, timeout=None, meta=None):
        return await self.client.call_tool_mcp(
            name, arguments or {}, progress_handler=progress, timeout=timeout, meta=meta
        )

    async def read(self, uri):
        return await self.client.read_resource_mcp(uri)

    async def prompt(self, name, arguments=None):
        return await self.client.get_prompt_mcp(name, arguments)

    async def complete(self, ref, argument):
        return await self.client.complete(ref, argument)


@contextlib.asynccontextmanager
async def plain():
    """Raises what a task group wrapped, so that a test sees its own failure, or its skip."""
    try:
        yield
    except BaseExceptionGroup as wrapped:
        while isinstance(wrapped, BaseExceptionGroup) and len(wrapped.exceptions) == 1:
            wrapped = wrapped.exceptions[0]
        raise wrapped from None


@contextlib.asynccontextmanager
async def http(url, key, client="official", era="modern", event_limit=None, limits=None, **callbacks):
    """A client over Streamable HTTP with a bearer token; `event_limit` is the SDK's for one SSE event."""
    headers = {"Authorization": key if key.startswith("Bearer ") else f"Bearer {key}"} if key else {}
    if client == "official":
        timeout = httpx2.Timeout(30, read=600)
        more = {"limits": limits} if limits else {}
        async with httpx2.AsyncClient(headers=headers, timeout=timeout, **more) as connections:
            transport = streamable_http_client(url, http_client=connections, max_sse_event_size=event_limit)
            async with official(transport, era, **callbacks) as face:
                yield face
    else:
        transport = StreamableHttpTransport(url, headers=headers, max_sse_event_size=event_limit)
        async with quick(transport, era, **callbacks) as face:
            yield face


@contextlib.asynccontextmanager
async def sse(url, key, **callbacks):
    """A client of the old HTTP+SSE."""
    headers = {"Authorization": key if key.startswith("Bearer ") else f"Bearer {key}"} if key else {}
    async with official(sse_client(url, headers=headers), "legacy", **callbacks) as face:
        yield face


@contextlib.asynccontextmanager
async def stdio(command, environment, client="official", era="modern", **callbacks):
    """A client of a child process."""
    program, *arguments = command
    if client == "official":
        server = StdioServerParameters(command=program, args=arguments, env=environment)
        async with official(server, era, **callbacks) as face:
            yield face
    else:
        transport = StdioTransport(program, arguments, env=environment, keep_alive=False)
        async with quick(transport, era, **callbacks) as face:
            yield face


@contextlib.asynccontextmanager
async def official(server, era, elicit=None, sample=None, roots=None, log=None, **options):
    heard = []

    async def hear(message):
        heard.append(message)

    client = Client(
        server,
        mode="legacy" if era == "legacy" else "auto",
        message_handler=hear,
        elicitation_callback=elicit,
        sampling_callback=sample,
        list_roots_callback=roots,
        logging_callback=log,
        log_level="debug" if log else None,
        **options,
    )
    async with client:
        assert (client.protocol_version == MODERN) == (era == "modern"), client.protocol_version
        yield OfficialFace(client, era, heard)


@contextlib.asynccontextmanager
async def quick(transport, era, elicit=None, sample=None, roots=None, log=None, **options):
    heard = []

    async def hear(message):
        heard.append(message)

    client = fastmcp.Client(transport, mode="legacy" if era == "legacy" else "auto", message_handler=hear, **options)
    # The SDK's own callbacks, so that a test writes each of them once.
    given = {"elicitation_callback": elicit, "sampling_callback": sample, "list_roots_callback": roots}
    client._session_kwargs |= {name: callback for name, callback in given.items() if callback}
    if elicit:
        client._elicitation_callback = elicit
    if log:
        client._session_kwargs["logging_callback"] = log
    async with client:
        assert (client.protocol_version == MODERN) == (era == "modern"), client.protocol_version
        yield FastFace(client, era, heard)
