"""A program that is told of approvals by webhooks: what it got, in order, and answers that a test chooses."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .gateway import free_port
from .waiting import eventually

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class StoryReceiver:
    """Listens on a port of its own; `answer` says the status for the next requests, or hangs while it is None."""

    def __init__(self):
        self.port = free_port()
        self.answer = 204
        self.got = []
        self.attempts = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.server = None
        self.start()

    def start(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.answer
                with receiver.lock:
                    receiver.attempts.append((headers, body))
                if status is None:
                    receiver.released.wait(30)
                    status = 503
                if 200 <= status < 300:
                    with receiver.lock:
                        receiver.got.append((headers, body))
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_):
                """A gateway that is killed breaks its connections."""

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def down(self):
        """Nobody listens any more."""
        self.server.shutdown()
        self.server.server_close()
        self.server = None

    def stop(self):
        self.released.set()
        if self.server:
            self.down()

    @property
    def payloads(self):
        with self.lock:
            return [json.loads(body) for _, body in self.got]

    def of(self, approval):
        """What was told of one approval, in order."""
        return [payload for payload in self.payloads if payload["data"]["id"] == approval]

    def ids(self):
        with self.lock:
            return [headers["webhook-id"] for headers, _ in self.got]

    def eventually(self, count, timeout=30):
        eventually(lambda: len(self.payloads) >= count, timeout, f"{count} webhooks")
        return self.payloads

    def channel(self, **more):
        """Its configuration as a channel of a gateway whose environment has the secret as HOOK_SECRET."""
        return {
            "name": "hook",
            "kind": "webhook",
            "url": f"http://127.0.0.1:{self.port}/hook",
            "secrets": ["env:HOOK_SECRET"],
            "allow": ["127.0.0.1/32"],
            **more,
        }
