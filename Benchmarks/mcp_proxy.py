"""FastMCP's own proxy in front of an MCP server, as its documentation has it: the peer of the benchmark."""

import os
import sys

os.environ.setdefault("FASTMCP_SHOW_SERVER_BANNER", "false")
os.environ.setdefault("FASTMCP_LOG_LEVEL", "WARNING")
os.environ.setdefault("FASTMCP_CHECK_FOR_UPDATES", "off")

import asyncio

from fastmcp import Client
from fastmcp.server import create_proxy


async def serve(url, port, is_shared):
    # Without sessions, which is its faster way, and with its access log off.
    options = {
        "host": "127.0.0.1",
        "port": port,
        "path": "/mcp",
        "stateless_http": True,
        "json_response": True,
        "log_level": "warning",
        "uvicorn_config": {"access_log": False},
        "show_banner": False,
    }
    if not is_shared:
        return await create_proxy(url, name="proxy").run_http_async(**options)
    # One client for everybody: what one caller does is mixed with what others do, but it is faster.
    async with Client(url) as client:
        await create_proxy(client, name="proxy").run_http_async(**options)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), "shared" in sys.argv[3:]))
