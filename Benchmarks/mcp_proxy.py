"""FastMCP's own proxy in front of an MCP server, as its documentation has it: the peer of the benchmark."""

import os
import sys

os.environ.setdefault("FASTMCP_SHOW_SERVER_BANNER", "false")
os.environ.setdefault("FASTMCP_LOG_LEVEL", "WARNING")
os.environ.setdefault("FASTMCP_CHECK_FOR_UPDATES", "off")

from fastmcp.server import create_proxy

if __name__ == "__main__":
    url, port = sys.argv[1], int(sys.argv[2])
    # Without sessions, which is its faster way, and with its access log off.
    create_proxy(url, name="proxy").run(
        "http",
        host="127.0.0.1",
        port=port,
        path="/mcp",
        stateless_http=True,
        json_response=True,
        log_level="warning",
        uvicorn_config={"access_log": False},
        show_banner=False,
    )
