"""A receiver of webhooks that answers as told and keeps what it got."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAbCdEfGhIjKl"


class HookReceiver:
    """Answers `status` to each request, unless `script` has another for it, in turn."""

    def __init__(self, status=204):
        self.status = status
        self.script = []
        self.got = []
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    status = receiver.script.pop(0) if receiver.script else receiver.status
                    receiver.got.append((status, self.headers["webhook-id"], json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def channel(self, name="hook"):
        """The channel that posts to it, for a configuration; its secret is in HOOK_SECRET."""
        return {
            "name": name,
            "kind": "webhook",
            "url": f"http://127.0.0.1:{self.port}/hooks",
            "secrets": ["env:HOOK_SECRET"],
            "allow": ["127.0.0.1/32"],
        }

    def about(self, approval, status=None):
        """The notices' ids and payloads about an approval, in the order in which they came."""
        with self.lock:
            got = list(self.got)
        return [
            (identifier, payload)
            for code, identifier, payload in got
            if payload["data"]["id"] == approval["id"] and status in (None, code)
        ]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
