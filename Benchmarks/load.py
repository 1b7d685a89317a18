"""The load: wrk, and the upstream's answer."""

import json
import subprocess

import stack

LUA = stack.ROOT / "Benchmarks" / "wrk.lua"


def wrk(port, path, seconds, connections, key):
    """One run of the load; the same for every candidate, the agent's key included."""
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(LUA),
        "-H", f"Authorization: Bearer {key}", f"http://127.0.0.1:{port}{path}",
    ]
    output = subprocess.run(command, capture_output=True, text=True)
    for line in output.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:])
    raise SystemExit(f"bench: wrk failed: {output.stdout}{output.stderr}")


def payload():
    """About 1 KiB of JSON, like an API's answer."""
    lines = [{"sku": f"SKU-{number:05}", "quantity": number, "price": "12.50"} for number in range(16)]
    text = json.dumps({"id": "1001", "status": "open", "customer": "c-482", "lines": lines, "note": ""})
    return text[:-2] + "x" * (1024 - len(text)) + text[-2:]
