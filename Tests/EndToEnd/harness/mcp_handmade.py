"""MCP servers that do what a test says, whatever the protocol says."""

import http.server
import itertools
import json
import sys
import threading

import psutil

from .mcp import EFFECTS

NUMBERS = itertools.count(1)


class Handmade:
    """A server over HTTP; `answer(message, handler)` gives `result` or `error`, None for the usual, False if it has answered."""

    def __init__(
        self, answer=None, tools=("echo",), capabilities=None, era="legacy", instructions="for members", listened=None
    ):
        self.listened = listened
        self.got, self.own, self.era = [], answer or (lambda message, handler: None), era
        # Each request's method and header fields.
        self.fields = []
        self.tools = [{"name": each, "inputSchema": {"type": "object"}} for each in tools]
        self.about = {"capabilities": capabilities or {"tools": {}}, "instructions": instructions}
        handmade = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def parse_request(self):
                is_read = super().parse_request()
                if is_read:
                    handmade.fields.append({"method": self.command, **self.headers})
                return is_read

            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["content-length"])))
                handmade.got.append(message)
                if "id" not in message or "method" not in message:
                    return self.say(202, b"")
                own = handmade.own(message, self)
                if own is not False:
                    self.say(200, {"jsonrpc": "2.0", "id": message["id"], **(own or handmade.usual(message["method"]))})

            def do_GET(self):
                if not (handmade.listened and handmade.listened(self)):
                    self.say(405, b"")

            def do_DELETE(self):
                self.say(405, b"")

            def say(self, status, body, kind="application/json", **fields):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                fields = {"Content-Type": kind, "Content-Length": str(len(body))} | fields
                for name, value in fields.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def usual(self, method):
        if method == "initialize" and self.era == "legacy":
            return {"result": self.about | {"protocolVersion": "2025-11-25", "serverInfo": {"name": "x", "version": "1"}}}
        if method == "server/discover" and self.era == "modern":
            return {"result": self.about | {"resultType": "complete", "supportedVersions": ["2026-07-28"]}}
        if method == "tools/list":
            return {"result": {"tools": self.tools}}
        if method == "tools/call":
            return {"result": {"content": [{"type": "text", "text": "ran"}]}}
        return {"error": {"code": -32601, "message": "no such method"}}

    def asked(self, method):
        return [message["params"] for message in self.got if message.get("method") == method]

    def connection(self, name, **more):
        address = f"http://127.0.0.1:{self.server.server_address[1]}/mcp"
        entry = {"name": name, "kind": "mcp", "labels": {"env": "prod"}, "tools": EFFECTS}
        return entry | {"protocol": self.era, "upstream": address} | more

    def secrets(self, name):
        return {}

    def kill(self):
        self.server.shutdown()
        self.server.server_close()


CHILD = '''
import json, sys, threading, time
def say(value):
    sys.stdout.write((value if isinstance(value, str) else json.dumps(value)) + "\\n")
    sys.stdout.flush()
def answer(message, result):
    say({"jsonrpc": "2.0", "id": message["id"], "result": result})
def call(message):
    answer(message, {"content": []})
def tools(message):
    answer(message, {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "delete_record")]})
def heard(message):
    pass
def unknown(message):
    say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}})
def end():
    pass
#MORE
for line in sys.stdin:
    message = json.loads(line)
    if "method" not in message: heard(message)
    elif "id" not in message: continue
    elif message["method"] == "initialize":
        answer(message, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "c", "version": "1"}})
    elif message["method"] == "tools/list": tools(message)
    elif message["method"] == "tools/call": call(message)
    else: unknown(message)
end()
'''


class Child:
    """A server on stdio; `more` is code that changes it."""

    def __init__(self, folder, more="", era="legacy"):
        self.path, self.era = folder / f"child-{next(NUMBERS)}.py", era
        self.path.write_text(CHILD.replace("#MORE", more))

    def connection(self, name, **more):
        entry = {"name": name, "kind": "mcp", "labels": {"env": "prod"}, "tools": EFFECTS, "protocol": self.era}
        return entry | {"command": [sys.executable, "-I", "-S", str(self.path)]} | more

    def secrets(self, name):
        return {}

    def processes(self):
        found = psutil.process_iter(["cmdline", "status"])
        alive = [each for each in found if each.info["status"] != psutil.STATUS_ZOMBIE]
        return [each for each in alive if str(self.path) in (each.info["cmdline"] or [])]

    def kill(self):
        for process in self.processes():
            process.kill()
