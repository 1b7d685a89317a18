"""An MCP server over HTTP that does what a test says, whatever the protocol says."""

import http.server
import json
import threading

from .mcp import EFFECTS


class Handmade:
    """A server over HTTP; `answer(message, handler)` gives `result` or `error`, None for the usual, False if it has answered."""

    def __init__(self, answer=None, tools=("echo",), capabilities=None, era="legacy", instructions="for members"):
        self.got, self.own, self.era = [], answer or (lambda message, handler: None), era
        self.tools = [{"name": each, "inputSchema": {"type": "object"}} for each in tools]
        self.about = {"capabilities": capabilities or {"tools": {}}, "instructions": instructions}
        handmade = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["content-length"])))
                handmade.got.append(message)
                if "id" not in message or "method" not in message:
                    return self.say(202, b"")
                own = handmade.own(message, self)
                if own is not False:
                    self.say(200, {"jsonrpc": "2.0", "id": message["id"], **(own or handmade.usual(message["method"]))})

            def do_GET(self):
                self.say(405, b"")

            do_DELETE = do_GET

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
