"""Receivers of exports: an HTTPS server that misbehaves as told, and a syslog server that takes RFC 5424/5425 at their word."""

import json
import re
import socket
import ssl
import struct
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def tls_context(authority, *names):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def sequence(line):
    """An entry's number, in whichever format it came."""
    members = json.loads(line)
    return members["metadata"]["sequence"] if "metadata" in members else members["sequence"]


def without_repeats(lines):
    """What a receiver keeps that drops what it had before."""
    seen, kept = set(), []
    for line in lines:
        number = sequence(line)
        if number not in seen:
            seen.add(number)
            kept.append(line)
    return kept


class HTTPSReceiver:
    """Answers 200 to each batch, unless `script` has something else for it, in turn.

    Steps: a status; ("status", headers); "hang" (no answer at all); "reset"; "take-and-reset" (it has the batch, and the
    sender does not learn it). With `largest`, a batch of more lines is answered with 413. It is at `path` only.
    """

    def __init__(self, authority=None, script=(), largest=None, path="/ingest"):
        self.script = list(script)
        self.largest = largest
        self.lines, self.requests, self.lock = [], [], threading.Lock()
        self.stopping = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != path:
                    return self.send_error(404)
                receiver.answer(self, body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if authority:
            context = tls_context(authority, "localhost", "127.0.0.1")
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self.server.server_address[1]
        scheme = "https" if authority else "http"
        self.url = f"{scheme}://localhost:{self.port}{path}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, body):
        lines = self.read(handler.headers, body)
        with self.lock:
            self.requests.append((dict(handler.headers.items()), body))
            step = self.script.pop(0) if self.script else 200
            if self.largest and len(lines) > self.largest:
                step = 413
            if step in (200, "take-and-reset"):
                self.lines += lines
        if step == "hang":
            self.stopping.wait(60)
            handler.close_connection = True
        elif step in ("reset", "take-and-reset"):
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
            # Below TLS, so that no word of farewell is sent.
            socket.socket(fileno=handler.connection.detach()).close()
            handler.wfile = handler.rfile = open("/dev/null", "r+b")
        else:
            status, headers = step if isinstance(step, tuple) else (step, {})
            handler.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()

    @staticmethod
    def read(headers, body):
        if headers["Content-Type"] == "application/json":
            return [json.dumps(each) for each in json.loads(body)]
        assert headers["Content-Type"] == "application/x-ndjson" and body.endswith(b"\n")
        lines = body[:-1].decode().split("\n")
        first, last = map(int, headers["Countersign-Export-Range"].split("-"))
        assert (first, last) == (sequence(lines[0]), sequence(lines[-1]))
        return lines

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()


# RFC 5424, section 6: every field as the grammar has it.
MESSAGE = re.compile(
    rb"<(?P<pri>0|[1-9][0-9]{0,2})>1 "
    rb"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})) "
    rb"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<id>[!-~]{1,32}) "
    rb"(?P<data>-|(?:\[[^ =\]\"]{1,32}(?: [^ =\]\"]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*\])+)"
    rb"(?: (?P<text>.*))?",
    re.DOTALL,
)
PARAMETER = re.compile(rb" ([^ =\]\"]{1,32})=\"((?:[^\"\\\]]|\\[\"\\\]])*)\"")


class SyslogReceiver:
    """Takes messages over TLS; cuts the connection off after each number of messages in `cuts`, in turn."""

    def __init__(self, authority, cuts=()):
        self.cuts = list(cuts)
        self.messages, self.problems, self.connections = [], [], 0
        self.context = tls_context(authority, "localhost")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def lines(self):
        return [message["text"] for message in list(self.messages)]

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        limit = self.cuts.pop(0) if self.cuts else None
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                buffer, count = b"", 0
                while data := connection.recv(65536):
                    buffer += data
                    while frame := self.frame(buffer):
                        text, buffer = frame
                        self.messages.append(self.parse(text))
                        count += 1
                        if count == limit:
                            connection.setsockopt(
                                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                            )
                            return
        except (OSError, ssl.SSLError):
            pass
        except AssertionError as problem:
            self.problems.append(str(problem))

    @staticmethod
    def frame(buffer):
        """RFC 5425, section 4.3: MSG-LEN SP SYSLOG-MSG, without leading zeros."""
        digits, space, rest = buffer.partition(b" ")
        if not space:
            assert re.fullmatch(rb"([1-9][0-9]{0,7})?", digits), f"not a length: {digits[:20]!r}"
            return None
        assert re.fullmatch(rb"[1-9][0-9]{0,7}", digits), f"not a length: {digits[:20]!r}"
        length = int(digits)
        return (rest[:length], rest[length:]) if len(rest) >= length else None

    @staticmethod
    def parse(message):
        match = MESSAGE.fullmatch(message)
        assert match, f"not RFC 5424: {message[:200]!r}"
        fields = {name: (value or b"").decode() for name, value in match.groupdict().items()}
        assert int(fields["pri"]) <= 191
        datetime.fromisoformat(fields["time"])
        assert not match["text"].startswith(b"\xef\xbb\xbf")
        fields["parameters"] = {
            name.decode(): re.sub(rb"\\([\"\\\]])", rb"\1", value).decode()
            for name, value in PARAMETER.findall(match["data"])
        }
        return fields

    def stop(self):
        self.listener.close()
