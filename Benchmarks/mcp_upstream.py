"""The MCP server of the benchmark: Streamable HTTP of both eras, as little as possible above asyncio's sockets.

It is a whole server for any client of the protocol (the benchmark begins with the official SDK's, see `check`): it
reads the JSON of each request and answers it. `echo` says its text again, `delete_order` counts. Started with a port.
"""

import argparse
import asyncio
import json
import re

MODERN = "2026-07-28"
LEGACY = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
VERSION = re.compile(rb"\r\nmcp-protocol-version: *([^\r]*)", re.IGNORECASE)
INFORMATION = {"name": "bench-upstream", "version": "1"}
CAPABILITIES = {"tools": {}}
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
ORDER = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}
TOOLS = [
    {"name": "echo", "description": "Says it again.", "inputSchema": TEXT},
    {"name": "delete_order", "description": "Deletes an order.", "inputSchema": ORDER},
]
SERVER_INFO = {"io.modelcontextprotocol/serverInfo": INFORMATION}


def response(status, body, reason="OK"):
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
NOT_ALLOWED = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nContent-Length: 0\r\n\r\n"


class Failure(Exception):
    """A JSON-RPC error."""

    def __init__(self, code, message, status=200):
        super().__init__(message)
        self.code, self.status = code, status


def result_of(method, params, is_modern):
    if method == "tools/call":
        name, arguments = params.get("name"), params.get("arguments") or {}
        if name == "echo" and isinstance(arguments.get("text"), str):
            text = arguments["text"]
        elif name == "delete_order" and isinstance(arguments.get("order"), int):
            text = f"deleted {arguments['order']}"
        else:
            raise Failure(-32602, "unknown tool or arguments")
        result = {"content": [{"type": "text", "text": text}], "isError": False}
    elif method == "tools/list":
        result = {"tools": TOOLS} | ({"ttlMs": 0, "cacheScope": "private"} if is_modern else {})
    elif method == "server/discover" and is_modern:
        result = {"supportedVersions": [MODERN], "capabilities": CAPABILITIES, "ttlMs": 0, "cacheScope": "private"}
    elif method == "initialize" and not is_modern:
        wanted = params.get("protocolVersion")
        version = wanted if wanted in LEGACY else LEGACY[-1]
        result = {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": INFORMATION}
    elif method == "ping" and not is_modern:
        result = {}
    else:
        raise Failure(-32601, "Method not found", 404 if is_modern else 200)
    if is_modern:
        result["resultType"], result["_meta"] = "complete", SERVER_INFO
    return result


def answer(head, body):
    """The response to one request."""
    if not head.startswith(b"POST "):
        return NOT_ALLOWED
    found = VERSION.search(head)
    is_modern = bool(found) and found[1].strip() == MODERN.encode()
    try:
        message = json.loads(body)
    except ValueError:
        return response(400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}')
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        return response(400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}')
    if "id" not in message:
        return ACCEPTED
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        reply["result"] = result_of(message["method"], message.get("params") or {}, is_modern)
        status = 200
    except Failure as failure:
        reply["error"] = {"code": failure.code, "message": str(failure)}
        status = failure.status
    return response(status, json.dumps(reply, separators=(",", ":")).encode())


class Connection(asyncio.Protocol):
    """One connection: requests in order, each answered as soon as it is whole."""

    def __init__(self):
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[: end + 2]
            found = LENGTH.search(head)
            if b"\r\nexpect:" in head.lower():
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if not found and b"chunked" in head.lower():
                taken = self.chunked(end + 4)
                if taken is None:
                    return
                body, whole = taken
            else:
                whole = end + 4 + (int(found[1]) if found else 0)
                if len(self.buffer) < whole:
                    return
                body = self.buffer[end + 4 : whole]
            self.buffer = self.buffer[whole:]
            self.transport.write(answer(head, body))

    def chunked(self, position):
        """A body in chunks, and where it ends; None if it is not whole."""
        kept = []
        while (line := self.buffer.find(b"\r\n", position)) >= 0:
            size = int(self.buffer[position:line].split(b";")[0], 16)
            following = line + 2 + size + 2
            if len(self.buffer) < following:
                return None
            if size == 0:
                return b"".join(kept), following
            kept.append(self.buffer[line + 2 : line + 2 + size])
            position = following
        return None


async def serve(port):
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


async def check(url, key=None):
    """Speaks to a server with the official SDK's client, in both eras: what only wrk understands is no server."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    for mode in ("legacy", "auto"):
        async with httpx2.AsyncClient(headers=headers, timeout=30) as connections:
            async with Client(streamable_http_client(url, http_client=connections), mode=mode) as client:
                assert (client.protocol_version == MODERN) == (mode == "auto"), client.protocol_version
                assert "echo" in [tool.name for tool in (await client.list_tools()).tools]
                for text in ("hello", "ünï \U0001f600"):
                    result = await client.call_tool("echo", {"text": text})
                    assert (result.is_error, result.content[0].text) == (False, text), result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    asyncio.run(serve(parser.parse_args().port))
