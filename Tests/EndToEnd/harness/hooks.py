"""A program that takes webhooks."""

import base64
import json
import secrets
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

from .receivers import tls_context


def new_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class HookReceiver:
    """Answers 204 to each webhook, unless `script` has a status, (status, headers) or "hang" for it, in turn."""

    def __init__(self, authority=None, names=("localhost", "127.0.0.1"), script=(), body=b""):
        self.script, self.body = list(script), body
        self.calls, self.lock, self.stopping = [], threading.Lock(), threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_GET(self):
                receiver.take(self, b"")

            def do_POST(self):
                receiver.take(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.scheme = "https" if authority else "http"
        if authority:
            self.server.socket = tls_context(authority, *names).wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, handler, body):
        with self.lock:
            step = self.script.pop(0) if self.script else 204
            self.calls.append(Call(handler, body, step))
        if step == "hang":
            self.stopping.wait(60)
            return
        status, fields = step if isinstance(step, tuple) else (step, {})
        handler.send_response(status)
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        try:
            handler.wfile.write(self.body)
        except (OSError, ssl.SSLError):
            pass

    def url(self, host="localhost", path="/hooks/in"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def taken(self, type=None):
        """The webhooks that were answered with success, or those of a type."""
        calls = [call for call in list(self.calls) if isinstance(call.step, int) and call.step < 300]
        return [call for call in calls if type in (None, call.type)]

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


class Call:
    """One request."""

    def __init__(self, handler, body, step):
        self.method, self.path, self.body, self.step = handler.command, handler.path, body, step
        self.headers = dict(handler.headers.items())
        self.fields = {name.lower(): value for name, value in self.headers.items()}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        return self.json["type"]

    @property
    def id(self):
        return self.fields["webhook-id"]

    def verify(self, secret):
        """What the reference library makes of it; throws what it throws."""
        return Webhook(secret).verify(self.body, self.fields)

    def fits(self, secret):
        try:
            self.verify(secret)
            return True
        except WebhookVerificationError:
            return False
