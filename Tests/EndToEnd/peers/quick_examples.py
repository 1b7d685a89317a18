"""FastMCP's example servers, unmodified, each over HTTP on a port of its own, all in one process.

`quick_examples.py FILE:PORT…`: the server is the one that the file calls `mcp`, `server` or `app`, as `fastmcp run` has it.
"""

import asyncio
import importlib.util
import sys
from pathlib import Path

from fastmcp import FastMCP


def server_of(path):
    """Loads a file as `fastmcp run` would, without arguments."""
    sys.argv = [str(path)]
    name = "_".join(path.with_suffix("").parts[-2:]).replace("-", "_")
    described = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return next(found for name in ("mcp", "server", "app") if isinstance(found := getattr(module, name, None), FastMCP))


async def serve(wanted):
    async with asyncio.TaskGroup() as group:
        for each in wanted:
            path, port = each.rsplit(":", 1)
            serving = server_of(Path(path)).run_http_async(
                host="127.0.0.1", port=int(port), show_banner=False, log_level="critical"
            )
            group.create_task(serving)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
