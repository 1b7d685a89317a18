"""An upstream of our own: it writes down every byte that reaches it, and behaves as badly as it is told to."""

import base64
import hashlib
import json
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field

from .wire import Buffered, WireClosed

LARGE = 1 << 20


@dataclass
class Received:
    """One request as it came."""

    method: str
    target: str
    version: str
    head: bytes
    headers: list
    body: bytes = b""
    length: int = 0
    sha256: str = ""
    trailers: list = field(default_factory=list)
    is_chunked: bool = False
    connection: int = 0

    def header(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def path(self):
        return self.target.partition("?")[0]


class Exchange:
    """What a handler has in its hands: the request, and the socket."""

    def __init__(self, upstream, sock, reader, request):
        self.upstream = upstream
        self.sock = sock
        self.reader = reader
        self.request = request
        self.keeps_open = True

    def send(self, data):
        self.sock.sendall(data)

    def respond(self, status=200, body=b"", headers=(), reason="OK"):
        """A complete response with a Content-Length."""
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in headers]
        if status not in (204, 304) and not 100 <= status < 200:
            lines.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n"
        self.send(data + (b"" if self.request.method == "HEAD" else body))

    def respond_json(self, value, status=200, headers=()):
        self.respond(status, json.dumps(value).encode(), [("Content-Type", "application/json"), *headers])

    def begin_chunked(self, status=200, headers=()):
        lines = [f"HTTP/1.1 {status} OK", "Transfer-Encoding: chunked"] + [f"{n}: {v}" for n, v in headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def chunk(self, data):
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def end_chunked(self, trailers=()):
        self.send(b"0\r\n" + b"".join(f"{n}: {v}\r\n".encode() for n, v in trailers) + b"\r\n")

    def hang_up(self):
        self.keeps_open = False


class Gate:
    """Lets a handler wait until the test says go."""

    def __init__(self):
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self, timeout=60):
        self.reached.set()
        assert self.opened.wait(timeout), "the test never opened the gate"

    def open(self):
        self.opened.set()


class Upstream:
    """Listens on a port of its own until it is stopped."""

    def __init__(self, tls=None, port=0):
        self.tls = tls
        self.requests = []
        self.calls = Counter()
        self.connections = 0
        self.handlers = {}
        self.lock = threading.Lock()
        self.sockets = set()
        self.listener = None
        self.port = port
        self.start()

    def start(self):
        """Listens (again), on the same port."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Refuses connections from now on and ends those that there are."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            sockets = list(self.sockets)
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def on(self, path, handler):
        """Handles requests for a path with `handler(exchange)`."""
        self.handlers[path] = handler

    def stall(self, path, body=b"done"):
        """Makes a path wait for the gate that this answers, after the request has been read whole."""
        gate = Gate()

        def handler(exchange):
            gate.wait()
            exchange.respond(200, body, [("X-Stalled", "yes")])

        self.on(path, handler)
        return gate

    def to(self, path):
        """The requests for a path, oldest first."""
        with self.lock:
            return [request for request in self.requests if request.path == path]

    def count(self, path=None):
        """How many requests came, for a path or at all."""
        with self.lock:
            return self.calls[path] if path else sum(self.calls.values())

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.serve, args=(sock, number), daemon=True).start()

    def serve(self, sock, number):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with self.lock:
                self.sockets.add(sock)
            reader = Buffered(sock)
            while True:
                exchange = Exchange(self, sock, reader, self.read(reader, number))
                self.handlers.get(exchange.request.path, self.echo)(exchange)
                if not exchange.keeps_open or exchange.request.header("connection", "").lower() == "close":
                    return
        except (OSError, WireClosed, ssl.SSLError, AssertionError):
            pass
        finally:
            with self.lock:
                self.sockets.discard(sock)
            sock.close()

    def read(self, reader, number):
        while b"\r\n\r\n" not in reader.buffer:
            reader.fill()
        head, reader.buffer = reader.buffer.split(b"\r\n\r\n", 1)
        line, *fields = head.split(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ")
        headers = []
        for text in fields:
            name, _, value = text.partition(b":")
            headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        request = Received(method, target, version, head + b"\r\n\r\n", headers, connection=number)
        digest, kept = hashlib.sha256(), []

        def take(piece):
            digest.update(piece)
            request.length += len(piece)
            if request.length <= LARGE:
                kept.append(piece)

        # Counted before the body is read: a request whose body never comes has been sent, too.
        with self.lock:
            self.requests.append(request)
            self.calls[request.path] += 1
        if (request.header("transfer-encoding") or "").lower() == "chunked":
            request.is_chunked = True
            while size := int(reader.line(), 16):
                reader.exactly(size, take)
                assert reader.line() == b""
            request.trailers = reader.fields()
        elif length := request.header("content-length"):
            reader.exactly(int(length), take)
        request.body = b"".join(kept)
        request.sha256 = digest.hexdigest()
        return request

    def echo(self, exchange):
        """What paths without a handler do."""
        request = exchange.request
        exchange.respond_json(
            {"method": request.method, "target": request.target, "call": self.count(request.path)},
            headers=[("X-Upstream", "yes")],
        )


def websocket_echo(exchange):
    """Accepts a WebSocket and sends every byte of a frame back unmasked."""
    key = exchange.request.header("sec-websocket-key")
    token = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    exchange.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + base64.b64encode(token)
        + b"\r\n\r\n"
    )
    reader = exchange.reader
    exchange.hang_up()
    while True:
        first, second = reader.exactly(2)
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(reader.exactly(2), "big")
        elif length == 127:
            length = int.from_bytes(reader.exactly(8), "big")
        assert second & 0x80, "an unmasked frame from a client"
        mask = reader.exactly(4)
        data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(reader.exactly(length)))
        if length < 126:
            size = bytes([length])
        else:
            size = b"\x7e" + length.to_bytes(2, "big") if length < 65536 else b"\x7f" + length.to_bytes(8, "big")
        exchange.send(bytes([first]) + size + data)
        if first & 0x0F == 8:
            return
